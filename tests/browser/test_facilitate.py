"""The console of a facilitator: sessions planned, run and closed by the page, with people at scripts.

The screenshots go to build/screenshots, to be looked at.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import Locator, expect

from chatd.client import Client, connect
from chatd.client.items import Event
from chatd.client.room import Room
from chatd.sessions.afterwards import Afterwards, begins_at
from chatd.settings import load_secret
from chatd.settings_load import load
from chatd.tickets import Tickets
from rooms.store_sql import open_store
from tests.browser.by_keys import POINTED, by_key, chooses, reach, writes
from tests.browser.test_access import clean
from tests.browser.test_session_participant import in_other_languages
from tests.chatd.sessions.test_report_api import kept, kept_month
from tests.fixtures.browsers import DESK, PHONE, Person, Visit
from tests.fixtures.servers import Server, until
from tests.tree import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
NAME: Final = "night-shift"
LONDON: Final = ZoneInfo("Europe/London")
WIDE: Final = {"width": 1440, "height": 900}


class Guest:
    """A participant at a script: a seat in the session's room, and in their own line when it is opened."""

    def __init__(self, client: Client, room: Room) -> None:
        self.client = client
        self.room = room

    @property
    def name(self) -> str:
        return self.room.handle.replace("-", " ")

    @property
    def session(self) -> dict[str, Any]:
        assert self.room.session is not None
        return dict(self.room.session)

    async def line(self) -> Room:
        assert self.room.line is not None
        return await self.client.join(self.room.line, seat=self.room.seat)

    async def hears(self, what: str, **fields: object) -> None:
        """The session, as this one is shown it, has these fields before long."""

        def holds() -> bool:
            return all(self.session.get(name) == value for name, value in fields.items())

        await until(holds, what)


class Group:
    """The people of one test, and what a planner needs."""

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack
        secret = load_secret(load({"data": server.data}))
        self._tickets = Tickets(secret)

    def ticket(self, room: str) -> str:
        return self._tickets.issue(room, "facilitator", expires_at=int(time.time()) + 3600)

    async def guest(self) -> Guest:
        client = await self._stack.enter_async_context(connect(self.server.ws_url))
        room = await client.join(NAME, patience_s=20)
        await room.do("accept")
        return Guest(client, room)

    async def plan(self) -> None:
        """A series whose lobby is open, and whose hour is short."""
        agenda = [
            {"title": "Welcome", "minutes": 5, "phase": "opening"},
            {"title": "The ones we keep thinking of", "minutes": 30, "prompt": "What stays with you?"},
            {"title": "Slowing down", "minutes": 5, "phase": "winding_down"},
            {"title": "One word each", "minutes": 10, "phase": "closing_round"},
        ]
        series = {
            "name": NAME,
            "title": "After the night shift",
            "timezone": "Europe/London",
            "starts": soon(),
            "agenda": agenda,
            "lobby_minutes": 30,
            "minimum": 2,
            "poll_k": 3,
            "open": True,
            "support": [["Doctors’ line", "0800 111 222", "2026-10-01"]],
        }
        async with httpx.AsyncClient() as http:
            headers = {"authorization": f"Bearer {self.ticket('*')}"}
            answer = await http.post(f"{self.server.url}/api/series", json=series, headers=headers)
            assert answer.status_code == 201, answer.text


