"""A session as participants have it, against the real server: an hour, on a phone and at a desk.

A facilitator and two more people speak through the Python client; what is looked at is what Anna (a phone, by
day) and Ben (a desk, at night) see. The screenshots go to build/screenshots/session, to be looked at.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from chatd.client import Client, Event, Room, connect
from chatd.settings import load_secret
from chatd.settings_load import load
from chatd.tickets import ANY_ROOM, Tickets
from tests.browser.embedding import guest, place, snippet
from tests.browser.middlebox import Middlebox
from tests.browser.test_access import CONTRAST, RULES, clean
from tests.browser.test_transports import Way, behind, forgive, only
from tests.fixtures.browsers import PHONE, Person, Visit
from tests.fixtures.hosts import Hosting
from tests.fixtures.servers import Serve, Server, until
from tests.tree import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots" / "session"
SCREENSHOTS.mkdir(parents=True, exist_ok=True)
NAME = "night"
WORDS = {**RULES, "rules": {rule: {"enabled": False} for rule in CONTRAST["runOnly"]["values"]}}

AGENDA = [
    {"title": "Welcome", "minutes": 5, "phase": "opening"},
    {"title": "Arriving", "minutes": 15, "prompt": "One word for how you come here tonight."},
    {"title": "What was heavy", "minutes": 25, "prompt": "Is there a moment that comes back?"},
    {"title": "Slowing down", "minutes": 5, "phase": "winding_down"},
    {"title": "Closing round", "minutes": 10, "phase": "closing_round", "prompt": "What do you take along?"},
]


def plan(**more: Any) -> dict[str, Any]:
    """A series whose lobby is open now, and which begins in two minutes, or when a facilitator says so."""
    starts = datetime.now(UTC) + timedelta(minutes=3)
    return {
        "name": NAME,
        "title": "After the night shift",
        "about": "For whoever carried something home.",
        "timezone": "UTC",
        "starts": starts.strftime("%Y-%m-%dT%H:%M"),
        "rrule": "FREQ=WEEKLY",
        "agenda": AGENDA,
        "minimum": 4,
        "capacity": 4,
        "poll_k": 3,
        "resources": [["Peer support programme", "https://example.org/peer"]],
        "support": [["Helpline (an example)", "0800 000 000", "2026-01-15"]],
        "open": True,
        "listed": True,
        **more,
    }


def planner(server: Server) -> httpx.AsyncClient:
    """Whoever may plan all series of this server."""
    tickets = Tickets(load_secret(load({"data": server.data})))
    ticket = tickets.issue(ANY_ROOM, "facilitator", expires_at=int(time.time()) + 3600)
    return httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {ticket}"})


class Lead:
    """Whoever facilitates, and who else is there without a browser: over the wire, as any client."""

    def __init__(self, client: Client, room: Room) -> None:
        self.client = client
        self.room = room
        self.events: list[Event] = []
        self._reading = asyncio.create_task(self._read(room))

    async def _read(self, room: Room) -> None:
        async for item in room:
            if isinstance(item, Event):
                self.events.append(item)

    async def do(self, what: str, **fields: Any) -> None:
        await self.room.do(what, **fields)

    @property
    def session(self) -> dict[str, Any]:
        assert self.room.session is not None
        return self.room.session

    async def last(self, kind: str, handle: str = "") -> int:
        """`seq` of the last event of a kind, once there is one."""

        def found() -> list[int]:
            return [one.seq for one in self.events if one.kind == kind and handle in ("", one.handle)]

        await until(lambda: bool(found()), f"{kind} is in the log")
        return found()[-1]

    async def line_of(self, handle: str) -> Room:
        """The line to one participant, sat down in."""
        await until(lambda: handle in self.session["staff"]["lines"], f"the line of {handle}")
        return await self.client.join(self.session["staff"]["lines"][handle], seat=self.room.seat)

    async def close(self) -> None:
        self._reading.cancel()


@asynccontextmanager
async def planned(server: Server, **more: Any) -> AsyncIterator[Callable[[], Awaitable[Lead]]]:
    """A series is planned and its lobby opens; what is given lets a facilitator in."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(planner(server))
        made = await http.post("/api/series", json=plan(**more))
        assert made.status_code == 201, made.text

        async def opened() -> bool:
            sessions = (await http.get("/api/sessions")).json()["sessions"]
            return any(one["room"] == NAME and one.get("phase") == "lobby" for one in sessions)

        await until(opened, "the lobby opens", within_s=20)
        client = await stack.enter_async_context(connect(server.url))

        async def lead() -> Lead:
            link = await http.post(f"/api/series/{NAME}/links", json={"for": "facilitator"})
            ticket = link.json()["url"].partition("#ticket=")[2]
            led = Lead(client, await client.join(NAME, ticket=ticket))
            stack.push_async_callback(led.close)
            return led

        yield lead


