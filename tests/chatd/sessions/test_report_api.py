"""What remains of sessions, over HTTP: who may read what, and the picture of an hour."""

import asyncio
import json
import time
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatd.cli.reports import FEW_EACH
from chatd.cli.reports import report as show
from chatd.cli.shared import CannotDo
from chatd.sessions.afterwards import Afterwards, begins_at, due_at, month_from
from chatd.sessions.report_svg import STYLE_HASH, in_words, picture
from chatd.settings import Settings, load_secret
from chatd.tickets import Role, Tickets
from rooms.report import Report, Span
from rooms.series_rules import read_series
from rooms.session import CheckIn
from rooms.store_sql import migrate, open_store
from rooms.suppression import HIDDEN, Total
from tests.chatd.test_app import Browser, browsing
from tests.rooms.test_report import START, Hour
from tests.tree import ROOT

SVG = "{http://www.w3.org/2000/svg}"
YESTERDAY = datetime.fromtimestamp(time.time() - 24 * 3600, UTC).strftime("%Y%m%dT190000Z")


PLANNED = {
    "title": "Day",
    "timezone": "UTC",
    "starts": "2026-12-01T19:00",
    "agenda": [{"title": "All", "minutes": 60}],
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Browser]:
    async with browsing(Settings(data=tmp_path)) as client:
        yield client


def bearer(
    client: Browser, room: str = "night", subject: str | None = "anne.muster", role: Role = "facilitator"
) -> dict[str, str]:
    tickets = Tickets(load_secret(client.node.settings))
    token = tickets.issue(room, role, expires_at=int(time.time()) + 60, subject=subject)
    return {"authorization": f"Bearer {token}"}


async def kept(afterwards: Afterwards, room: str, occurrence: str = YESTERDAY) -> Report:
    """The report of a session of `room`, whose log says what any other does."""
    hour = Hour()
    hour.session = msgspec.structs.replace(hour.session, occurrence=occurrence)
    hour.phase("lobby", -10)
    hour.come(-5, *(f"h{n}" for n in range(7)))
    hour.phase("opening", 0)
    hour.post(1, 12)
    hour.post(6, 3)
    hour.phase("closed", 60)
    said = CheckIn(("open-larch",), (2, 2, 3), (0, 1, 6), (1, 2))
    session = msgspec.structs.replace(hour.session, before=said)
    await afterwards.keep(room, hour.events, session)
    return hour.report


async def held(client: Browser, room: str, occurrence: str = YESTERDAY) -> Report:
    return await kept(client.node.afterwards, room, occurrence)


async def kept_month(afterwards: Afterwards) -> str:
    """Twelve sessions of a month that has passed, not made yet; which month."""
    now = time.time()
    month = next(each for each in (month_from(now, -back) for back in (1, 2)) if due_at(each) <= now)
    day = datetime.fromtimestamp(begins_at(month) + 7 * 24 * 3600, UTC).strftime("%Y%m%d")
    for room in ("a", "b", "c"):
        for hours in range(4):
            await kept(afterwards, room, f"{day}T{hours:02}0000Z")
    return month


# ---- reports -----------------------------------------------------------------------------------


async def test_a_planner_reads_the_reports_of_their_series(client: Browser) -> None:
    report = await held(client, "night")
    answer = await client.get("/api/series/night/reports", headers=bearer(client))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert msgspec.json.decode(answer.content, type=dict[str, list[Report]])["reports"] == [report]
    one = await client.get(f"/api/series/night/reports/{YESTERDAY}", headers=bearer(client, "*"))
    assert msgspec.json.decode(one.content, type=Report) == report
    drawn = await client.get(f"/api/series/night/reports/{YESTERDAY}.svg", headers=bearer(client))
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert drawn.text == picture(report)
    assert STYLE_HASH in drawn.headers["content-security-policy"]


async def test_what_is_not_there_or_not_theirs(client: Browser) -> None:
    for path, status in (
        ("/api/series/night/reports/20200101T000000Z", 404),
        ("/api/series/night/reports/20200101T000000Z.svg", 404),
        ("/api/series/night/reports/x", 404),
        ("/api/series/night/reports/%00", 404),
        ("/api/series/NIGHT/reports", 404),
        ("/api/series/day/reports", 403),
        ("/api/months", 403),
        ("/api/months/2026-12", 403),
        ("/api/debriefs/night/x", 405),
    ):
        answer = await client.get(path, headers=bearer(client))
        assert answer.status_code == status, path
        assert set(answer.json()) == {"code", "message"}


