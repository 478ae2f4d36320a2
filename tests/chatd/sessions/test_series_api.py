"""Planning over HTTP: who may, what comes of it, and that two planners do not undo each other."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from chatd.issuers import OWN
from chatd.posting import MAX_POST_BYTES
from chatd.sessions.series_links import AFTER_S, FACILITATORS_S
from chatd.settings import Settings, load_secret
from chatd.tickets import ANY_ROOM, TicketRefused, Tickets, Why
from rooms.catalog import RoomSpec
from rooms.events import Rules
from rooms.log import Draft
from rooms.series import occurrence_id
from rooms.series_dates_ical import upcoming
from rooms.series_rules import plan_of
from rooms.session import Phase, Session
from rooms.session_events import PhaseChanged
from tests.chatd.signing import Intranet, claims
from tests.chatd.test_app import Browser, browsing

CHAT = "https://chat.example.org"
TUESDAY = "FREQ=WEEKLY;BYDAY=TU"
AGENDA = [
    {"title": "Welcome", "minutes": 5, "phase": "opening"},
    {"title": "Talk", "minutes": 45},
    {"title": "Out", "minutes": 10, "phase": "closing_round", "round": True},
]


def to_come(weeks: int = 2) -> str:
    """A Tuesday at 19:00, so many weeks from now."""
    day = datetime.now(UTC).date() + timedelta(weeks=weeks)
    day += timedelta(days=(1 - day.weekday()) % 7)
    return f"{day}T19:00"


def fields(**more: Any) -> dict[str, Any]:
    usual = {
        "name": "tea",
        "title": "Tea",
        "timezone": "Europe/London",
        "starts": to_come(),
        "rrule": TUESDAY,
        "agenda": AGENDA,
    }
    return {**usual, **more}


class Planner:
    """Asks with a ticket."""

    def __init__(self, browser: Browser, ticket: str | None) -> None:
        self.browser = browser
        self.headers = {} if ticket is None else {"authorization": f"Bearer {ticket}"}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return (
            await self.browser.request(method, path, json=body, headers={**self.headers, **headers})
            if body is not None
            else await self.browser.request(method, path, headers={**self.headers, **headers})
        )

    async def planned(self, **more: Any) -> dict[str, Any]:
        answer = await self.ask("POST", "/api/series", fields(**more))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found


class Desk:
    """A server, and the tickets it would give."""

    def __init__(self, browser: Browser, settings: Settings) -> None:
        self.browser = browser
        self.tickets = Tickets(load_secret(settings))

    def ticket(
        self, room: str = ANY_ROOM, role: Any = "facilitator", *, life_s: int = 600, once: bool = False
    ) -> str:
        return self.tickets.issue(room, role, expires_at=int(time.time()) + life_s, once=once)

    def planner(self, room: str = ANY_ROOM) -> Planner:
        return Planner(self.browser, self.ticket(room))


@asynccontextmanager
async def desk_in(folder: Path, **settings: Any) -> AsyncIterator[Desk]:
    chosen = Settings(data=folder, public_url=CHAT, **settings)
    async with browsing(chosen) as browser:
        browser.headers["host"] = "chat.example.org"
        yield Desk(browser, chosen)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        yield desk


def code_of(answer: httpx.Response) -> tuple[int, str]:
    found = answer.json()
    assert set(found) == {"code", "message"}
    assert found["message"].endswith(".")
    return answer.status_code, found["code"]


# ---- who may -------------------------------------------------------------------------------------

PLANNERS = [
    ("GET", "/api/series"),
    ("POST", "/api/series"),
    ("GET", "/api/series/tea"),
    ("PUT", "/api/series/tea"),
    ("DELETE", "/api/series/tea"),
    ("POST", "/api/series/tea/exceptions"),
    ("POST", "/api/series/tea/links"),
    ("GET", "/api/templates"),
]


async def test_nobody_plans_without_a_facilitators_ticket(desk: Desk) -> None:
    await desk.planner().planned()
    outsiders: dict[tuple[int, str], list[str | None]] = {
        (401, "ticket_needed"): [None],
        (401, "ticket_refused"): [
            "none",
            desk.ticket(life_s=-600),
            Tickets(b"x" * 32).issue(ANY_ROOM, "facilitator", expires_at=2**40),
        ],
        (403, "not_yours"): [desk.ticket("tea", "participant"), desk.ticket("tea", once=True)],
    }
    for expected, tickets in outsiders.items():
        for ticket in tickets:
            for method, path in PLANNERS:
                body = None if method in ("GET", "DELETE") else fields(title="Broken in")
                answer = await Planner(desk.browser, ticket).ask(method, path, body)
                assert code_of(answer) == expected, (method, path)
                assert ("www-authenticate" in answer.headers) is (expected[0] == 401)
    other = desk.planner("other")
    for method, path in PLANNERS[1:-1]:
        body = None if method in ("GET", "DELETE") else fields(title="Broken in")
        assert code_of(await other.ask(method, path, body)) == (403, "not_yours"), (method, path)
    kept = await desk.browser.node.series.get("tea")
    assert kept is not None
    assert (kept.title, kept.revision) == ("Tea", 0)


async def test_a_ticket_counts_in_the_header_alone_and_once(desk: Desk) -> None:
    ticket = desk.ticket()
    for answer in (
        await desk.browser.get(f"/api/series?ticket={ticket}"),
        await desk.browser.get("/api/series", headers={"cookie": f"ticket={ticket}"}),
        await desk.browser.get("/api/series", headers={"authorization": f"Basic {ticket}"}),
        await desk.browser.get(
            "/api/series", headers=[("authorization", f"Bearer {ticket}"), ("authorization", "Bearer x")]
        ),
    ):
        assert answer.status_code == 401


async def test_a_ticket_for_one_room_plans_that_one(desk: Desk) -> None:
    await desk.planner().planned()
    await desk.planner().planned(name="other")
    own = desk.planner("tea")
    assert [each["name"] for each in (await own.ask("GET", "/api/series")).json()["series"]] == ["tea"]
    assert (await own.ask("GET", "/api/series/tea")).status_code == 200
    assert (await own.ask("GET", "/api/templates")).status_code == 200
    first = desk.planner("new-one")
    assert (await first.planned(name="new-one"))["name"] == "new-one"
    everything = (await desk.planner().ask("GET", "/api/series")).json()["series"]
    assert [each["name"] for each in everything] == ["new-one", "other", "tea"]


INTRANET = "https://intranet.example.org"


async def test_who_plans_one_series_does_not_change_its_entry(desk: Desk) -> None:
    """Nor by deleting it and planning it anew. Everything else of it they change."""
    everything, own = desk.planner(), desk.planner("tea")
    await everything.planned(embed=[INTRANET])
    for wish in ({"open": True}, {"embed": None}, {"embed": [INTRANET, "https://evil.example"]}):
        answer = await own.ask("PUT", "/api/series/tea", fields(title="Mine", **wish))
        assert code_of(answer) == (403, "not_yours"), wish
        assert "`chatd session edit`" in answer.json()["message"]
        assert "who plans all series" in answer.json()["message"]
    for same in ({}, {"open": False, "embed": [INTRANET]}):
        answer = await own.ask("PUT", "/api/series/tea", fields(title="Mine", **same))
        assert (answer.status_code, answer.json()["embed"]) == (200, [INTRANET])
    assert (await own.ask("DELETE", "/api/series/tea")).status_code == 204
    for anew in (fields(open=True), fields(embed=[])):
        assert code_of(await own.ask("POST", "/api/series", anew)) == (403, "not_yours"), anew
    found = await own.planned()
    assert (found["open"], found["embed"]) == (False, [INTRANET])
    assert (await everything.ask("PUT", "/api/series/tea", fields(open=True))).json()["open"]
    spec = await desk.browser.node.catalog.get("tea")
    assert spec is not None
    assert (spec.open, spec.embed) == (True, None)
    first = desk.planner("new-one")
    answer = await first.ask("POST", "/api/series", fields(name="new-one", open=True))
    assert code_of(answer) == (403, "not_yours")


async def test_a_ticket_for_all_enters_no_room(desk: Desk) -> None:
    for room in ("tea", ANY_ROOM):
        with pytest.raises(TicketRefused) as refused:
            desk.tickets.check(desk.ticket(), room, time.time())
        assert refused.value.reason is Why.ROOM
    assert desk.tickets.planner(desk.ticket("tea"), None, time.time()).room == "tea"


async def test_pages_of_other_origins_cannot_plan(tmp_path: Path) -> None:
    listed = "https://intranet.example.org"
    async with desk_in(tmp_path, origins=(listed,)) as desk:
        planner = desk.planner()
        answer = await planner.ask("POST", "/api/series", fields(), origin="https://evil.example")
        assert code_of(answer) == (403, "foreign_origin")
        # A listed origin asks first, and hears that it may not send the ticket.
        preflight = await desk.browser.options(
            "/api/series", headers={"origin": listed, "access-control-request-headers": "authorization"}
        )
        assert "authorization" not in preflight.headers.get("access-control-allow-headers", "")
        assert (await planner.ask("GET", "/api/series", origin=CHAT)).status_code == 200


# ---- a series ------------------------------------------------------------------------------------


async def test_a_series_is_planned_with_its_room_and_what_follows(desk: Desk) -> None:
    answer = await desk.planner().ask("POST", "/api/series", fields(capacity=12, open=True))
    assert answer.headers["location"] == "/api/series/tea"
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["when"] == "Every Tuesday, 19:00 to 20:00"
    assert len(found["occurrences"]) == 12
    assert found["occurrences"][0]["ends_at"] - found["occurrences"][0]["starts_at"] == 3600
    assert [sentence for sentence in found["warnings"] if "second facilitator" in sentence]
    assert (found["url"], found["calendar"]) == (f"{CHAT}/room/tea", f"{CHAT}/calendar/tea.ics")
    assert found == (await desk.planner().ask("GET", "/api/series/tea")).json()
    assert await desk.browser.node.catalog.get("tea") == RoomSpec(
        name="tea", title="Tea", kind="session", capacity=12, open=True
    )


async def test_what_comes_back_can_be_sent_again(desk: Desk) -> None:
    """A page changes what it was given and sends the whole of it."""
    found = await desk.planner().planned()
    for made_here in ("when", "occurrences", "warnings", "url", "calendar", "poster", "changed_at"):
        del found[made_here]
    answer = await desk.planner().ask("PUT", "/api/series/tea", {**found, "title": "Coffee", "capacity": 6})
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["title"], changed["revision"]) == ("Coffee", 1)
    spec = await desk.browser.node.catalog.get("tea")
    assert spec is not None
    assert (spec.title, spec.capacity) == ("Coffee", 6)
    assert (await desk.browser.get("/api/rooms/tea")).json()["title"] == "Coffee"


async def test_of_two_planners_the_later_one_hears_of_the_other(desk: Desk) -> None:
    one, two = desk.planner(), desk.planner("tea")
    await one.planned()
    assert (await one.ask("PUT", "/api/series/tea", fields(title="One", revision=0))).status_code == 200
    late = await two.ask("PUT", "/api/series/tea", fields(title="Two", revision=0))
    assert code_of(late) == (409, "changed_meanwhile")
    assert (await two.ask("GET", "/api/series/tea")).json()["title"] == "One"
    assert (await two.ask("PUT", "/api/series/tea", fields(title="Two"))).status_code == 200


async def test_a_name_is_taken_once_and_stays(desk: Desk) -> None:
    planner = desk.planner()
    await planner.planned()
    assert code_of(await planner.ask("POST", "/api/series", fields())) == (409, "series_exists")
    await desk.browser.node.catalog.add(RoomSpec(name="drop", title="Drop"))
    assert code_of(await planner.ask("POST", "/api/series", fields(name="drop"))) == (409, "room_exists")
    assert await desk.browser.node.series.get("drop") is None
    renamed = await planner.ask("PUT", "/api/series/tea", fields(name="coffee"))
    assert code_of(renamed) == (400, "bad_series")
    await desk.browser.node.catalog.add(RoomSpec(name="circle", title="Circle", kind="session"))
    assert (await planner.ask("POST", "/api/series", fields(name="circle"))).status_code == 201


async def test_what_is_deleted_is_gone_and_its_room_is_closed(desk: Desk) -> None:
    planner = desk.planner()
    await planner.planned(open=True)
    assert (await planner.ask("DELETE", "/api/series/tea")).status_code == 204
    for method, path in PLANNERS[2:-1]:
        body = {"for": "participant"} if path.endswith("links") else fields()
        if path.endswith("exceptions"):
            body = {"occurrence": "20261208T190000Z", "cancelled": True}
        answer = await planner.ask(method, path, None if method in ("GET", "DELETE") else body)
        assert code_of(answer) == (404, "unknown_series"), (method, path)
    spec = await desk.browser.node.catalog.get("tea")
    assert spec is not None
    assert (spec.open, spec.listed) == (False, False)
    assert (await planner.ask("POST", "/api/series", fields())).status_code == 201


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "one JSON object"),
        (b"[]", "one JSON object"),
        (b"{" * 5000, "one JSON object"),
        (b'{"name": "\xff"}', "one JSON object"),
        (msgspec.json.encode(fields(timezone="Mars/Phobos")), "no such time zone"),
        (msgspec.json.encode(fields(rrule="FREQ=SECONDLY")), "daily, weekly or monthly"),
        (msgspec.json.encode(fields(capacity=16)), "2 to 15"),
        (msgspec.json.encode(fields(facilitators=["Dr Example"])), "does not have"),
        (msgspec.json.encode(fields(extra=[to_come()[:10] + "T19:30"])), "overlap"),
    ],
)
async def test_what_makes_no_series_is_said_and_not_kept(desk: Desk, body: bytes, says: str) -> None:
    planner = desk.planner()
    answer = await desk.browser.post(
        "/api/series", content=body, headers={**planner.headers, "content-type": "application/json"}
    )
    assert code_of(answer) == (400, "bad_series")
    assert says in answer.json()["message"]
    assert "Example" not in answer.text
    assert await desk.browser.node.catalog.get("tea") is None


async def test_a_request_has_a_size_and_a_kind(desk: Desk) -> None:
    planner = desk.planner()
    long = [{"title": "All", "minutes": 5, "prompt": "x" * 1500}] * 20
    assert (await planner.ask("POST", "/api/series", fields(agenda=long))).status_code == 201
    huge = await planner.ask("POST", "/api/series", fields(about="x" * MAX_POST_BYTES))
    assert huge.status_code == 413
    form = await desk.browser.post("/api/series", content=b"{}", headers=planner.headers)
    assert form.status_code == 415
    assert (await planner.ask("PATCH", "/api/series/tea", {})).status_code == 405
    assert code_of(await planner.ask("GET", "/api/series/No%20Series")) == (404, "unknown_series")


# ---- single dates --------------------------------------------------------------------------------


async def test_a_date_is_cancelled_moved_and_put_back(desk: Desk) -> None:
    planner = desk.planner()
    first, second, third = (await planner.planned())["occurrences"][:3]
    path = "/api/series/tea/exceptions"

    async def changed(**wish: Any) -> list[dict[str, Any]]:
        answer = await planner.ask("POST", path, wish)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["occurrences"][:3]
        return found

    found = await changed(occurrence=first["occurrence"], cancelled=True)
    assert found == [{**first, "cancelled": True}, second, third]
    later = to_come(3)[:10] + "T12:00"
    found = await changed(occurrence=first["occurrence"], moved_to=later)
    assert found[0]["occurrence"] == first["occurrence"]
    assert found[0]["moved_from"] == first["starts_at"]
    assert "cancelled" not in found[0]
    assert await changed(occurrence=first["occurrence"], restored=True) == [first, second, third]


async def test_a_new_rule_keeps_the_single_dates_that_it_still_gives(desk: Desk) -> None:
    planner = desk.planner()
    dates = (await planner.planned())["occurrences"]
    for date in dates[1:3]:
        wish = {"occurrence": date["occurrence"], "cancelled": True}
        assert (await planner.ask("POST", "/api/series/tea/exceptions", wish)).status_code == 200
    answer = await planner.ask("PUT", "/api/series/tea", fields(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"))
    assert [each["occurrence"] for each in answer.json()["exceptions"]] == [dates[2]["occurrence"]]
    answer = await planner.ask("PUT", "/api/series/tea", fields(exceptions=[]))
    assert answer.json()["exceptions"] == []


async def test_a_series_whose_rule_is_over_ends_without_dates_that_never_were(desk: Desk) -> None:
    from chatd.sessions.planning import Planning

    planner = desk.planner()
    begun = (datetime.now(UTC) - timedelta(weeks=9)).strftime("%Y-%m-%dT19:00")
    dates = await planner.planned(timezone="UTC", starts=begun, rrule="FREQ=WEEKLY;COUNT=2")
    assert dates["occurrences"] == []
    node = desk.browser.node
    planning = Planning(node.series, node.catalog, node.log, node.afterwards.reports, node.wall)
    done = await planning.end("tea")
    assert (done.rrule, done.until) == ("FREQ=WEEKLY;COUNT=2", None)


async def test_what_was_called_off_stays_so_when_the_others_begin_earlier(desk: Desk) -> None:
    planner = desk.planner()
    dates = (await planner.planned())["occurrences"]
    wish = {"occurrence": dates[1]["occurrence"], "cancelled": True}
    was = (await planner.ask("POST", "/api/series/tea/exceptions", wish)).json()
    for body in (fields(starts=f"{to_come()[:10]}T18:30"), {**fields(), "exceptions": was["exceptions"]}):
        after = (await planner.ask("PUT", "/api/series/tea", body)).json()
        assert [each.get("cancelled", False) for each in after["occurrences"][:3]] == [False, True, False]


async def test_what_cannot_be_changed_about_a_date(desk: Desk) -> None:
    planner = desk.planner()
    begun = (datetime.now(UTC) - timedelta(weeks=3)).date()
    begun -= timedelta(days=(begun.weekday() - 1) % 7)
    dates = (await planner.planned(starts=f"{begun}T19:00"))["occurrences"]
    series = await desk.browser.node.series.get("tea")
    assert series is not None
    over = occurrence_id(series.at(series.starts).timestamp())
    coming = dates[1]["occurrence"]
    refusals: list[tuple[Mapping[str, Any], str]] = [
        ({"occurrence": over, "cancelled": True}, "no_date"),
        ({"occurrence": "20261208T030000Z", "cancelled": True}, "no_date"),
        ({"occurrence": "20269999T999999Z", "cancelled": True}, "no_date"),
        ({"occurrence": "00010101T000000Z", "cancelled": True}, "no_date"),
        ({"occurrence": "99991231T235959Z", "cancelled": True}, "no_date"),
        ({"occurrence": coming, "moved_to": "2020-01-01T10:00"}, "no_date"),
        ({"occurrence": coming, "moved_to": "2027-03-28T01:30"}, "bad_series"),
        ({"occurrence": coming, "moved_to": "soon"}, "bad_series"),
        ({"occurrence": coming, "moved_to": "2027-02-30T18:00"}, "no_date"),
        ({"occurrence": coming, "moved_to": "0000-00-00T99:99"}, "no_date"),
        ({"occurrence": coming}, "bad_series"),
        ({"occurrence": coming, "cancelled": True, "restored": True}, "bad_series"),
        ({"occurrence": coming, "cancelled": True, "why": "x"}, "bad_series"),
    ]
    for wish, code in refusals:
        assert code_of(await planner.ask("POST", "/api/series/tea/exceptions", wish)) == (400, code), wish
    there = datetime.fromtimestamp(dates[2]["starts_at"] + 1800, series.zone).strftime("%Y-%m-%dT%H:%M")
    clash = await planner.ask("POST", "/api/series/tea/exceptions", {"occurrence": coming, "moved_to": there})
    assert "overlap" in clash.json()["message"]
    stale = {"occurrence": coming, "cancelled": True, "revision": 7}
    assert code_of(await planner.ask("POST", "/api/series/tea/exceptions", stale)) == (
        409,
        "changed_meanwhile",
    )


async def test_a_session_that_goes_on_is_closed_in_its_room(desk: Desk) -> None:
    planner = desk.planner()
    now = datetime.now(UTC) + timedelta(minutes=2)
    start = now.strftime("%Y-%m-%dT%H:%M")
    dates = (await planner.planned(timezone="UTC", starts=start, rrule="FREQ=WEEKLY"))["occurrences"]
    await begin(desk, "tea", "lobby")
    wish = {"occurrence": dates[0]["occurrence"], "cancelled": True}
    assert code_of(await planner.ask("POST", "/api/series/tea/exceptions", wish)) == (409, "goes_on")
    wish = {"occurrence": dates[1]["occurrence"], "cancelled": True}
    assert (await planner.ask("POST", "/api/series/tea/exceptions", wish)).status_code == 200


@pytest.mark.parametrize("phase", ["closed", "cancelled"])
async def test_a_session_that_has_ended_is_not_moved_to_where_nobody_opens(desk: Desk, phase: Phase) -> None:
    """Too few came, so it was called off in the room. Its date opens once: moved, it would stay shut."""
    planner = desk.planner()
    start = (datetime.now(UTC) + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M")
    dates = (await planner.planned(timezone="UTC", starts=start, rrule="FREQ=WEEKLY"))["occurrences"]
    await begin(desk, "tea", phase)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    wish = {"occurrence": dates[0]["occurrence"], "moved_to": tomorrow}
    answer = await planner.ask("POST", "/api/series/tea/exceptions", wish)
    assert code_of(answer) == (400, "no_date")
    assert "ended in its room" in answer.json()["message"]
    node = desk.browser.node  # erased, so that only its report is left
    head = (await node.log.heads(["tea"]))["tea"]
    session = head.rules.session
    assert session is not None
    await node.afterwards.keep("tea", [], session)
    await node.log.erase("tea", head.epoch)
    assert code_of(await planner.ask("POST", "/api/series/tea/exceptions", wish)) == (400, "no_date")
    wish = {"occurrence": dates[0]["occurrence"], "cancelled": True}  # calendars may say so
    assert (await planner.ask("POST", "/api/series/tea/exceptions", wish)).status_code == 200


async def begin(desk: Desk, room: str, phase: Phase) -> None:
    """The room's next session is in `phase`."""
    node = desk.browser.node
    series = await node.series.get(room)
    assert series is not None
    [occurrence] = upcoming(series, int(time.time()), 1)
    head = await node.log.open_room(room)
    session = Session(plan=plan_of(series, occurrence), occurrence=occurrence.occurrence, phase=phase)
    await node.log.append(
        [
            Draft(
                PhaseChanged(room=room, handle="", phase=phase),
                head.epoch,
                head.rules_version,
                f"test {phase}",
                rules=Rules(session=session),
            )
        ]
    )