def soon() -> str:
    """A time that is to come, while the lobby for it is open already."""
    return (datetime.now(LONDON) + timedelta(minutes=12)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
async def group(server: Server) -> AsyncIterator[Group]:
    async with AsyncExitStack() as stack:
        yield Group(server, stack)


async def picture(person: Person, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await person.page.screenshot(path=SCREENSHOTS / f"facilitate-{name}.png")


async def come_in(person: Person, ticket: str) -> None:
    await person.open(f"/facilitate#ticket={ticket}")
    await expect(person.page.locator("#run")).to_be_visible()
    assert "ticket" not in person.page.url


def sheet(person: Person) -> Locator:
    return person.page.locator("#sheet")


def phase(person: Person) -> Locator:
    return person.page.locator("#phase")


async def press(person: Person, key: str) -> None:
    """A shortcut: wherever the focus is, out of a text field first."""
    await expect(sheet(person)).to_be_hidden()
    await person.page.evaluate(
        "() => document.activeElement?.matches('textarea, input, select') && document.activeElement.blur()"
    )
    await person.page.keyboard.press(key)


async def test_an_hour_from_the_lobby_to_the_close(visit: Visit, group: Group) -> None:
    """Every phase, by keyboard alone; what is done reaches the people, and what is undone is undone."""
    await group.plan()
    lead = await visit(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    page = lead.page
    await page.add_init_script(POINTED)
    await come_in(lead, group.ticket(NAME))
    await expect(phase(lead)).to_have_text("Lobby")
    await expect(page.locator("#hint")).to_contain_text("below the minimum")
    await clean(lead, "lobby")
    anna, ben, cleo, dora = [await group.guest() for _ in range(4)]
    await expect(page.locator("#panel-people .one")).to_have_count(5)
    await expect(page.locator("#panel-people")).to_contain_text("Participants here: 4. Facilitators here: 1.")
    await expect(page.locator("#hint")).to_be_hidden()
    await picture(lead, "lobby")
    await by_key(lead, page.get_by_role("button", name="Call the session off"))
    await expect(sheet(lead)).to_contain_text("It does not take place.")
    await expect(sheet(lead).get_by_role("button", name="Keep it open")).to_be_focused()
    await page.keyboard.press("Enter")

    # the opening, by its letter
    await press(lead, "n")
    await expect(phase(lead)).to_have_text("Opening · Welcome")
    await anna.hears("the session is open", phase="opening")
    await press(lead, "n")
    await expect(phase(lead)).to_have_text("Open · The ones we keep thinking of")
    await by_key(lead, page.locator("#undo"))
    await expect(phase(lead)).to_have_text("Opening · Welcome")
    await press(lead, "n")
    await expect(phase(lead)).to_have_text("Open · The ones we keep thinking of")

    # airtime, hands, the floor
    await anna.room.post("First night back.")
    await anna.room.post("And the monitor in my ears.")
    bad = (await ben.room.post("You should take some leave.")).seq
    people = page.locator("#panel-people .one")
    await expect(people.filter(has_text=anna.name)).to_contain_text("one turn")
    unheard = page.locator("#panel-people .unheard")
    await expect(unheard).to_contain_text(cleo.name)
    await expect(unheard).not_to_contain_text(anna.name)
    await anna.room.do("raise_hand")
    await cleo.room.do("raise_hand")
    hands = page.locator("#panel-floor .hand")
    await expect(hands).to_have_count(2)
    await by_key(lead, page.get_by_label("Not yet heard first"), "Space")
    await expect(hands.first).to_contain_text(cleo.name)
    await chooses(lead, page.get_by_label("Soft timer"), "60")
    await press(lead, "f")
    await expect(page.locator(".floor-line")).to_contain_text(f"{cleo.name.capitalize()} has the floor")
    await until(lambda: bool((cleo.session["floor"].get("turn") or {}).get("until")), "a soft timer")
    await press(lead, "b")
    await expect(page.locator(".floor-line")).not_to_contain_text("has the floor")
    await clean(lead, "open")

    # a message is hidden with its rule, and shown again
    post = lead.post("You should take some leave.")
    await by_key(lead, post)
    await by_key(lead, sheet(lead).get_by_role("button", name="Hide it"))
    await chooses(lead, sheet(lead).get_by_label("Which rule"), "no_advice")
    await writes(lead, sheet(lead).get_by_label("Your reason"), "Nobody asked for it just now.")
    await clean(lead, "hide?")
    await by_key(lead, sheet(lead).get_by_role("button", name="Hide it"))
    await expect(post.locator(".hidden-note")).to_contain_text("No advice")
    line = await ben.line()
    assert (await next_told(line)).target == bad
    await by_key(lead, page.locator("#undo"))
    await expect(post.locator(".hidden-note")).to_have_count(0)

    # a poll, a prompt, quiet
    await press(lead, "v")
    await writes(lead, sheet(lead).get_by_label("Question"), "How heavy is it?")
    await writes(lead, sheet(lead).get_by_label("Answer 1"), "Light")
    await writes(lead, sheet(lead).get_by_label("Answer 2"), "Heavy")
    await expect(sheet(lead)).to_contain_text("at least 3 people have voted")
    await clean(lead, "poll")
    await page.keyboard.press("Enter")
    await until(lambda: anna.session.get("poll") is not None, "the poll")
    for one, choice in ((anna, 1), (ben, 1), (cleo, 0)):
        await one.room.do("vote", poll=anna.session["poll"]["id"], choice=choice)
    await expect(page.locator('[data-tool="poll"]')).to_contain_text("3 votes")
    await press(lead, "v")
    await by_key(lead, sheet(lead).get_by_role("button", name="Close the poll"))
    await expect(page.get_by_text("Light: one answer")).to_be_visible()
    await press(lead, "a")
    await reach(lead, sheet(lead).get_by_role("radio", checked=True))
    await page.keyboard.press("ArrowDown")
    await expect(sheet(lead).get_by_label("A prompt to think about")).to_be_checked()
    await writes(
        lead, sheet(lead).get_by_label("What everybody sees"), "What do you do with it on the way home?"
    )
    await by_key(lead, sheet(lead).get_by_role("button", name="Show it to everybody"))
    await expect(page.locator(".card-note").last).to_contain_text("on the way home")
    # the next question right behind one that is put away, before the browser has told of the closing
    await press(lead, "?")
    await expect(sheet(lead)).to_be_visible()
    await page.evaluate(
        """() => {
            document.getElementById("sheet").close();
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "q", bubbles: true }));
        }"""
    )
    await by_key(lead, sheet(lead).get_by_role("button", name="Begin the quiet"))
    await expect(phase(lead)).to_have_text("Quiet · A moment of quiet")
    await expect(page.locator("#next")).to_have_text("Go on")
    await clean(lead, "quiet")
    await picture(lead, "quiet")
    await press(lead, "q")
    await expect(phase(lead)).to_contain_text("Open")

    # a private word that somebody asks for, beside the room
    await dora.room.do("ask_word")
    await expect(page.get_by_role("button", name="For you · 1")).to_be_visible()
    await by_key(lead, page.get_by_role("button", name=f"Answer: {dora.name}"))
    await expect(page.get_by_label(f"Write privately to {dora.name}")).to_be_focused()
    await expect(page.get_by_role("button", name="For you", exact=True)).to_be_visible()
    await by_key(lead, page.get_by_role("button", name="Ask for a private word"))
    await expect(page.get_by_text("was asked for a private word")).to_be_visible()
    private = await dora.line()
    await private.do("answer_word", yes=True)
    await expect(page.get_by_text("A private word: nobody else reads this.")).to_be_visible()
    await private.post("I do not want to say it in the group.")
    aside = page.locator(f"#panel-line-{dora.room.handle}")
    await expect(aside).to_contain_text("I do not want to say it")
    await writes(lead, page.get_by_label(f"Write privately to {dora.name}"), "I am here.")
    await page.keyboard.press("Enter")
    await expect(aside.locator(".post.own")).to_contain_text("I am here.")
    await expect(page.locator("#scroller")).not_to_contain_text("I am here.")
    await clean(lead, "private word")
    await picture(lead, "private-word")
    await by_key(lead, aside.get_by_role("button", name="End the private word"))
    await by_key(lead, aside.get_by_role("button", name="Close this panel"))

    # a whisper that nobody was asked to answer comes to the eye by itself, and so after a reload
    shy = await cleo.line()
    await shy.post("Could one of you look at me?")
    tab = page.locator("#dock").get_by_role("button", name=f"{cleo.name} · new")
    await expect(tab).to_be_visible()
    await page.reload()
    await by_key(lead, tab)
    await page.keyboard.type("I see you, not a shortcut.")
    await page.keyboard.press("Enter")
    aside = page.locator(f"#panel-line-{cleo.room.handle}")
    await expect(aside.locator(".post.own")).to_contain_text("I see you, not a shortcut.")
    await by_key(lead, aside.get_by_role("button", name="Close this panel"))

    # small groups, with a word to all
    await press(lead, "g")
    await chooses(lead, sheet(lead).get_by_label("Size", exact=True), "2")
    await by_key(lead, sheet(lead).get_by_role("button", name="Split the group"))
    await expect(phase(lead)).to_contain_text("Small groups")
    await until(lambda: len((anna.session.get("breakouts") or {}).get("groups", [])) == 2, "two groups")
    await press(lead, "g")
    await clean(lead, "groups")
    await by_key(lead, sheet(lead).get_by_role("button", name="Look into group 1"))
    await expect(page.get_by_role("heading", name="Group 1")).to_be_visible()
    await press(lead, "n")
    await expect(phase(lead)).to_contain_text("Open")
    await expect(page.get_by_role("heading", name="Group 1")).to_have_count(0)

    # the end: no hands, the round, check-out, and a close that is asked for by name
    await press(lead, "n")
    await expect(phase(lead)).to_contain_text("Winding down")
    await expect(page.get_by_text("No more hands")).to_be_visible()
    await press(lead, "n")
    await expect(phase(lead)).to_contain_text("Closing round")
    await press(lead, "r")
    await by_key(lead, sheet(lead).get_by_role("button", name="Start the round"))
    await expect(page.locator(".floor-line")).to_contain_text("Round: 0 of 4")
    await clean(lead, "closing round")
    await picture(lead, "closing-round")
    await by_key(lead, page.get_by_role("button", name="On to the next"))
    await expect(page.locator(".floor-line")).to_contain_text("Round: 1 of 4")
    await by_key(lead, page.get_by_role("button", name="End the round"))
    await press(lead, "n")
    await expect(phase(lead)).to_contain_text("Check-out")
    await press(lead, "j")
    await expect(sheet(lead).locator(".journal")).to_contain_text(
        "Hid a message (No advice unless someone asks)"
    )
    await expect(sheet(lead).locator(".journal")).not_to_contain_text("monitor")
    await clean(lead, "journal")
    await page.keyboard.press("Escape")
    await press(lead, "n")
    await expect(sheet(lead).get_by_role("button", name="Keep it open")).to_be_focused()
    await expect(sheet(lead)).to_contain_text("What was said is erased a minute later.")
    await clean(lead, "close?")
    await by_key(lead, sheet(lead).get_by_role("button", name="Close “After the night shift”"))
    await expect(phase(lead)).to_have_text("Closed")
    await anna.hears("it is over", phase="closed")
    await expect(page.locator("#next")).to_be_hidden()
    await expect(page.locator("#erased")).to_contain_text("What was said here is erased on")
    await expect(page.get_by_role("link", name="Reports and debriefs")).to_be_visible()
    await expect(page.get_by_role("button", name="Crisis")).to_be_hidden()
    await clean(lead, "closed")
    await picture(lead, "closed")
    assert await page.evaluate("window.pointed") == 0, "nothing of it took a pointer"


async def next_told(line: Room) -> Event:
    """The next thing that somebody is told in their line."""
    async with asyncio.timeout(20):
        async for item in line:
            if isinstance(item, Event) and item.kind == "told":
                return item
    raise AssertionError("the line has ended")


async def test_two_facilitators_at_390_px_by_night(visit: Visit, group: Group) -> None:
    """Controls in a sheet from below; what one did, the other judges; a crisis on two tracks."""
    await group.plan()
    lead = await visit(viewport=PHONE, color_scheme="dark", reduced_motion="reduce", has_touch=True)
    second = await visit(viewport=DESK, color_scheme="dark")
    await come_in(lead, group.ticket(NAME))
    await come_in(second, group.ticket(NAME))
    anna, ben = await group.guest(), await group.guest()
    await lead.page.locator("#next").click()
    await expect(phase(lead)).to_have_text("Opening · Welcome")
    await clean(lead, "phone")
    await picture(lead, "phone")
    await in_other_languages(lead, f"/facilitate#run={NAME}", "phone")

    dock, panel = lead.page.locator("#dock"), lead.page.locator("#panel")
    for name in ("For you", "Floor", "People", "Tools", "Team"):
        await dock.get_by_role("button", name=name).click()
        await expect(panel).to_be_visible()
        await clean(lead, f"phone: {name}")
        await picture(lead, f"phone-{name.lower().replace(' ', '-')}")
        await panel.get_by_role("button", name="Close", exact=True).last.click()
        await expect(panel).to_be_hidden()
        await expect(dock.get_by_role("button", name=name)).to_be_focused()

    # hold: what is written waits for a facilitator
    await dock.get_by_role("button", name="People").click()
    await panel.get_by_role("button", name=f"More for {ben.name}").click()
    await sheet(lead).get_by_role("button", name="Look at each message first").click()
    await clean(lead, "phone: hold?")
    await sheet(lead).get_by_role("button", name=f"Hold what {ben.name} writes").click()
    await expect(panel.locator(".one", has_text=ben.name)).to_contain_text("held")
    await panel.get_by_role("button", name="Close", exact=True).last.click()
    await ben.room.post("May I say something?")
    await dock.get_by_role("button", name="For you · 1").click()
    await panel.get_by_role("button", name="Let it through").click()
    await expect(panel.get_by_text("Nothing waits for you.")).to_be_visible()
    await panel.get_by_role("button", name="Close", exact=True).last.click()
    await lead.sees("May I say something?")

    # an appeal goes to the other one
    line = await ben.line()
    told = await next_told(line)
    await line.do("appeal", told=told.seq, text="I would like to speak for myself.")
    await dock.get_by_role("button", name="For you").click()
    await expect(panel).to_contain_text("Another facilitator answers it.")
    await expect(panel.get_by_role("button", name="Undo it")).to_have_count(0)
    await panel.get_by_role("button", name="Close", exact=True).last.click()
    await second.page.get_by_role("button", name="For you · 1").click()
    await second.page.get_by_role("button", name="Undo it").click()
    await sheet(second).get_by_role("button", name="Undo it").click()
    await dock.get_by_role("button", name="People").click()
    await expect(panel.locator(".one", has_text=ben.name)).not_to_contain_text("held")

    # crisis, from whatever is open: the private word and the other facilitator's floor begin together
    await panel.get_by_role("button", name="Crisis").click()
    await clean(lead, "phone: crisis")
    await sheet(lead).get_by_role("button", name=anna.name).click()
    await expect(panel.get_by_text("Steps in a crisis")).to_be_visible()
    await expect(second.page.get_by_role("button", name="Team · new")).to_be_visible()
    await expect(panel.get_by_text("was asked for a private word")).to_be_visible()
    private = await anna.line()
    await private.do("answer_word", yes=True)
    await expect(panel.get_by_text("A private word: nobody else reads this.")).to_be_visible()
    await panel.get_by_role("button", name="Use these words: This room cannot send help").click()
    await expect(panel.get_by_label("Write privately to")).to_have_value(
        "This room cannot send help. I do not know who you are or where you are."
    )
    await clean(lead, "phone: ladder")
    await picture(lead, "phone-crisis")
    await second.page.locator("#next").click()
    await in_other_languages(second, f"/facilitate#run={NAME}", "desk")


async def test_planning_by_the_page(visit: Visit, group: Group) -> None:
    """A series from a template, its dates, its links; then its room, from the list."""
    planner = await visit(timezone_id="Europe/London")
    page = planner.page
    await planner.open(f"/facilitate#ticket={group.ticket('*')}")
    await page.get_by_role("button", name="Plan a new series").click()
    await clean(planner, "templates")
    await sheet(planner).get_by_role("button", name="Check-in round").click()
    await page.get_by_label("Title").fill("Second Tuesday")
    await page.get_by_label("First date").fill("2030-07-09T19:00")
    await page.get_by_label("First date").blur()
    often = page.get_by_label("How often").locator("option:checked")
    await expect(often).to_have_text("Every week on Tuesday")
    await page.get_by_label("How often").select_option(label="Every month: Tuesday number 2 of it")
    await page.get_by_text("Months without a session").click()
    await page.get_by_label("August").check()
    await page.get_by_label("Minutes", exact=True).nth(2).fill("40")
    await expect(page.locator(".sum")).to_have_text("67 minutes in all, 19:00 to 20:07.")
    await page.get_by_role("button", name="Later: Welcome and ground rules").click()
    await expect(page.get_by_label("Part", exact=True).nth(1)).to_have_value("Welcome and ground rules")
    # back again, taken along by its grip; Escape undoes what is still in the hand
    first, second = (page.locator(".grip").nth(n) for n in range(2))
    await second.scroll_into_view_if_needed()
    for let_go in ("Escape", "mouse"):
        start, over = await second.bounding_box(), await first.bounding_box()
        assert start is not None
        assert over is not None
        await page.mouse.move(start["x"] + 9, start["y"] + 9)
        await page.mouse.down()
        await page.mouse.move(over["x"] + 9, over["y"] - 5, steps=4)
        await expect(page.get_by_label("Part", exact=True).first).to_have_value("Welcome and ground rules")
        if let_go == "Escape":
            await page.keyboard.press("Escape")
            await expect(page.get_by_label("Part", exact=True).first).not_to_have_value(
                "Welcome and ground rules"
            )
        await page.mouse.up()
    await expect(page.get_by_label("Part", exact=True).first).to_have_value("Welcome and ground rules")
    await clean(planner, "form")
    # what was typed is there when somebody goes back and comes again
    await page.get_by_role("button", name="Back to the list").click()
    await expect(page.get_by_text("Your changes are not saved.")).to_be_visible()
    await page.get_by_role("button", name="Plan a new series").click()
    await sheet(planner).get_by_role("button", name="Check-in round").click()
    await expect(page.get_by_label("Title")).to_have_value("Second Tuesday")
    await expect(page.get_by_text("They are not saved yet.")).to_be_visible()
    await page.get_by_role("button", name="Create the series").click()
    await expect(sheet(planner)).to_contain_text("support lines")
    await sheet(planner).get_by_role("button", name="Close").click()
    await expect(page.get_by_role("heading", name="Second Tuesday")).to_be_visible()
    await clean(planner, "list")
    await picture(planner, "plan")

    await page.get_by_role("button", name="Dates of Second Tuesday").click()
    dates = page.locator(".date")
    await expect(dates.nth(0)).to_contain_text("9 July")
    await expect(dates.nth(1)).to_contain_text("10 September")
    await dates.nth(1).get_by_role("button", name="Skip").click()
    await expect(dates.nth(1)).to_contain_text("does not take place")
    await dates.nth(1).get_by_role("button", name="Put back").click()
    await expect(dates.nth(1)).not_to_contain_text("does not take place")
    await dates.nth(2).get_by_role("button", name="Move").click()
    await sheet(planner).get_by_label("New date and time").fill("2030-10-15T18:00")
    await sheet(planner).get_by_role("button", name="Move").click()
    await expect(dates.nth(2)).to_contain_text("moved")
    await clean(planner, "dates")

    await page.get_by_role("button", name="Back to the list").click()
    await page.get_by_role("button", name="Links to Second Tuesday").click()
    await page.get_by_role("button", name="Make a link: For participants").click()
    await expect(sheet(planner).get_by_role("textbox", name="For participants")).not_to_have_value("")
    await expect(sheet(planner).get_by_text("It works once, for one person, until")).to_be_visible()
    await clean(planner, "links")
    await sheet(planner).get_by_role("button", name="Close").click()
    await page.get_by_role("link", name="Reports and debriefs").click()
    await expect(page.get_by_text("No session is over yet.")).to_be_visible()
    await page.get_by_role("link", name="Sessions").click()
    await page.get_by_role("link", name="Go to the room").click()
    await expect(page.locator("#run")).to_be_visible()

    # another one, whose lobby is open, does not take place: that is asked for by name
    await group.plan()
    await planner.open(f"/facilitate?lang=en#run={NAME}")
    await expect(phase(planner)).to_have_text("Lobby")
    guest = await group.guest()
    await page.get_by_role("button", name="Call the session off").click()
    await sheet(planner).get_by_role("button", name="Call off “After the night shift”").click()
    await expect(phase(planner)).to_have_text("Cancelled")
    await expect(page.locator("#hint")).to_have_text(
        "This session does not take place. Who waited was told so."
    )
    await expect(page.get_by_role("button", name="Call the session off")).to_be_hidden()
    await guest.hears("it does not take place", phase="cancelled")
    await clean(planner, "called off")

    # and a series goes for good, by name as well
    await planner.open("/facilitate?lang=en#plan")
    await page.get_by_role("button", name="Change Second Tuesday").click()
    await page.get_by_role("button", name="Delete the series").click()
    await expect(sheet(planner).get_by_role("button", name="Keep it")).to_be_focused()
    await sheet(planner).get_by_role("button", name="Delete “Second Tuesday”").click()
    await expect(page.get_by_text("Second Tuesday is deleted.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Second Tuesday")).to_have_count(0)
    await expect(page.get_by_role("heading", name="After the night shift")).to_be_visible()


async def what_is_kept(server: Server, room: str) -> str:
    """A session of `room` was yesterday, and a month of other sessions is over; its name on the page."""
    settings = load({"data": server.data})
    store = await open_store(settings.store)
    try:
        afterwards = Afterwards(store.reports, load_secret(settings), report_months=13)
        await kept(afterwards, room)
        month = await kept_month(afterwards)
        assert await afterwards.month(month) is not None
    finally:
        await store.close()
    return datetime.fromtimestamp(begins_at(month), UTC).strftime("%B %Y")


async def test_afterwards_by_the_page(visit: Visit, group: Group) -> None:
    """The month's figures, the report with its picture; a debrief that is written, found and removed."""
    await group.plan()
    month = await what_is_kept(group.server, NAME)
    lead = await visit(viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    page = lead.page
    await lead.open(f"/facilitate#ticket={group.ticket('*')}")
    await page.get_by_role("link", name="Reports and debriefs").click()
    figures = page.locator(".report", has=page.get_by_role("heading", name=f"All sessions, {month}"))
    for asked, says in (
        ("Sessions held", "12"),
        ("How heavy, before", "0 to 3: 24 · 4 to 6: 24 · 7 to 10: 36"),
        ("How heavy, after", "too few to show"),
        ("How alone, before", "0 to 6: 12 · 7 to 10: 72"),
        ("Burnout question, 3 to 5: burnt out", "1 to 2: 12 · 3 to 5: 24"),
    ):
        row = figures.locator("dl > div", has=page.get_by_text(asked, exact=True))
        await expect(row.locator("dd")).to_have_text(says)
    report = page.locator(".report", has=page.get_by_role("button", name="Debrief of"))
    await expect(report).to_contain_text("fewer than 11")
    await expect(report.locator("img.picture")).to_have_attribute("alt", re.compile("Messages"))

    await report.get_by_role("button", name="Debrief of").click()
    await expect(sheet(lead).get_by_role("button", name="Remove it")).to_have_count(0)
    await sheet(lead).get_by_role("button", name="Keep it").click()
    await expect(sheet(lead)).to_contain_text("Say how heavy it was.")
    await sheet(lead).get_by_label("8", exact=True).check()
    await sheet(lead).get_by_label("What should you know the next time?").fill("Ask about the rota.")
    await sheet(lead).get_by_label("I need a colleague to talk to").check()
    await clean(lead, "debrief")
    await picture(lead, "phone-debrief")
    await sheet(lead).get_by_role("button", name="Keep it").click()
    await expect(sheet(lead)).to_be_hidden()
    await expect(page.get_by_text("One session that you wrote a debrief for.")).to_be_visible()
    await expect(page.get_by_text("One of them was heavy.")).to_be_visible()
    await clean(lead, "afterwards")
    await picture(lead, "phone-afterwards")

    await page.reload()
    await report.get_by_role("button", name="Debrief of").click()
    await expect(sheet(lead).get_by_label("8", exact=True)).to_be_checked()
    await expect(sheet(lead).get_by_label("What should you know")).to_have_value("Ask about the rota.")
    await sheet(lead).get_by_role("button", name="Remove it").click()
    await expect(sheet(lead)).to_be_hidden()
    await expect(page.get_by_text("0 sessions that you wrote a debrief for.")).to_be_visible()
    await report.get_by_role("button", name="Debrief of").click()
    await expect(sheet(lead).get_by_label("What should you know")).to_have_value("")
    await expect(sheet(lead).get_by_role("button", name="Remove it")).to_have_count(0)
