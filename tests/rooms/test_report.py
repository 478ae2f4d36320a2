"""A report has counts and times, and nothing of anybody; what it says together gives no small count away."""

from collections.abc import Iterator

import msgspec
import pytest

from rooms.events import AnyEvent, Posted, Reacted
from rooms.report import Counts, Report, Span, counts_of, programme_of, report_of
from rooms.session import Item, Plan, Session
from rooms.session_events import (
    Accepted,
    Admitted,
    Announced,
    Departed,
    FloorGiven,
    HandRaised,
    Hidden,
    Paused,
    PhaseChanged,
    PollClosed,
    PollOpened,
    Restricted,
    Resumed,
    RoundStarted,
    TurnEnded,
    Voted,
    WordAsked,
)
from rooms.suppression import HIDDEN, Total

START = 1_796_151_600
"""2026-12-01, 19:00 UTC."""
OCCURRENCE = "20261201T190000Z"
AGENDA = (
    Item("Welcome", 10, "opening"),
    Item("A word each", 10, "open", round=True),
    Item("The topic", 25),
    Item("Winding down", 5, "winding_down"),
    Item("Last round", 10, "closing_round", round=True),
)
HANDLES = [f"quiet-{animal}" for animal in ("otter", "heron", "fox", "owl", "hare", "swan", "mole", "lynx")]
FACILITATOR = "calm-badger"


def plan(minimum: int = 3, **others: object) -> Plan:
    usual = Plan(title="Night shift", starts_at=START, agenda=AGENDA, minimum=minimum)
    return msgspec.structs.replace(usual, **others)


class Hour:
    """Writes the log of a session: `at` is minutes from the planned start."""

    def __init__(self, of: Plan | None = None) -> None:
        self.session = Session(plan=of or plan(), occurrence=OCCURRENCE)
        self.events: list[AnyEvent] = []

    def add(self, event: AnyEvent, at: float, *, times: int = 1) -> None:
        for _ in range(times):
            placed = msgspec.structs.replace(
                event, seq=len(self.events) + 1, at=START + int(at * 60) // 60 * 60
            )
            self.events.append(placed)

    def phase(self, phase: str, at: float, item: int = 0, by: str = "") -> None:
        changed = PhaseChanged(room="night", handle=by, phase="open", item=item)
        self.add(msgspec.structs.replace(changed, phase=phase), at)

    def post(self, at: float, times: int, who: str = HANDLES[0], room: str = "night") -> None:
        self.add(Posted(room=room, handle=who, text="private words that were said"), at, times=times)

    def come(self, at: float, *handles: str) -> None:
        for handle in handles:
            self.add(Admitted(room="night", handle=handle), at)

    @property
    def report(self) -> Report:
        return report_of(self.events, self.session)

    @property
    def counts(self) -> Counts:
        return counts_of(self.events, self.session)


@pytest.fixture
def hour() -> Hour:
    """A whole one, with something of everything in it."""
    made = Hour()
    made.phase("lobby", -10)
    made.come(-8, *HANDLES[:6])
    made.add(Accepted(room="night", handle=HANDLES[0]), -7)
    made.phase("opening", 0)
    made.post(1, 4, FACILITATOR)
    made.phase("open", 10, item=1)
    made.post(11, 14)
    made.add(TurnEnded(room="night", handle=HANDLES[0], whose=HANDLES[0]), 12, times=12)
    made.phase("open", 20, item=2)
    made.come(21, *HANDLES[6:])
    made.post(22, 30)
    made.add(HandRaised(room="night", handle=HANDLES[1], up=True), 23, times=11)
    made.add(HandRaised(room="night", handle=HANDLES[1], up=False), 23, times=5)
    made.add(FloorGiven(room="night", handle=FACILITATOR, to=HANDLES[1]), 24, times=3)
    made.add(FloorGiven(room="night", handle=FACILITATOR), 24, times=20)
    made.add(Paused(room="night", handle="", why="no_facilitator"), 26)
    made.add(Resumed(room="night", handle=FACILITATOR, phase="open", took_over=True), 31)
    made.add(PollOpened(room="night", handle=FACILITATOR, question="How was it?", options=("a", "b")), 32)
    made.add(Voted(room="night", handle=HANDLES[2], poll=40), 32, times=8)
    made.add(PollClosed(room="night", handle=FACILITATOR, poll=40, results=(7, 1)), 33)
    made.post(34, 12)
    made.post(34, 40, room="night~line.abcdefghijkl")
    made.add(Posted(room="night", handle=HANDLES[0], text="", withdrawn=True), 36, times=50)
    made.add(Reacted(room="night", handle=HANDLES[3], target=9, kind="heard"), 36, times=50)
    made.add(Hidden(room="night", handle=FACILITATOR, target=9, rule="kindness", on=True), 36)
    made.add(Restricted(room="night", handle=FACILITATOR, whose=HANDLES[4], limit="mute", on=True), 37)
    made.add(
        Announced(room="night", handle=FACILITATOR, kind="prompt", text="private words that were said"), 38
    )
    made.add(Departed(room="night", handle=HANDLES[0]), 40)
    made.phase("winding_down", 45, item=3)
    made.phase("closing_round", 50, item=4)
    made.add(RoundStarted(room="night", handle=FACILITATOR, prompt="private words", order=tuple(HANDLES)), 52)
    made.post(53, 11)
    made.phase("closed", 61, item=5)
    return made