@asynccontextmanager
async def others(server: Server, count: int) -> AsyncIterator[list[Room]]:
    """More people in the group, who have accepted the rules."""
    async with AsyncExitStack() as stack:
        rooms = []
        for _ in range(count):
            client = await stack.enter_async_context(connect(server.url))
            room = await client.join(NAME)
            await room.do("accept")
            rooms.append(room)
        yield rooms


async def shoot(state: str, *people: tuple[str, Person]) -> None:
    """It can be looked at later; and axe finds nothing in what the first of these sees."""
    for name, person in people:
        await person.page.screenshot(path=SCREENSHOTS / f"{state}-{name}.png", animations="disabled")
    name, person = people[0]
    await clean(person, f"{state}, {name}")


async def test_an_hour_as_a_participant(visit: Visit, serve: Serve) -> None:
    server = await serve("--open")
    async with planned(server, measure=True) as lead_in:
        anna = await visit(
            server,
            viewport=PHONE,
            has_touch=True,
            is_mobile=True,
            color_scheme="light",
            reduced_motion="reduce",
        )
        ben = await visit(server, color_scheme="dark", reduced_motion="reduce")
        both = (("anna", anna), ("ben", ben))
        say = anna.page.get_by_label("Your message")

        # ---- from the rooms into the lobby
        await anna.open("/")
        card = anna.page.locator(".session")
        await expect(card).to_contain_text("The lobby is open")
        await expect(card.get_by_role("link", name="calendar")).to_have_attribute(
            "href", f"/calendar/{NAME}.ics"
        )
        await shoot("01-rooms", ("anna", anna))
        await card.get_by_role("link", name="After the night shift").click()
        await expect(anna.page.locator(".door")).to_contain_text("The session begins in")
        await shoot("02-door", ("anna", anna))
        anna_is = await enter(anna)
        strip = anna.page.locator(".now")
        await expect(strip).to_contain_text("The lobby is open")
        await expect(strip).to_contain_text("3 more people are needed.")
        await expect(strip).to_contain_text("The facilitator is not here yet.")
        await shoot("03-lobby", ("anna", anna))
        lead = await lead_in()
        await expect(strip).to_contain_text(f"{lead.room.handle.replace('-', ' ')} is facilitating.")
        ben_is = await enter(ben, listen=True)

        async with others(server, 2) as (cleo, dora):
            # The rules were accepted with the one tap at the door, and who listens is known to listen.
            await until(lambda: len(lead.session["staff"]["members"]) == 4, "all four have a place")
            await expect(ben.page.locator("#listening")).to_be_visible()

            # ---- the group is full: a fair line, and in by oneself
            eve = await visit(server, viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
            eve_is = await begin(eve)
            await expect(eve.page.locator("#shut-why")).to_have_text("The group is full just now")
            await expect(eve.page.get_by_role("status").filter(has_text="You are next.")).to_be_visible()
            await shoot("04-waiting", ("eve", eve))

            # ---- how heavy it is, from who likes to say
            await expect(anna.page.locator(".card")).to_contain_text("How are you arriving?")
            await anna.page.locator(".card").get_by_role("button", name="Answer").click()
            await check_in(anna, heavy="8", alone="6", burnout=3)
            await expect(anna.page.locator("#status")).to_contain_text("counted, and forgotten")
            await expect(anna.page.locator(".card")).to_be_hidden()
            await ben.page.locator(".card").get_by_role("button", name="Not this time").click()
            await expect(ben.page.locator(".card")).to_be_hidden()

            # ---- it begins
            await lead.do("move", phase="opening")
            await expect(strip).to_contain_text("Welcome")
            await expect(strip).to_contain_text("Part 1 of 5")
            await lead.do("move", item=1)
            await expect(strip).to_contain_text("about")
            await lead.room.post("Welcome. We have the hour. Nobody has to say anything.")
            await anna.say("Glad to be here.")
            await shoot("05-open", *both)
            await clean(ben, "05-open by night", CONTRAST)

            # ---- a round: whose turn it is, passing, and words that came too early stay where they are
            await lead.do("set_floor", by_hand=True)
            await lead.do("start_round", prompt="One word for how you come here")
            floor = anna.page.locator(".floor")
            await expect(floor).to_contain_text("It is your turn. Passing is fine.")
            await expect(ben.page.locator(".floor")).to_contain_text("You are next; passing is fine.")
            await shoot("06-round", *both)
            await anna.say("Tired.")
            await floor.get_by_role("button", name="Done").click()
            await ben.page.locator(".floor").get_by_role("button", name="Pass").click()
            await expect(floor).to_contain_text("You have had your turn.")
            await say.fill("One thing more")
            await anna.page.locator("#send").click()
            await expect(anna.page.locator("#status")).to_contain_text("Your words are kept here.")
            await expect(say).to_have_value("One thing more")
            await lead.do("end_round")

            # ---- hands, in order; a turn with a soft end
            await cleo.do("raise_hand", up=True)
            await anna.page.get_by_role("button", name="Raise hand").click()
            await expect(floor).to_contain_text("You are number 2 in the line.")
            await expect(anna.page.get_by_role("button", name="Lower hand")).to_have_attribute(
                "aria-pressed", "true"
            )
            await lead.do("give_floor", to=anna_is, seconds=60)
            await expect(floor).to_contain_text("You have the floor. Take your time.")
            await shoot("07-floor", ("anna", anna))
            await anna.page.locator("#send").click()
            await anna.sees("One thing more")
            await floor.get_by_role("button", name="Done").click()
            await lead.do("set_floor", by_hand=False)

            # ---- a question without names; what stands out; what is pinned
            await lead.do(
                "open_poll", question="How heavy is it right now?", options=["Light", "So so", "Heavy"]
            )
            poll = await lead.last("poll_opened")
            await anna.page.get_by_role("radio", name="So so").check()
            await shoot("08-poll", *both)
            await clean(ben, "08-poll by night", CONTRAST)
            await anna.page.get_by_role("button", name="Send my answer").click()
            await expect(anna.page.locator(".card")).to_be_hidden()
            await ben.page.get_by_role("button", name="Send my answer").click()
            await expect(ben.page.get_by_text("Choose one answer first.")).to_be_visible()
            await ben.page.get_by_role("radio", name="Heavy").check()
            await ben.page.get_by_role("button", name="Send my answer").click()
            await cleo.do("vote", poll=poll, choice=1)
            await expect(anna.page.get_by_text("2 answers")).to_have_count(0)
            await lead.do("close_poll", poll=poll)
            await expect(anna.page.locator(".results")).to_contain_text("So so: 2 answers")
            await lead.do(
                "announce", kind="resource", text="About sleep after nights.", url="https://example.org/sleep"
            )
            out = anna.page.get_by_role("link", name="Open example.org")
            assert await out.get_attribute("rel") == "noopener noreferrer"
            await lead.do("pin", seq=await lead.last("posted", anna_is))
            await expect(strip.get_by_role("button", name="Pinned: One thing more")).to_be_visible()
            await shoot("09-said", *both)

            # ---- a message is hidden: others read by which rule, its author why
            await anna.say("On Friday Mrs Miller on ward 4 died.")
            hidden = await lead.last("posted", anna_is)
            await lead.do("hide", seq=hidden, rule="no_patients", reason="A name and a ward tell who it is.")
            await expect(ben.page.get_by_text("Hidden by a facilitator: No patients")).to_be_visible()
            await expect(ben.page.get_by_text("Mrs Miller")).to_have_count(0)
            own = anna.post("On Friday Mrs Miller on ward 4 died.")
            await expect(own).to_contain_text("Only you and the facilitators see it.")
            await expect(own).to_contain_text("A name and a ward tell who it is.")
            await anna.page.get_by_role("button", name="Read it").click()
            sheet = anna.page.locator("dialog.line")
            await expect(sheet).to_contain_text("The rule: No patients, no wards, no dates.")
            await sheet.get_by_role("button", name="Ask for another look").click()
            await sheet.get_by_label("What they should know").fill("I did not think of it.")
            await shoot("10-told", *both)
            await sheet.locator(".appeal").get_by_role("button", name="Ask for another look").click()
            await expect(sheet).to_contain_text("Another facilitator will look at it")
            await sheet.get_by_role("button", name="Back to the group").click()

            # ---- a whisper, then a word between two, and not a trace of it in the group
            line = await lead.line_of(anna_is)
            await line.post("How are you?")
            await expect(anna.page.locator(".card")).to_contain_text("wrote to you alone")
            await line.do("offer_word")
            await expect(anna.page.locator(".card")).to_contain_text("would like a private word with you")
            await shoot("11-word", ("anna", anna))
            await anna.page.get_by_role("button", name="Yes, gladly").first.click()
            await expect(sheet).to_contain_text("Nobody else can read this")
            await sheet.get_by_role("textbox").fill("Thank you for asking.")
            await sheet.get_by_role("button", name="Send").click()
            await expect(sheet.get_by_text("Thank you for asking.")).to_be_visible()
            await shoot("12-line", ("anna", anna))
            await sheet.get_by_role("button", name="End the private word").click()
            await expect(sheet).to_contain_text("The private word has ended.")
            await sheet.get_by_role("button", name="Back to the group").click()
            await expect(ben.page.get_by_text("Thank you for asking.")).to_have_count(0)

            # ---- held, then asked to listen
            await lead.do(
                "restrict", whose=anna_is, limit="hold", rule="kindness", reason="Let us slow down."
            )
            await expect(floor).to_contain_text("A facilitator looks at what you write")
            await anna.page.get_by_role("button", name="Later").click()
            await anna.send("I am sorry.")
            await expect(anna.post("I am sorry.")).to_contain_text("A facilitator looks at it first.")
            await shoot("13-held", ("anna", anna))
            await lead.do("restrict", whose=anna_is, limit="hold", on=False)
            await lead.do("restrict", whose=anna_is, limit="mute", rule="kindness", reason="Listen a while.")
            await expect(anna.page.locator("#composer")).to_be_hidden()
            await expect(anna.page.get_by_text("You were asked to listen")).to_be_visible()
            await lead.do("restrict", whose=anna_is, limit="mute", on=False)
            await expect(anna.page.locator("#composer")).to_be_visible()
            await anna.page.get_by_role("button", name="Later").click()

            # ---- a minute of quiet: the words stay in the composer
            await say.fill("unsaid")
            await lead.do("pause", seconds=60)
            for person in (anna, ben):
                await expect(person.page.get_by_role("heading", name="A minute of quiet")).to_be_visible()
            await expect(anna.page.locator("#composer")).to_be_hidden()
            await shoot("14-quiet", *both)
            await lead.do("resume")
            await expect(say).to_be_visible()
            await expect(say).to_have_value("unsaid")
            await say.fill("")

            # ---- small groups: there and back, with words
            pairs = [[anna_is, ben_is], [cleo.handle, dora.handle]]
            await lead.do("split", groups=pairs, minutes=10)
            await expect(strip).to_contain_text(f"You are in a small group with {ben_is.replace('-', ' ')}")
            await anna.say("Just the two of us.")
            await ben.sees("Just the two of us.")
            await expect(ben.page.get_by_text("Glad to be here.")).to_have_count(0)
            await lead.do("announce", text="Two minutes more.", everywhere=True)
            await expect(anna.page.get_by_text("Two minutes more.")).to_be_visible()
            await shoot("15-group", *both)
            await lead.do("recall")
            await expect(anna.page.get_by_text("Welcome back.")).to_be_visible()
            await anna.sees("Glad to be here.")
            await expect(anna.page.get_by_text("Just the two of us.")).to_have_count(0)

            # ---- somebody goes, and who waited is in
            await dora.leave()
            await expect(eve.page.locator(".now")).to_be_visible()
            await expect(eve.page.locator(".card")).to_contain_text("Where we are", timeout=5_000)
            await shoot("16-latecomer", ("eve", eve))
            await eve.page.get_by_role("button", name="Thank you").click()
            await expect(eve.page.locator(".card")).to_contain_text("How are you arriving?")
            await eve.page.locator(".card").get_by_role("button", name="Not this time").click()
            await expect(eve.page.locator(".card")).to_be_hidden()

            # ---- towards the end
            await lead.do("move", phase="winding_down")
            await expect(floor).to_contain_text("No more hands now")
            await expect(anna.page.get_by_role("button", name="Raise hand")).to_be_hidden()
            await lead.do("move", phase="closing_round")
            await expect(strip).to_contain_text("Closing round")
            await shoot("17-closing", *both)

            # ---- it ended for one: why, and how to have it looked at again
            await lead.do("restrict", whose=eve_is, limit="remove", rule="kindness")
            await expect(eve.page.locator("#shut-why")).to_have_text("This session has ended for you")
            await eve.page.get_by_role("button", name="Read why").click()
            await expect(eve.page.locator("dialog.line")).to_contain_text(
                "The rule: We are kind to each other."
            )
            await expect(eve.page.get_by_role("button", name="Ask for another look")).to_be_visible()
            await shoot("18-removed", ("eve", eve))

            # ---- check-out, and the end
            await anna.page.locator(".card").get_by_role("button", name="Not this time").click()
            await ben.page.locator(".card").get_by_role("button", name="Answer").click()
            await check_in(ben, heavy="4", alone="1")
            await lead.do("move", item=len(AGENDA))
            await expect(anna.page.locator(".card")).to_contain_text("Peer support programme")
            await expect(anna.page.locator(".card")).to_contain_text("The next time")
            await shoot("19-checkout", *both)
            await lead.do("move", phase="closed")
            for person in (anna, ben):
                await expect(person.page.get_by_role("heading", name="The session is over")).to_be_visible()
            await expect(anna.page.locator(".ended")).to_contain_text("What was said is erased at")
            await shoot("20-closed", *both)
            await clean(ben, "20-closed by night", CONTRAST)


async def test_who_comes_without_a_ticket_reads_when_it_is_and_what_it_takes(
    visit: Visit, serve: Serve
) -> None:
    server = await serve()
    starts = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    async with planner(server) as http:
        made = await http.post("/api/series", json=plan(starts=starts, open=False))
        assert made.status_code == 201, made.text
    anna = await visit(server, viewport=PHONE)
    await anna.open(f"/room/{NAME}")
    door = anna.page.locator("#entry-shut")
    await expect(door).to_contain_text("The next session is on")
    await expect(door).to_contain_text("This room asks for a ticket. Open it from your intranet page")
    await expect(door).not_to_contain_text("This page opens by itself")
    await shoot("22-door-with-ticket", ("anna", anna))


async def in_other_languages(person: Person, path: str, state: str) -> None:
    """Axe finds nothing there either: the sentences are longer, and in Arabic they run the other way. Colours
    are the same, and asked about elsewhere."""
    for language in ("es", "fr", "de", "ar", "en"):
        page, _, part = path.partition("#")
        await person.open(f"{page}?lang={language}#{part}")
        await expect(person.page.locator("html")).to_have_attribute("lang", language)
        await expect(person.page.locator(".now")).to_be_visible()
        await expect(person.page.locator("#entry")).to_be_hidden()
        if language != "en":
            await clean(person, f"{state} in {language}", WORDS)


async def check_in(person: Person, heavy: str, alone: str, burnout: int | None = None) -> None:
    """Both questions, by keyboard: a number each; and where it is asked, the sentence with this number."""
    sheet = person.page.locator("dialog.check-in")
    sentences = sheet.get_by_role("group", name="which sentence fits you best")
    await expect(sentences).to_have_count(0 if burnout is None else 1)
    await sheet.get_by_role("button", name="Send my answers").click()
    await expect(sheet).to_contain_text("Choose a number for both questions")
    for question, answer in (("How heavy", heavy), ("How alone", alone)):
        scale = sheet.get_by_role("group", name=question)
        await scale.get_by_role("radio").first.focus()
        for _ in range(int(answer)):
            await person.page.keyboard.press("ArrowRight")
        await expect(scale.get_by_role("radio", checked=True)).to_have_attribute("value", answer)
    if burnout is not None:
        await expect(sentences.get_by_role("radio", checked=True)).to_have_count(0)
        await sentences.get_by_role("radio").nth(burnout - 1).check()
    await shoot(f"00-check-in-{heavy}", ("anna", person))
    await sheet.get_by_role("button", name="Send my answers").click()
    await expect(sheet).to_have_count(0)
    # The device knows that it was answered this month, and not what.
    month = await person.page.evaluate("localStorage.getItem('chatd.measure')")
    assert month is None if burnout is None else re.fullmatch(r'"\d{6}"', month), month


async def begin(person: Person, *, listen: bool = False) -> str:
    """Through the rules and the handle, from wherever one is before the room; the handle."""
    if "/room/" not in person.page.url:
        await person.open(f"/room/{NAME}")
    await person.page.get_by_role("button", name="I agree").click()
    drawn = person.page.locator("#drawn-handle")
    await expect(drawn).not_to_be_empty()
    handle = (await drawn.inner_text()).replace(" ", "-")
    await person.page.get_by_role("button", name="Come in and " + ("listen" if listen else "talk")).click()
    return handle


async def enter(person: Person, *, listen: bool = False) -> str:
    """Into the group; the handle."""
    handle = await begin(person, listen=listen)
    await expect(person.page.locator(".now")).to_be_visible()
    return handle


async def test_by_keys_alone_and_gone_at_once(visit: Visit, serve: Serve) -> None:
    """Everything that a participant does, with Tab and Enter; no facilitator; called away; the quick exit."""
    server = await serve("--open")
    async with planned(server, minimum=1) as lead_in:
        anna = await visit(server, reduced_motion="reduce")
        page = anna.page
        await enter(anna)
        lead = await lead_in()
        await in_other_languages(anna, f"/room/{NAME}", "lobby")
        await lead.do("move", item=1)
        await in_other_languages(anna, f"/room/{NAME}", "open")
        for card in ("Thank you", "Not this time"):
            await page.locator(".card").get_by_role("button", name=card).click()

        async def tab_to(name: str) -> None:
            for _ in range(30):
                focused = page.locator(":focus")
                if await focused.count() and name in (
                    await focused.get_attribute("aria-label")
                    or await focused.inner_text()
                    or await focused.input_value()
                ):
                    return
                await page.keyboard.press("Shift+Tab")
            raise AssertionError(f"Shift+Tab does not reach {name}")

        await page.get_by_label("Your message").focus()
        await tab_to("Private word")
        await tab_to("Raise hand")
        await page.keyboard.press("Enter")
        await expect(page.locator(".floor")).to_contain_text("Your hand is up. You are next.")
        await lead.do("give_floor")
        await expect(page.locator(".floor")).to_contain_text("You have the floor.")
        await tab_to("Done")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Your message")).to_be_focused()

        await page.get_by_label("Your message").focus()
        await tab_to("Private word")
        await page.keyboard.press("Enter")
        sheet = page.locator("dialog.line")
        await expect(sheet.get_by_role("textbox")).to_be_focused()
        await tab_to("Ask for a private word")
        await page.keyboard.press("Enter")
        await expect(sheet).to_contain_text("You asked for a private word.")
        await expect(sheet.get_by_role("textbox")).to_be_focused()
        await page.keyboard.type("It is about last night.")
        await page.keyboard.press("Enter")
        await expect(sheet.locator(".post")).to_contain_text("It is about last night.")
        await page.keyboard.press("Escape")
        await expect(sheet).to_be_hidden()

        # Called away in a pause, and back in it.
        await lead.do("pause")
        await expect(page.get_by_role("heading", name="A moment of quiet")).to_be_visible()
        await page.get_by_role("button", name="Called away").click()
        await expect(page.get_by_role("button", name="Called away")).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name="Called away").click()
        await lead.do("resume")
        await expect(page.get_by_label("Your message")).to_be_visible()

        # The sheet is open when somebody comes in: nothing of it is left.
        await page.get_by_role("button", name="Private word").click()
        await expect(sheet).to_be_visible()
        for _ in range(3):
            await page.keyboard.press("Shift")
        await expect(page.get_by_role("heading", name="Notes")).to_be_visible()
        await expect(page.get_by_text("It is about last night.")).to_have_count(0)
        assert await page.evaluate("JSON.stringify(sessionStorage)") == '{"notes":"1"}'


