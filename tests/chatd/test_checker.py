"""The checker itself: legal histories pass, and every kind of violation is caught and named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.checker import (
    MAX_PROBLEMS,
    Acked,
    Checker,
    Ended,
    Kept,
    Killed,
    Record,
    Refused,
    Saw,
    Sent,
    Started,
    Verdict,
    check,
)

ROOM, EPOCH = "icu", "e1"


def start(client: str, after: int = 0, *, recovered: bool = False, epoch: str = EPOCH) -> Started:
    return Started(client, ROOM, epoch, after, recovered)


def say(client: str, key: str, seq: int, mark: str | None = None) -> list[Record]:
    return [Sent(client, ROOM, key, mark or key), Acked(client, ROOM, EPOCH, key, seq)]


def saw(client: str, *places: tuple[int, str | None], epoch: str = EPOCH) -> list[Record]:
    return [Saw(client, ROOM, epoch, seq, mark) for seq, mark in places]


def kept(*places: tuple[int, str | None]) -> list[Record]:
    return [Kept(ROOM, EPOCH, seq, mark) for seq, mark in places]


def ended(client: str, through: int) -> Ended:
    return Ended(client, ROOM, EPOCH, through)


A, B, C = (1, "a"), (2, "b"), (3, "c")
SAID: list[Record] = [*say("ann", "a", 1), *say("bob", "b", 2), *say("ann", "c", 3)]


def legal() -> list[Record]:
    return [
        start("ann"), start("bob"), *SAID,
        *saw("ann", A, B, C), *saw("bob", A, B, C),
        ended("ann", 3), ended("bob", 3), *kept(A, B, C),
    ]  # fmt: skip


# ---- legal -------------------------------------------------------------------------------------


def test_nothing_is_legal() -> None:
    assert check([]) == Verdict(True, 0, 0, 0, 0, 0, 0, 0, 0, ())


def test_what_a_good_room_does_is_legal_and_counted() -> None:
    assert check(legal()) == Verdict(True, 3, 3, 6, 0, 0, 0, 0, 0, ())


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([start("ann"), *SAID, *saw("ann", A),
                      start("ann", 1, recovered=True), *saw("ann", B, C)],
                     id="a break, and on from where one was"),
        pytest.param([*SAID, start("ann", 1), *saw("ann", B, C), ended("ann", 3)],
                     id="a newcomer sees the last ones only"),
        pytest.param([start("ann"), *SAID, *saw("ann", A), start("ann", 2), *saw("ann", C), ended("ann", 3)],
                     id="a clean start says itself that it forgot"),
        pytest.param([start("ann"), *SAID, *saw("ann", A), Killed("ann", ROOM), *kept(A, B, C)],
                     id="who dies sees no more"),
        pytest.param([start("ann"), *SAID, *saw("ann", A), Killed("ann", ROOM),
                      start("ann", 1, recovered=True), *saw("ann", B, C), ended("ann", 3)],
                     id="who dies may come back to the same seat"),
        pytest.param([start("ann"), Sent("bob", ROOM, "k", "x"), *saw("ann", (1, "x")), *kept((1, "x"))],
                     id="kept, though the ack was lost"),
        pytest.param([start("ann"), Sent("bob", ROOM, "k", "x"), ended("ann", 0)],
                     id="neither acked nor kept"),
        pytest.param([start("ann"), *saw("ann", (1, "x")), *say("bob", "k", 1, "x")],
                     id="seen before it was acked, and even before the record of its sending"),
        pytest.param([start("ann"), *say("bob", "k", 1, "ok"), *say("bob", "l", 2, "ok"),
                      *saw("ann", (1, "ok"), (2, "ok"))],
                     id="the same words twice, under two keys"),
        pytest.param([start("ann"), *SAID, *say("ann", "a", 1), *saw("ann", A)],
                     id="acked twice at one place"),
        pytest.param([start("ann"), *SAID, *saw("ann", (1, None), B, C), start("bob"), *saw("bob", A, B)],
                     id="withdrawn for those who come later"),
        pytest.param([start("ann"), Sent("ann", ROOM, "k", "x"), Refused("ann", ROOM, "k"),
                      *say("ann", "k", 1, "x"), *saw("ann", (1, "x"))],
                     id="refused first, then asked again and acked"),
        pytest.param([start("ann"), *SAID, *saw("ann", A, B), start("ann", 0, epoch="e2"),
                      *saw("ann", (1, None), epoch="e2")],
                     id="a new epoch counts from one"),
    ],
)  # fmt: skip
def test_legal(history: list[Record]) -> None:
    verdict = check(history)
    assert verdict.ok, verdict.problems
    assert not verdict.problems


# ---- illegal, one thing at a time --------------------------------------------------------------

ILLEGAL: list[tuple[str, list[Record], dict[str, int]]] = [
    ("a hole in the middle",
     [start("ann"), *SAID, *saw("ann", A, C)], {"gaps": 1, "lost": 1}),
    ("a hole at the beginning",
     [start("ann"), *SAID, *saw("ann", C)], {"gaps": 2, "lost": 2}),
    ("a hole at the end",
     [start("ann"), *SAID, *saw("ann", A), ended("ann", 3)], {"gaps": 2, "lost": 2}),
    ("nothing seen at all",
     [start("ann"), *SAID, ended("ann", 3)], {"gaps": 3, "lost": 3}),
    ("never let in",
     [*SAID, ended("ann", 3)], {"gaps": 1}),
    ("a hole that recovery hides",
     [start("ann"), *SAID, *saw("ann", A), start("ann", 2, recovered=True), *saw("ann", C)], {"gaps": 1}),
    ("recovered, and never there before",
     [*SAID, start("ann", 2, recovered=True)], {"gaps": 1}),
    ("recovered from another epoch",
     [start("ann"), start("ann", 0, recovered=True, epoch="e2")], {"gaps": 1}),
    ("seen twice",
     [start("ann"), *SAID, *saw("ann", A, B, B, C)], {"doubles": 1}),
    ("seen again after recovery",
     [start("ann"), *SAID, *saw("ann", A, B), start("ann", 1, recovered=True), *saw("ann", B, C)],
     {"doubles": 1}),
    ("kept twice",
     [start("ann"), *SAID, *saw("ann", A, B, C, (4, "a"))], {"doubles": 1}),
    ("kept twice, seen by nobody",
     [*SAID, *kept(A, B, C, (4, "a"))], {"doubles": 1}),
    ("an unanswered post kept twice",
     [start("ann"), Sent("bob", ROOM, "k", "x"), *saw("ann", (1, "x"), (2, "x"))], {"doubles": 1}),
    ("one key, two places",
     [start("ann"), *say("ann", "a", 1), Acked("ann", ROOM, EPOCH, "a", 2), *saw("ann", A, (2, "a"))],
     {"doubles": 1}),
    ("two keys, one place",
     [start("ann"), *say("ann", "a", 1), *say("bob", "b", 1, "a"), *saw("ann", A)],
     {"lost": 1, "reordered": 1}),
    ("acked, and not in the log",
     [start("ann"), *SAID, *saw("ann", A, B), *kept(A, B)], {"lost": 1}),
    ("acked, and something else in its place",
     [start("ann"), *SAID, Sent("eve", ROOM, "k", "x"), *saw("ann", A, (2, "x"), C)], {"lost": 1}),
    ("out of order for one",
     [start("ann"), *SAID, *saw("ann", A, C, B)], {"reordered": 1}),
    ("from before its beginning",
     [*SAID, start("ann", 2), *saw("ann", C, A)], {"reordered": 1}),
    ("two see two orders",
     [start("ann"), start("bob"), Sent("x", ROOM, "k", "a"), Sent("x", ROOM, "l", "b"),
      *saw("ann", (1, "a"), (2, "b")), *saw("bob", (1, "b"), (2, "a"))], {"reordered": 2}),
    ("the log and a view disagree",
     [start("ann"), Sent("x", ROOM, "k", "a"), Sent("x", ROOM, "l", "b"), *saw("ann", A), *kept((1, "b"))],
     {"reordered": 1}),
    ("an earlier place for a later post",
     [*say("ann", "b", 2), *say("ann", "a", 1), *kept(A, B)], {"reordered": 1}),
    ("nobody said it",
     [start("ann"), *saw("ann", A)], {"invented": 1}),
    ("nobody said it, in the log",
     kept(A), {"invented": 1}),
    ("a word was changed on the way",
     [start("ann"), *say("ann", "k", 1, "x"), *saw("ann", (1, "y"))], {"lost": 1}),
    ("seen, and refused",
     [start("ann"), Sent("ann", ROOM, "k", "x"), Refused("ann", ROOM, "k"), *saw("ann", (1, "x"))],
     {"invented": 1}),
    ("seen, and not in the log",
     [start("ann"), *SAID, *saw("ann", A, B, C), Sent("ann", ROOM, "k", "x"), *saw("ann", (4, "x")),
      *kept(A, B, C)],
     {"invented": 1}),
    ("acked, and never sent",
     [Acked("ann", ROOM, EPOCH, "k", 1)], {"invented": 1}),
    ("seen outside of any view",
     [*SAID, *saw("ann", A)], {"invented": 1}),
    ("seen in the wrong epoch",
     [start("ann", epoch="e2"), *SAID, *saw("ann", A)], {"invented": 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("history", "counts"), [case[1:] for case in ILLEGAL], ids=[case[0] for case in ILLEGAL]
)
def test_illegal(history: list[Record], counts: dict[str, int]) -> None:
    verdict = check(history)
    found = {name: getattr(verdict, name) for name in ("gaps", "doubles", "lost", "reordered", "invented")}
    assert {name: count for name, count in found.items() if count} == counts, verdict.problems
    assert not verdict.ok
    assert verdict.problems


@given(
    at=st.integers(0, len(legal()) - 1),
    harm=st.sampled_from(["drop", "repeat", "swap"]),
)
def test_one_wrong_sight_in_a_legal_history_is_enough(at: int, harm: str) -> None:
    history = legal()
    record = history[at]
    if not isinstance(record, Saw):
        return
    if harm == "drop":
        del history[at]
    elif harm == "repeat":
        history.insert(at, record)
    else:
        other = next(
            i for i, each in enumerate(history) if isinstance(each, Saw) and each[0] == record[0] and i != at
        )
        history[at], history[other] = history[other], history[at]
    assert not check(history).ok


# ---- the rest of what it promises --------------------------------------------------------------


def test_clocks_of_two_processes_are_not_compared_unless_they_are_one() -> None:
    history: list[Record] = [*say("ann", "b", 2), *say("bob", "a", 1), *kept(A, B)]
    assert check(history).reordered == 1
    assert check(history, one_clock=False).ok
    own: list[Record] = [*say("ann", "b", 2), *say("ann", "a", 1), *kept(A, B)]
    assert check(own, one_clock=False).reordered == 1


def test_rooms_and_epochs_do_not_mix() -> None:
    verdict = check([*legal(), Started("ann", "er", "e9", 0, False), Saw("ann", "er", "e9", 1, "a")])
    assert verdict.invented == 1


def test_a_verdict_can_be_asked_for_on_the_way() -> None:
    checker = Checker()
    verdicts = []
    for record in legal():
        checker.see(record)
        verdicts.append(checker.verdict())
    assert verdicts[-1] == check(legal())
    assert checker.verdict() == checker.verdict()


FLOODS: dict[str, list[Record]] = {
    "many inventions": [start("ann"), *saw("ann", *((n, f"m{n}") for n in range(1, 500)))],
    "a far place": [start("ann"), *saw("ann", (2**53, None))],
    "a far end": [start("ann"), ended("ann", 2**53)],
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_problems_and_memory_are_bounded(flood: list[Record]) -> None:
    verdict = check(flood)
    assert not verdict.ok
    assert len(verdict.problems) <= MAX_PROBLEMS