async def test_nobody_else_reads_them(client: Browser) -> None:
    await held(client, "night")
    for path in (
        "/api/series/night/reports",
        f"/api/series/night/reports/{YESTERDAY}",
        f"/api/series/night/reports/{YESTERDAY}.svg",
        "/api/months",
        "/api/months/2026-12",
        "/api/load",
        "/api/debriefs",
    ):
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"authorization": "Bearer x.y.z"})).status_code == 401
        assert (await client.get(path, headers=bearer(client, role="participant"))).status_code == 403
        foreign = {**bearer(client, "*"), "origin": "https://elsewhere.example.org"}
        assert (await client.get(path, headers=foreign)).status_code == 403


async def test_a_month_is_for_who_plans_everything_and_only_a_whole_one(client: Browser) -> None:
    """A month that has passed is made when it is asked for; the present one, or any other window, is not."""
    present = month_from(time.time(), 0)
    past = await kept_month(client.node.afterwards)
    planner = bearer(client, "*")
    answer = await client.get(f"/api/months/{past}", headers=planner)
    assert (answer.status_code, answer.json()["places"]) == (200, {"at_least": 84, "exact": True})
    assert answer.json()["check_ins"] == {
        "heavy_before": {"bands": [[0, 3], [4, 6], [7, 10]], "counts": [24, 24, 36]},
        "alone_before": {"bands": [[0, 6], [7, 10]], "counts": [12, 72]},
        "burnout": {"bands": [[1, 2], [3, 5]], "counts": [12, 24]},
    }
    listed = (await client.get("/api/series/a/reports", headers=planner)).json()["reports"]
    one = await client.get(f"/api/series/a/reports/{listed[0]['occurrence']}", headers=planner)
    assert not {"before", "after", "check_ins"} & one.json().keys(), "nothing is told of one session"
    assert (await client.get("/api/months", headers=planner)).json() == {"months": [past]}
    for window in (present, "2026", "2026-12-01", "2026-W50", "0000-01", "9999-12", f"{past}..{present}"):
        assert (await client.get(f"/api/months/{window}", headers=planner)).json()["code"] == "no_month"


# ---- debriefs ----------------------------------------------------------------------------------


async def write(client: Browser, headers: dict[str, str], **others: Any) -> Any:
    body = {"occurrence": YESTERDAY, "heavy": 8, "next": "Ask about the rota.", "colleague": True, **others}
    return await client.post("/api/debriefs", json=body, headers=headers)


async def test_a_debrief_is_its_writers_wherever_they_come_from(client: Browser) -> None:
    kept = {
        "room": "night",
        "occurrence": YESTERDAY,
        "heavy": 8,
        "next": "Ask about the rota.",
        "colleague": True,
    }
    answer = await write(client, bearer(client))
    assert (answer.status_code, answer.json()) == (200, kept)
    again = bearer(client, "*")  # another ticket of the same person
    assert (await client.get("/api/debriefs", headers=again)).json() == {"debriefs": [kept]}
    load = (await client.get("/api/load", headers=again)).json()
    assert (load["sessions"], load["heavy"], load["weeks"][0]) == (1, 1, {"sessions": 1, "heavy": 1})
    other = bearer(client, subject="ben")
    assert (await client.get("/api/debriefs", headers=other)).json() == {"debriefs": []}
    assert (await client.get("/api/load", headers=other)).json()["sessions"] == 0
    assert (await client.delete(f"/api/debriefs/night/{YESTERDAY}", headers=other)).status_code == 404
    assert (await client.delete(f"/api/debriefs/night/{YESTERDAY}", headers=again)).status_code == 204
    assert (await client.get("/api/debriefs", headers=again)).json() == {"debriefs": []}


async def test_who_has_no_name_in_the_ticket_brings_a_key_of_their_own(client: Browser) -> None:
    nameless = bearer(client, subject=None)
    refused = await write(client, nameless)
    assert (refused.status_code, refused.json()["code"]) == (403, "no_subject")
    keyed = {**nameless, "debrief-key": "k" * 43}
    assert (await write(client, keyed)).status_code == 200
    assert len((await client.get("/api/debriefs", headers=keyed)).json()["debriefs"]) == 1
    for headers in (
        {**nameless, "debrief-key": "l" * 43},
        {**bearer(client), "debrief-key": "k" * 43},  # a name counts for more than a key
        bearer(client, subject="own key\0" + "k" * 42),
    ):
        assert (await client.get("/api/debriefs", headers=headers)).json() == {"debriefs": []}
    for key in ("", "k" * 42, "k" * 44, "k" * 42 + "!"):
        wrong = {**nameless, "debrief-key": key}
        assert (await client.get("/api/debriefs", headers=wrong)).status_code == 403