def test_a_report_has_counts_and_times(hour: Hour) -> None:
    assert hour.report == Report(
        occurrence=OCCURRENCE,
        title="Night shift",
        planned_start=START,
        planned_end=START + 3600,
        opened=True,
        opened_with_minimum=True,
        participants=HIDDEN,
        messages=Total(67, False),
        windows_from=START - 600,
        windows=(0, 0, HIDDEN, 0, 14, 0, 30, 0, 12, 0, 0, 0, 11, 0, 0),
        hands=11,
        turns=HIDDEN,
        rounds=HIDDEN,
        polls=HIDDEN,
        phases=(
            span("lobby", -10, 0),
            span("opening", 0, 10),
            span("open", 10, 26),
            msgspec.structs.replace(span("paused", 26, 31), why="no_facilitator"),
            span("open", 31, 45),
            span("winding_down", 45, 50),
            span("closing_round", 50, 61),
        ),
    )
    assert hour.counts == Counts(8, True, 3)


def span(phase: str, since: int, until: int) -> Span:
    return msgspec.convert({"phase": phase, "since": START + 60 * since, "until": START + 60 * until}, Span)


def test_nobody_is_in_it_and_nothing_that_was_said(hour: Hour) -> None:
    kept = msgspec.json.encode(hour.report) + msgspec.json.encode(hour.counts)
    for word in (*HANDLES, FACILITATOR, "private words", "How was it?", "kindness", "mute"):
        assert word.encode() not in kept


def numbers(value: object) -> Iterator[int]:
    """Every number there is in something made of plain values."""
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in ("since", "until", "planned_start", "planned_end", "windows_from", "window_s"):
                yield from numbers(each)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)


def test_no_count_from_1_to_10_is_in_it(hour: Hour) -> None:
    shown = list(numbers(msgspec.to_builtins(hour.report)))
    assert shown
    assert not [number for number in shown if 1 <= number <= 10]


# ---- what it says together -----------------------------------------------------------------------


def test_turns_of_rounds_divided_by_the_rounds_of_the_agenda_are_the_people_so_they_are_not_counted() -> None:
    """Two rounds in the plan, twelve turns in the log: six people."""
    few = Hour()
    few.phase("lobby", -10)
    few.come(-5, *HANDLES[:6])
    few.phase("open", 0, item=1)
    few.add(TurnEnded(room="night", handle=HANDLES[0], whose=HANDLES[0]), 1, times=6)
    few.phase("closing_round", 30, item=4)
    few.add(TurnEnded(room="night", handle=HANDLES[0], whose=HANDLES[0], passed=True), 31, times=6)
    few.add(Voted(room="night", handle=HANDLES[0], poll=9), 31, times=12)
    few.phase("closed", 60)
    assert (few.report.turns, few.report.rounds) == (0, HIDDEN)
    assert 12 not in list(numbers(msgspec.to_builtins(few.report)))