# ---- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["facilitator", "co_facilitator"])
async def test_a_facilitators_link_opens_the_console(desk: Desk, who: str) -> None:
    await desk.planner().planned()
    answer = await desk.planner("tea").ask("POST", "/api/series/tea/links", {"for": who})
    found = answer.json()
    page, _, token = found["url"].partition("#ticket=")
    assert page == f"{CHAT}/facilitate"
    ticket = desk.tickets.check(token, "tea", time.time())
    assert (ticket.role, ticket.once, ticket.expires_at) == ("facilitator", False, found["expires_at"])
    assert 0 <= found["expires_at"] - time.time() <= FACILITATORS_S
    assert (await Planner(desk.browser, token).ask("GET", "/api/series/tea")).status_code == 200


async def test_a_link_that_was_made_with_a_link_ends_with_it(desk: Desk) -> None:
    """However often it is handed on: what got into wrong hands is over when its time is."""
    await desk.planner().planned()
    ends_at = int(time.time()) + 900
    token = desk.tickets.issue("tea", "facilitator", expires_at=ends_at)
    for who in ("co_facilitator", "facilitator", "facilitator"):
        made = (await Planner(desk.browser, token).ask("POST", "/api/series/tea/links", {"for": who})).json()
        assert made["expires_at"] == ends_at
        token = made["url"].partition("#ticket=")[2]
        assert desk.tickets.check(token, "tea", time.time()).expires_at == ends_at