async def test_what_cannot_be_kept_is_said_and_quoted_nowhere(client: Browser) -> None:
    headers = {**bearer(client), "content-type": "application/json"}
    for body, status in (
        (b"", 400),
        (b"{", 400),
        (b'{"occurrence": "x", "heavy": 3}', 400),
        (json.dumps({"occurrence": YESTERDAY, "heavy": 11}).encode(), 400),
        (json.dumps({"occurrence": YESTERDAY, "heavy": 3, "next": "x" * 2001}).encode(), 400),
        (json.dumps({"occurrence": YESTERDAY, "heavy": 3, "who": "anne.muster"}).encode(), 400),
        (json.dumps({"occurrence": YESTERDAY, "heavy": 3, "room": "day"}).encode(), 403),
        (json.dumps({"occurrence": "20200101T000000Z", "heavy": 3}).encode(), 409),
        (json.dumps({"occurrence": "20209999T000000Z", "heavy": 3}).encode(), 409),
        (b"x" * 17_000, 413),
    ):
        answer = await client.post("/api/debriefs", content=body, headers=headers)
        assert answer.status_code == status, body[:80]
        assert "anne" not in answer.text
    assert (await client.get("/api/debriefs", headers=bearer(client))).json() == {"debriefs": []}


async def test_a_ticket_for_everything_says_which_series_it_was(client: Browser) -> None:
    planner = bearer(client, "*")
    assert (await write(client, planner)).status_code == 403
    assert (await write(client, planner, room="night")).json()["room"] == "night"


# ---- the picture -------------------------------------------------------------------------------


def drawn(report: Report) -> ET.Element:
    return ET.fromstring(picture(report))


def rects(root: ET.Element, sort: str) -> list[ET.Element]:
    return [rect for rect in root.iter(f"{SVG}rect") if sort in rect.attrib["class"].split()]


def test_the_picture_tells_in_words_what_it_shows() -> None:
    hour = Hour()
    hour.phase("lobby", -10)
    hour.phase("opening", 0)
    hour.post(1, 12)
    hour.post(6, 3)
    hour.phase("closing_round", 10)
    hour.phase("closed", 12)
    root = drawn(hour.report)
    assert (root.attrib["role"], root.attrib["aria-labelledby"]) == ("img", "title desc")
    desc = root.find(f"{SVG}desc")
    assert desc is not None
    assert desc.text == in_words(hour.report)
    assert desc.text == (
        "Messages per 5 minutes, counted from the planned start: from minute -10 none, from minute -5 none, "
        "from minute 0 12, from minute 5 fewer than 11, from minute 10 none. At least 12 in all. "
        "Phases: lobby from minute -10 to 0, opening from minute 0 to 10, closing round from minute 10 to 12."
    )
    style = root.find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme:dark" in (style.text or "")


def test_a_hidden_count_has_no_height() -> None:
    """Ten messages and one look the same, beside bars of any height."""
    pictures = []
    for few, many in ((1, 40), (10, 40), (5, 400)):
        hour = Hour()
        hour.phase("opening", 0)
        hour.post(1, many)
        hour.post(6, few)
        hour.post(11, 11 - few)
        hour.phase("closed", 14)
        root = drawn(hour.report)
        (sample, *outlines) = sorted(rects(root, "few"), key=lambda rect: float(rect.attrib["y"]))
        assert [rect.attrib["height"] for rect in outlines] == ["14.0", "14.0"]
        assert sample.attrib["y"] == "7.5"  # of the legend
        assert len(rects(root, "bar")) == 1
        pictures.append(picture(hour.report))
    assert pictures[0] == pictures[1]


def test_whatever_a_title_holds_it_is_xml() -> None:
    hour = Hour()
    plan = msgspec.structs.replace(hour.session.plan, title="</title><script>x\x00\x08\ufffe & \ud800 ☕")
    hour.session = msgspec.structs.replace(hour.session, plan=plan)
    root = drawn(hour.report)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert (title.text or "").startswith("</title><script>x")
    assert list(root.iter(f"{SVG}script")) == []
    assert in_words(hour.report) == "This session did not open."