@pytest.mark.parametrize("way", ["sse", "poll"])
async def test_without_a_websocket(visit: Visit, serve: Serve, way: Way) -> None:
    """The line to the facilitators, and a small group, are lines of their own then; the page is the same."""
    server = await serve("--open")
    async with planned(server, minimum=1) as lead_in, Middlebox(server.url) as box:
        only(way, box)
        anna = await behind(box, visit)
        anna_is = await enter(anna)
        lead = await lead_in()
        await lead.do("move", item=1)
        async with others(server, 3) as (ben, cleo, dora):
            await anna.say("Over a narrow road.")
            line = await lead.line_of(anna_is)
            await line.post("How are you?")
            await expect(anna.page.locator(".card")).to_contain_text("wrote to you alone")
            await anna.page.get_by_role("button", name="Read it").click()
            sheet = anna.page.locator("dialog.line")
            await sheet.get_by_role("textbox").fill("Better.")
            await sheet.get_by_role("button", name="Send").click()
            await expect(sheet.locator(".post").last).to_contain_text("Better.")
            await expect(sheet.locator(".post.pending")).to_have_count(0)
            await sheet.get_by_role("button", name="Back to the group").click()
            await lead.do("split", groups=[[anna_is, ben.handle], [cleo.handle, dora.handle]])
            await expect(anna.page.locator(".now")).to_contain_text("You are in a small group with")
            await anna.say("Only the two of us.")
            await lead.do("recall")
            await anna.sees("Over a narrow road.")
            await anna.say("Together again.")
        await anna.page.close()
        forgive(anna)