@pytest.mark.parametrize("minimum", range(1, 16))
def test_a_yes_to_the_minimum_leaves_room_for_a_hidden_number(minimum: int) -> None:
    """Ten are asked for, it opened with them, and fewer than eleven came: ten came."""
    made = Hour(plan(minimum))
    made.phase("lobby", -10)
    made.come(-5, *(f"h{n}" for n in range(minimum)))
    made.phase("opening", 0)
    made.phase("closed", 60)
    said = made.report.opened_with_minimum
    assert said in (True, None)
    left = range(minimum if said else 0, 11)
    assert made.report.participants != HIDDEN or len(left) >= 5
    assert made.counts.least == (minimum if said else 0)
    nobody = Hour(plan(minimum))
    nobody.phase("lobby", -10)
    nobody.phase("opening", 0, by=FACILITATOR)
    nobody.phase("closed", 60)
    # Whether it says something does not hang on what happened, or silence would say it.
    assert nobody.report.opened_with_minimum == (None if said is None else False)


def test_who_waited_for_a_session_that_did_not_open_is_not_counted() -> None:
    """The minimum is two, it did not open: one was there, or nobody."""
    made = Hour(plan(2))
    made.phase("lobby", -10)
    made.come(-5, HANDLES[0])
    made.phase("cancelled", 60)
    assert (made.report.opened, made.report.participants) == (False, None)
    assert made.report.opened_with_minimum is None
    programme = programme_of("2026-12", [("night", made.counts)])
    assert (programme.sessions, programme.held, programme.places) == (1, 0, Total(0, True))


def test_many_are_shown() -> None:
    made = Hour()
    made.phase("lobby", -10)
    made.come(-5, *(f"h{n}" for n in range(12)))
    made.add(Departed(room="night", handle="h3"), -4)
    made.come(-3, "h3")  # came back: the same handle
    made.phase("opening", 0)
    made.phase("closed", 60)
    assert made.report.participants == 12


# ---- odd logs --------------------------------------------------------------------------------------


def test_a_log_without_a_beginning_or_an_end_has_a_report() -> None:
    assert Hour().report.phases == ()
    assert Hour().report.messages == Total(0, True)
    made = Hour()
    made.post(3, 2)
    made.phase("open", 5)
    made.post(9, 12)
    assert made.report.phases == (span("open", 5, 9),)
    assert made.report.windows == (14,)  # what lies outside counts to the nearest


def test_a_long_session_has_wider_windows() -> None:
    made = Hour()
    made.phase("opening", 0)
    made.post(599, 11)
    made.phase("closed", 600)
    assert made.report.window_s == 900
    assert len(made.report.windows) == 41
    assert made.report.windows[39] == 11


def test_parts_of_the_agenda_with_one_phase_are_one_span_and_pauses_are_bounded() -> None:
    made = Hour()
    made.phase("opening", 0)
    for minute in range(300):
        made.add(Paused(room="night", handle=FACILITATOR, why="quiet"), minute / 3)
        made.add(Resumed(room="night", handle=FACILITATOR, phase="open"), minute / 3)
    assert len(made.report.phases) == 200


def test_what_is_asked_of_a_facilitator_leaves_no_mark() -> None:
    """In the facilitators' room, whose name begins with the session's."""
    made = Hour()
    made.phase("opening", 0)
    before = made.report
    made.add(WordAsked(room="night~staff", handle=HANDLES[0], line="night~line.abcdefghijkl"), 0)
    made.post(0, 20, room="night~staff")
    assert made.report == before


# ---- a month ---------------------------------------------------------------------------------------


def test_a_month_adds_up_places_and_facilitators() -> None:
    sessions = [(series, Counts(7, True, 3)) for series in ("a", "b", "c") for _ in range(4)]
    made = programme_of("2026-12", [*sessions, ("d", Counts(2, False))], heavy=12, not_heavy=4)
    assert (made.sessions, made.held, made.places) == (13, 12, Total(84, True))
    assert made.facilitators.heavy == 12
    assert made.facilitators.not_heavy == HIDDEN
    assert made.facilitators.wrote == Total(12, False)  # 16 would give the 4 away