async def test_whom_an_intranet_names_makes_links_that_last_and_those_make_none_that_last_longer(
    tmp_path: Path,
) -> None:
    """The intranet's own ticket is good for a few minutes: it would be no link to facilitate with."""
    intranet = Intranet("EdDSA", tmp_path)
    issuers = (intranet.issuer(roles=("participant", "facilitator")),)
    async with desk_in(tmp_path / "data", ticket_issuers=issuers) as desk:
        await desk.planner().planned()

        async def link(token: str, who: str = "facilitator") -> httpx.Response:
            return await Planner(desk.browser, token).ask("POST", "/api/series/tea/links", {"for": who})

        now = int(time.time())
        signed = claims(room="tea", role="facilitator", exp=now + 300)
        made = (await link(intranet.signs(signed))).json()
        assert abs(made["expires_at"] - now - FACILITATORS_S) <= 2
        token = made["url"].partition("#ticket=")[2]
        ticket = desk.tickets.check(token, "tea", now)
        assert (ticket.issuer, ticket.role, ticket.person) == (OWN, "facilitator", None)
        assert (await link(token, "co_facilitator")).json()["expires_at"] == made["expires_at"]
        for refused in ({"role": "participant"}, {"room": "coffee"}, {"room": "*"}, {"once": True}):
            answer = await link(intranet.signs({**signed, **refused}))
            assert answer.status_code in (401, 403), refused
            assert "url" not in answer.json()