async def test_in_a_frame(browser: Browser, serve: Serve, hosting: Hosting) -> None:
    """The same in a page of the intranet, on a phone: the whole of it fits, and the host learns nothing."""
    server, host = await place(serve, hosting)
    async with planned(server, minimum=1) as lead_in, planner(server) as http:
        anna = await guest(browser, server, host, viewport=PHONE)
        starts = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
        later = plan(name="later", title="In two days", starts=starts)
        assert (await http.post("/api/series", json=later)).status_code == 201
        await anna.visit(snippet(server, 'room="later"'))
        door = anna.frame.locator("#entry-shut")
        await expect(door.get_by_role("heading")).to_contain_text("The next session is on")
        for words in ("In two days", "For whoever carried something home.", "This page opens by itself"):
            await expect(door).to_contain_text(words)
        await anna.visit(snippet(server, 'room="night"'))
        await anna.come_in()
        await expect(anna.frame.locator(".now")).to_contain_text("The lobby is open")
        lead = await lead_in()
        await lead.do("move", item=1)
        await lead.do("open_poll", question="How heavy is it?", options=["Light", "Heavy"])
        await anna.frame.get_by_role("radio", name="Heavy").check()
        await anna.frame.get_by_role("button", name="Send my answer").click()
        await lead.do("pause", seconds=60)
        await expect(anna.frame.get_by_role("heading", name="A minute of quiet")).to_be_visible()
        await anna.page.screenshot(path=SCREENSHOTS / "21-frame.png")
        await lead.do("resume")
        await anna.say_in_frame("From the intranet.")
        assert {name for name, _ in await anna.page.evaluate("window.heard")} <= {"ready", "joined", "unread"}
        await anna.check()
        await anna.context.close()