def test_a_long_hour_of_everything_stays_in_the_frame() -> None:
    spans = tuple(Span("open", START + 60 * n, START + 60 * n + 60) for n in range(300))
    report = Report(
        occurrence="20261201T190000Z",
        title="Night",
        planned_start=START,
        planned_end=START + 3600,
        opened=True,
        messages=Total(999_999, True),
        windows_from=START,
        windows=(999_999, HIDDEN, 0) * 20,
        hands=0,
        turns=0,
        rounds=0,
        polls=0,
        phases=spans,
    )
    root = drawn(report)
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + w <= wide
        assert y >= 0
        assert y + h <= high


# ---- the command -------------------------------------------------------------------------------


def test_the_command_shows_what_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hour = Hour()
    hour.phase("lobby", -10)
    hour.come(-5, *(f"h{n}" for n in range(7)))
    hour.phase("opening", 0)
    hour.post(1, 12)
    hour.post(6, 3)
    hour.phase("closed", 60)
    settings = Settings(data=tmp_path / "data")

    async def keep() -> None:
        await migrate(settings.store)
        store = await open_store(settings.store)
        afterwards = Afterwards(store.reports, load_secret(settings), report_months=13)
        assert await afterwards.keep("night", hour.events, hour.session)
        await store.series.add(read_series({"name": "day", **PLANNED, "revision": 0, "changed_at": 0}))
        await store.close()

    asyncio.run(keep())
    shown = partial(show, data=settings.data)
    shown("night")
    assert capsys.readouterr().out == "20261201T190000Z  Night shift  messages at least 12\n"
    shown("night", "20261201T190000Z", svg=tmp_path / "hour.svg")
    out = capsys.readouterr().out
    picture_at = tmp_path / "hour.svg"
    assert out.startswith(
        f"Wrote {picture_at}, the picture of the hour: messages per 5 minutes, and the phases.\n"
    )
    words = msgspec.json.decode((ROOT / "web/words/en/afterwards.json").read_bytes())
    for name, count in (  # as the page has them, a line each
        ("messages", words["at_least"].format(count=12)),
        ("participants", words["fewer_than_11"]),
        *((name, "0") for name in ("hands", "turns", "rounds", "polls")),
    ):
        assert f"{words[f'count_{name}']:18}  {count}\n" in out
    assert out.endswith(f"{words['suppressed']}\n")
    assert words["few_each"] == FEW_EACH
    assert "  opening           19:00 to 20:00 UTC\n" in out
    assert (tmp_path / "hour.svg").read_text("utf-8") == picture(hour.report)
    shown("night", "20261201T190000Z", as_json=True)
    assert msgspec.json.decode(capsys.readouterr().out, type=Report) == hour.report
    for asked, says in (
        (("day",), "There is no report of day yet."),
        (("night", "20261208T190000Z"), "There is no report of this session."),
        (("NOPE",), "There is no series NOPE."),
        (("NOPE", "20261208T190000Z"), "There is no series NOPE."),
        (("2099-12",), "There is no report of 2099-12."),
    ):
        with pytest.raises(CannotDo, match=says):
            shown(*asked)
    with pytest.raises(CannotDo, match="name it as well"):
        shown("night", svg=tmp_path / "none.svg")
    with pytest.raises(CannotDo):
        shown("night", "20261201T190000Z", svg=tmp_path / "hour.svg")


def test_the_command_shows_a_month_with_what_people_said_of_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data=tmp_path / "data")

    async def keep() -> str:
        await migrate(settings.store)
        store = await open_store(settings.store)
        month = await kept_month(Afterwards(store.reports, load_secret(settings), report_months=13))
        await store.close()
        return month

    month = asyncio.run(keep())
    show(month, data=settings.data)
    rows = [tuple(line.split("  ", 1)) for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[-1].strip()) for row in rows][:3] == [
        ("Month", month),
        ("Sessions", "12"),
        ("Held", "12"),
    ]
    shown = [line.split("  ")[-1].strip() for line in ("  ".join(row) for row in rows)][-5:]
    assert shown == [
        "0 to 3: 24, 4 to 6: 24, 7 to 10: 36",
        "too few to show",
        "0 to 6: 12, 7 to 10: 72",
        "too few to show",
        "1 to 2: 12, 3 to 5: 24",
    ]