async def test_a_participants_link_opens_the_room_once_until_the_session_is_over(desk: Desk) -> None:
    start = (datetime.now(UTC) + timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M")
    await desk.planner().planned(timezone="UTC", starts=start, rrule="FREQ=WEEKLY")
    found = (await desk.planner().ask("POST", "/api/series/tea/links", {"for": "participant"})).json()
    page, _, token = found["url"].partition("#ticket=")
    assert page == f"{CHAT}/room/tea"
    ticket = desk.tickets.check(token, "tea", time.time())
    assert (ticket.role, ticket.once) == ("participant", True)
    assert 31 * 3600 < found["expires_at"] - time.time() < 33 * 3600
    for wish in ({"for": "admin"}, {}, {"for": "participant", "hours": 9999}):
        answer = await desk.planner().ask("POST", "/api/series/tea/links", wish)
        assert code_of(answer) == (400, "bad_series")


@pytest.mark.parametrize("left", ["room", "report"])
async def test_a_participants_link_made_after_an_early_close_is_for_the_next_session(
    desk: Desk, left: str
) -> None:
    """Two weeks from now, while the one that was closed would still go on by its plan."""
    start = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M")
    weekly = "FREQ=WEEKLY;INTERVAL=2"
    dates = (await desk.planner().planned(timezone="UTC", starts=start, rrule=weekly))["occurrences"]

    async def expires_at() -> int:
        answer = await desk.planner().ask("POST", "/api/series/tea/links", {"for": "participant"})
        found: int = answer.json()["expires_at"]
        return found

    await begin(desk, "tea", "open")
    assert await expires_at() == dates[0]["ends_at"] + AFTER_S
    await begin(desk, "tea", "closed")
    if left == "report":
        node = desk.browser.node
        head = (await node.log.heads(["tea"]))["tea"]
        assert head.rules.session is not None
        await node.afterwards.keep("tea", [], head.rules.session)
        await node.log.erase("tea", head.epoch)
    assert await expires_at() == dates[1]["ends_at"] + AFTER_S


# ---- templates -----------------------------------------------------------------------------------


async def test_every_template_of_ours_makes_a_session_of_an_hour_without_a_warning(desk: Desk) -> None:
    planner = desk.planner()
    found = (await planner.ask("GET", "/api/templates")).json()
    names = ["after_an_incident", "check_in_round", "difficult_case", "moral_distress", "new_in_the_job"]
    assert ([each["name"] for each in found["templates"]], found["problems"]) == (names, [])
    for each in found["templates"]:
        template = {name: value for name, value in each.items() if name not in ("name", "why")}
        name = each["name"].replace("_", "-")
        template |= {"name": name, "capacity": 8, "support": [["Line", "0800 1111", "2026-11-01"]]}
        made = await planner.planned(**template)
        assert sum(item["minutes"] for item in made["agenda"]) == 60, each["name"]
        assert made["warnings"] == [], each["name"]


async def test_an_organisation_has_templates_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    good = 'title = "Night shift"\n[[agenda]]\ntitle = "All"\nminutes = 50\n'
    (folder / "night_shift.toml").write_text(good, "utf-8")
    (folder / "check_in_round.toml").write_text(good, "utf-8")
    (folder / "no_toml.toml").write_text("title = ", "utf-8")
    (folder / "no_agenda.toml").write_text('title = "x"\n', "utf-8")
    (folder / "huge.toml").write_text("#" * 70_000, "utf-8")
    (folder / "latin.toml").write_bytes(b'title = "\xe4"')
    async with desk_in(tmp_path, templates="ours") as desk:
        found = (await desk.planner().ask("GET", "/api/templates")).json()
    titles = {each["name"]: each["title"] for each in found["templates"]}
    assert titles["night_shift"] == titles["check_in_round"] == "Night shift"
    assert len(titles) == 6
    assert [each.partition(":")[0] for each in found["problems"]] == [
        "huge.toml",
        "latin.toml",
        "no_agenda.toml",
        "no_toml.toml",
    ]
    async with desk_in(tmp_path, templates="nowhere") as desk:
        found = (await desk.planner().ask("GET", "/api/templates")).json()
    assert (len(found["templates"]), len(found["problems"])) == (5, 1)


# ---- what anybody may know -----------------------------------------------------------------------


async def test_anybody_sees_what_is_on_and_what_is_next(desk: Desk) -> None:
    planner = desk.planner()
    await planner.planned(name="later", starts=to_come(4), about="For nights")
    await planner.planned(name="sooner", starts=to_come(3), open=True)
    await planner.planned(name="hidden", listed=False)
    await planner.planned(name="on", timezone="UTC", starts=to_come(5))
    await begin(desk, "on", "open")
    answer = await desk.browser.get("/api/sessions")
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert [each["room"] for each in found["sessions"]] == ["on", "sooner", "later"]
    on, sooner, later = found["sessions"]
    assert (on["phase"], on["live"]) == ("open", True)
    assert "phase" not in sooner
    assert (sooner["open"], "open" in later) == (True, False)
    assert later["about"] == "For nights"
    assert len(sooner["next"]) == 3
    assert sooner["next"][0]["starts_at"] > found["now"]
    assert set(sooner["next"][0]) == {"starts_at", "ends_at"}
    await begin(desk, "on", "lobby")
    [on, *_] = (await desk.browser.get("/api/sessions")).json()["sessions"]
    assert (on["phase"], "live" in on) == ("lobby", False)
    await begin(desk, "on", "closed")
    assert "phase" not in (await desk.browser.get("/api/sessions")).json()["sessions"][2]


async def test_a_cancelled_date_is_not_next(desk: Desk) -> None:
    planner = desk.planner()
    first, second = (await planner.planned())["occurrences"][:2]
    wish = {"occurrence": first["occurrence"], "cancelled": True}
    await planner.ask("POST", "/api/series/tea/exceptions", wish)
    [tea] = (await desk.browser.get("/api/sessions")).json()["sessions"]
    assert tea["next"][0]["starts_at"] == second["starts_at"]


async def test_what_was_called_off_in_its_lobby_is_not_next(desk: Desk) -> None:
    start = (datetime.now(UTC) + timedelta(minutes=8)).strftime("%Y-%m-%dT%H:%M")
    weekly = {"timezone": "UTC", "starts": start, "rrule": "FREQ=WEEKLY"}
    first, second = (await desk.planner().planned(**weekly))["occurrences"][:2]

    async def next_at() -> int:
        [tea] = (await desk.browser.get("/api/sessions")).json()["sessions"]
        assert len(tea["next"]) == 3
        found: int = tea["next"][0]["starts_at"]
        return found

    assert await next_at() == first["starts_at"]
    await begin(desk, "tea", "cancelled")
    head = (await desk.browser.node.log.heads(["tea"]))["tea"]
    assert head.rules.session is not None
    await desk.browser.node.afterwards.keep("tea", [], head.rules.session)
    assert await next_at() == second["starts_at"]
    await desk.browser.node.log.erase("tea", head.epoch)
    assert await next_at() == second["starts_at"], "and so when the room has forgotten it"


async def test_the_description_has_what_is_there(desk: Desk) -> None:
    paths = (await desk.browser.get("/api/openapi.json")).json()["paths"]
    for method, path in [*PLANNERS, ("GET", "/api/sessions"), ("GET", "/calendar.ics")]:
        assert method.lower() in paths[path.replace("/tea", "/{name}")], (method, path)


async def test_the_poster_says_when_it_meets(desk: Desk) -> None:
    await desk.planner().planned()
    page = (await desk.browser.get("/room/tea/poster")).text
    assert "<li>Every Tuesday, 19:00 to 20:00 (Europe/London)</li>" in page
    page = (await desk.browser.get("/room/tea/poster", headers={"accept-language": "de"})).text
    assert f"<li>{to_come().replace('T', ' ')} · " in page
