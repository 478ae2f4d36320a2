"""Planning from the command line: what it makes, what it says, and what it refuses in one sentence."""

import json
import os
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from icalendar import Calendar
from typer.testing import CliRunner

from chatd.cli.program import app
from chatd.cli.shared import CannotDo
from chatd.doctor.sessions import check_plans
from chatd.settings import SECRET_NAME, STORE_NAME, Settings, load_secret
from chatd.settings_load import load
from chatd.tickets import ANY_ROOM, Tickets
from tests.chatd.cli.test_program import sentence as sentence_of_a_process
from tests.fixtures.servers import run_chatd

ADD = ("session", "add", "tea", "--title", "Tea & talk", "--timezone", "Europe/London")
TUESDAY = ("--starts", "2099-01-06T19:00", "--every", "2 weeks", "--not-in", "august")


class Terminal:
    """Runs commands in this process, on one data folder: a process each would take a second each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner()

    def said(self, *args: str) -> str:
        """What a command prints that does what was asked."""
        done = self._runner.invoke(app, args, catch_exceptions=False)
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout

    def sentence(self, *args: str) -> str:
        """What a command says that refuses."""
        with pytest.raises(CannotDo) as refused:
            self._runner.invoke(app, args, catch_exceptions=False)
        [line] = str(refused.value).splitlines()
        assert line.endswith((".", "`"))
        return line


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in [name for name in os.environ if name.startswith("CHATD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Terminal(tmp_path)


async def test_the_program_has_the_commands(tmp_path: Path) -> None:
    code, out, _ = await run_chatd(*ADD, *TUESDAY, cwd=tmp_path)
    assert (code, out.splitlines()[0][:20]) == (0, "Every second Tuesday")
    assert "already" in await sentence_of_a_process(tmp_path, *ADD, *TUESDAY)


def test_a_series_from_the_first_word_to_the_last(terminal: Terminal) -> None:
    assert "Nothing is planned yet" in terminal.said("session", "list")
    out = terminal.said(*ADD, *TUESDAY)
    assert out.startswith("Every second Tuesday, 19:00 to 20:00, not in August (Europe/London)\n")
    assert "    2099-01-06 19:00\n    2099-01-20 19:00\n" in out
    assert "Think about it: It has no support lines" in out
    assert "http://127.0.0.1:8000/calendar/tea.ics" in out
    assert re.search(r"^tea +Tea & talk +session +8 +ticket", terminal.said("room", "list"), re.MULTILINE)

    out = terminal.said("session", "skip", "tea", "2099-01-06")
    assert "2099-01-06 19:00   cancelled" in out
    out = terminal.said("session", "skip", "tea", "2099-01-06", "--undo")
    assert "cancelled" not in out
    out = terminal.said("session", "move", "tea", "2099-01-20", "2099-01-21T18:30")
    assert "2099-01-21 18:30   moved from 2099-01-20 19:00" in out
    out = terminal.said("session", "move", "tea", "2099-01-21", "2099-01-22T18:30")
    assert "2099-01-22 18:30   moved from 2099-01-20 19:00" in out

    terminal.said("session", "edit", "tea", "--capacity", "10", "--open", "--until", "2099-06-30")
    everything = json.loads(terminal.said("session", "show", "tea", "--json"))
    assert (everything["capacity"], everything["open"], everything["until"]) == (10, True, "2099-06-30")
    assert (everything["title"], everything["revision"]) == ("Tea & talk", 5)
    assert len(everything["exceptions"]) == 1
    shown = terminal.said("session", "show", "tea")
    assert re.search(r"^ +7 min  One word each \(open, everybody once\)$", shown, re.MULTILINE)
    listed = terminal.said("session", "list")
    assert re.search(r"^tea +Tea & talk +Every second Tuesday", listed, re.MULTILINE)

    events = Calendar.from_ical(terminal.said("session", "export")).walk("VEVENT")
    assert [str(each["SUMMARY"]) for each in events] == ["Tea & talk", "Tea & talk"]
    assert terminal.said("session", "export", "tea")

    assert "forgotten" in terminal.said("session", "delete", "tea", "--yes")
    assert "no series" in terminal.sentence("session", "show", "tea")


def test_links_for_whoever_is_to_have_one(terminal: Terminal) -> None:
    terminal.said(*ADD, *TUESDAY)
    tickets = Tickets(load_secret(Settings(data=terminal.folder / "data")))
    for options, room, role, hours in (
        (("tea",), "tea", "facilitator", 12),
        (("tea", "--for", "co_facilitator", "--hours", "48"), "tea", "facilitator", 48),
        (("tea", "--for", "participant", "--hours", "2"), "tea", "participant", 2),
        ((), ANY_ROOM, "facilitator", 12),
    ):
        out = terminal.said("session", "link", *options)
        page, _, token = out.strip().partition("#ticket=")
        console = role == "facilitator"
        assert page == f"http://127.0.0.1:8000/{'facilitate' if console else 'room/tea'}"
        now = time.time()
        ticket = tickets.planner(token, None, now) if console else tickets.check(token, room, now)
        assert (ticket.room, ticket.role, ticket.once) == (room, role, not console)
        assert abs(ticket.expires_at - now - hours * 3600) < 60
    assert "name it" in terminal.sentence("session", "link", "--for", "participant")


@pytest.mark.parametrize(
    "args", [("link",), ("link", "tea"), ("link", "tea", "--for", "participant"), ("report", "tea")]
)
def test_where_no_server_keeps_its_data_there_is_no_link(terminal: Terminal, args: tuple[str, ...]) -> None:
    terminal.said("session", "list")
    assert "No server keeps its data in" in terminal.sentence("session", *args)
    assert not (terminal.folder / "data" / SECRET_NAME).exists()
    terminal.said("session", "list", "--data", "elsewhere")
    assert "elsewhere" in terminal.sentence("session", *args, "--data", "elsewhere")


def test_a_link_to_no_series_is_none(terminal: Terminal) -> None:
    terminal.said(*ADD, *TUESDAY)
    assert "There is no series NOPE." in terminal.sentence("session", "link", "NOPE")


def test_a_series_from_a_file(terminal: Terminal) -> None:
    (terminal.folder / "plan.toml").write_text(
        """
        title = "Night circle"
        timezone = "Australia/Sydney"
        starts = "2099-01-06T23:00"
        rrule = "FREQ=MONTHLY;BYDAY=1TU"
        support = [["Line", "0800 1111", "2026-11-01"]]
        [[agenda]]
        title = "All of it"
        minutes = 50
        phase = "opening"
        [[agenda]]
        title = "Out"
        minutes = 10
        phase = "closing_round"
        """,
        "utf-8",
    )
    out = terminal.said("session", "add", "night", "--file", "plan.toml", "--until", "2099-12-31")
    assert out.startswith(
        "The first Tuesday of the month, 23:00 to 00:00, until 2099-12-31 (Australia/Sydney)"
    )
    assert "Think" not in out
    out = terminal.said("session", "edit", "night", "--template", "new_in_the_job", "--every", "once")
    assert out.startswith("6 January 2099, 23:00 to 00:00 (Australia/Sydney)")
    out = terminal.said("session", "templates")
    assert "difficult_case   A difficult case, 60 minutes" in out


def test_a_file_may_be_what_the_program_shows_and_have_dates_as_toml_has_them(terminal: Terminal) -> None:
    (terminal.folder / "plan.toml").write_text(
        """
        title = "Night circle"
        timezone = "Australia/Sydney"
        starts = 2099-01-06T23:00:00
        until = 2099-06-30
        rrule = "FREQ=WEEKLY"
        support = [["Line", "0800 1111", 2026-11-01]]
        when = "as `session show --json` says it"
        warnings = []
        """,
        "utf-8",
    )
    out = terminal.said("session", "add", "night", "--file", "plan.toml")
    assert out.startswith("Every Tuesday, 23:00 to 00:00, until 2099-06-30 (Australia/Sydney)")


def test_a_date_of_a_daily_series_is_found_however_far_it_is(terminal: Terminal) -> None:
    terminal.said(*ADD, "--starts", "2099-01-06T19:00", "--every", "day")
    assert "2099-01-06" in terminal.said("session", "skip", "tea", "2099-06-30")
    terminal.said("session", "move", "tea", "2099-07-01T19:00", "2099-07-01T12:00")
    terminal.said("session", "move", "tea", "2099-07-01T12:00", "2099-07-01T11:00")
    shown = json.loads(terminal.said("session", "show", "tea", "--json"))
    assert [(each["occurrence"], each.get("moved_to")) for each in shown["exceptions"]] == [
        ("20990630T180000Z", None),
        ("20990701T180000Z", "2099-07-01T11:00"),
    ]


def test_who_may_frame_it_and_what_people_are_asked(terminal: Terminal) -> None:
    origin = "https://intranet.example.org"
    terminal.said(*ADD, *TUESDAY, "--embed", origin, "--measure")
    assert "session edit tea" in terminal.sentence("room", "edit", "tea", "--embed", "none")
    terminal.said("session", "edit", "tea", "--title", "Tea again", "--no-check-in")
    shown = json.loads(terminal.said("session", "show", "tea", "--json"))
    assert (shown["embed"], shown["check_in"], shown["measure"]) == ([origin], False, True)
    terminal.said("session", "edit", "tea", "--embed", "none")
    assert json.loads(terminal.said("session", "show", "tea", "--json"))["embed"] == []
    assert "--embed takes origins" in terminal.sentence("session", "edit", "tea", "--embed", "example.org/x")


def test_a_series_that_cannot_be_read_is_found_and_goes(terminal: Terminal) -> None:
    """And the others are there meanwhile."""
    terminal.said(*ADD, *TUESDAY)
    terminal.said("session", "add", "night", *ADD[3:], *TUESDAY)
    settings = load({})
    assert check_plans(settings).verdict == "ok"
    with closing(sqlite3.connect(settings.data / STORE_NAME)) as database, database:
        database.execute("UPDATE series SET ical = 'BEGIN:VCALENDAR' WHERE name = 'tea'")
    finding = check_plans(settings)
    assert (finding.verdict, finding.seen[:6]) == ("failure", "1 of 2")
    assert [line.split()[0] for line in terminal.said("session", "list").splitlines()[1::2]] == ["night"]
    assert "is forgotten" in terminal.said("session", "delete", "tea", "--yes")
    assert check_plans(settings).verdict == "ok"


def test_a_series_ends_and_its_past_stays(terminal: Terminal) -> None:
    begun = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 30 * 86_400))
    started = ("--timezone", "UTC", "--starts", begun, "--every", "week")
    terminal.said("session", "add", "tea", "--title", "Tea", *started)
    assert "does not meet any more" in terminal.said("session", "cancel", "tea")
    assert "no date to come" in terminal.said("session", "list")
    exported = terminal.said("session", "export", "tea")
    assert "UNTIL=" in exported


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--starts", "2099-01-06"), "2026-12-01T19:00"),
        (("--starts", "2099-01-06T19:00", "--timezone", "Mars/Phobos"), "Europe/London"),
        (("--starts", "2099-01-07T19:00", "--every", "FREQ=WEEKLY;BYDAY=TU"), "not a day of its rule"),
        (("--starts", "2099-01-06T19:00", "--every", "fortnight"), "2 weeks"),
        (("--starts", "2099-01-06T19:00", "--every", "FREQ=SECONDLY"), "daily, weekly or monthly"),
        (("--starts", "2099-01-06T19:00", "--every", "week", "--not-in", "ju"), "name of a month"),
        (("--starts", "2099-01-06T19:00", "--template", "nothing"), "session templates"),
        (("--starts", "2099-01-06T19:00", "--capacity", "16"), "2 to 15"),
        (("--starts", "2099-01-06T19:00", "--file", "bad.toml"), "not valid TOML"),
        ((), "2026-12-01T19:00"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(terminal: Terminal, args: tuple[str, ...], says: str) -> None:
    (terminal.folder / "bad.toml").write_text("title = ", "utf-8")
    assert says in terminal.sentence(*ADD, *args)


def test_what_is_not_there_is_one_sentence(terminal: Terminal) -> None:
    terminal.said(*ADD, *TUESDAY)
    assert "already" in terminal.sentence(*ADD, *TUESDAY)
    assert "`chatd session list`" in terminal.sentence("session", "edit", "nobody", "--capacity", "5")
    assert "no such date" in terminal.sentence("session", "skip", "tea", "2099-01-07")
    assert "no such date" in terminal.sentence("session", "skip", "tea", "0000-99-99")
    assert "no such day" in terminal.sentence("session", "move", "tea", "2099-01-06", "2099-02-30T19:00")
    assert "2026-12-09T18:00" in terminal.sentence("session", "move", "tea", "2099-01-06", "later")
    assert "what to change" in terminal.sentence("session", "edit", "tea")
    terminal.said("room", "add", "drop")
    assert "Choose another" in terminal.sentence("session", "add", "drop", *ADD[3:], *TUESDAY)
    assert "no date at all" in terminal.sentence("session", "cancel", "tea")
