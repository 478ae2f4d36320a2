"""What one person is shown of a session: the truth of the moment, and nothing that is not theirs."""

from typing import Any

import msgspec

from presence.roster import Member
from rooms.session import (
    Breakouts,
    Floor,
    Item,
    Limited,
    Pause,
    Place,
    Plan,
    Poll,
    Round,
    Session,
    Turn,
)
from rooms.session_view import SessionNow, Viewer, now

ROOM, LINE = "quiet-hour", "quiet-hour~line.mR4x-9_TbQ2c"
START = 1_000_000_200
PLAN = Plan(
    title="The quiet hour",
    starts_at=START,
    agenda=(
        Item(title="Welcome", minutes=5, phase="opening"),
        Item(title="Talk", minutes=40, prompt="What stays with you?"),
        Item(title="One word", minutes=15, phase="closing_round", round=True),
    ),
    resources=(("Somebody to talk to", "https://example.org/help"),),
    support=(("Occupational health", "ext. 4100", "2026-11-01"),),
    next_at=START + 604_800,
)
LEAD, ANNA = Viewer("mild-otter", "facilitator"), Viewer("calm-heron", None, LINE)
SECRET = "a reason that is nobody else's"


def session(**fields: Any) -> Session:
    given: dict[str, Any] = {
        "plan": PLAN,
        "occurrence": "20010909T015000Z",
        "phase": "open",
        "item": 1,
        "members": ("calm-heron", "warm-lamp", "soft-rain"),
    }
    return Session(**(given | fields))


def seen(session: Session, who: Viewer = ANNA, **fields: Any) -> SessionNow:
    given: dict[str, Any] = {
        "room": ROOM,
        "seq": 7,
        "heard": {},
        "unix_now": START + 60,
        "present": (Member("mild-otter", "facilitator"), Member("calm-heron")),
        "lines": {"calm-heron": LINE},
    }
    return now(session, who, **(given | fields))


def test_the_times_follow_the_agenda_and_what_was_added() -> None:
    view = seen(session(shift_s=120, since=START + 420, item_since=START + 420))
    assert (view.seq, view.now, view.starts_at) == (7, START + 60, START)
    assert (view.until, view.ends_at, view.closes_at) == (START + 120 + 2700, START + 3720, START + 4020)
    assert view.item is not None
    assert (view.item.index, view.item.of, view.item.title, view.item.prompt) == (
        1,
        3,
        "Talk",
        "What stays with you?",
    )
    assert [part.minutes for part in view.agenda] == [5, 40, 15]


def test_beyond_the_agenda_and_before_it_there_is_no_part() -> None:
    assert seen(session(phase="closing_round", item=3)).item is None
    lobby = seen(session(phase="lobby", item=0, members=("calm-heron",)))
    assert (lobby.item, lobby.missing, lobby.until) == (None, 2, START)
    assert seen(session(members=())).missing == 0, "only in the lobby"


def test_where_to_go_next_is_told_near_the_end_and_support_always() -> None:
    assert (seen(session()).resources, seen(session()).next_at) == ((), None)
    assert seen(session()).support == PLAN.support
    for phase in ("winding_down", "closing_round", "closed"):
        late = seen(session(phase=phase))
        assert (late.resources, late.next_at) == (PLAN.resources, PLAN.next_at)


def test_hands_stand_in_the_order_that_counts() -> None:
    hands = ("calm-heron", "warm-lamp", "soft-rain")
    heard = {"calm-heron": 2, "soft-rain": 1}
    assert seen(session(floor=Floor(hands=hands)), heard=heard).floor.hands == hands
    first = seen(
        session(floor=Floor(hands=hands, unheard_first=True, turn=Turn("dry-leaf", 5))), heard=heard
    ).floor
    assert first.hands == ("warm-lamp", "calm-heron", "soft-rain")
    assert (first.turn and first.turn.handle, first.queue_open) == ("dry-leaf", True)
    rounded = seen(
        session(floor=Floor(round=Round("One word", ("a", "b"), ("c",), ("d",)), queue_open=False))
    ).floor
    assert rounded.round is not None
    assert (rounded.round.todo, rounded.round.done, rounded.round.passed) == (("a", "b"), ("c",), ("d",))
    assert not rounded.queue_open


def test_what_holds_for_oneself() -> None:
    limited = (Limited("calm-heron", "mute", "other", SECRET), Limited("warm-lamp", "hold", "other", SECRET))
    split = Breakouts((("calm-heron", "warm-lamp"), ("soft-rain", "dry-leaf")), id=9)
    view = seen(
        session(
            limited=limited,
            breakouts=split,
            accepted=("calm-heron",),
            poll=Poll(3, "?", ("a", "b"), (1, 0), ("calm-heron",)),
        )
    )
    assert msgspec.to_builtins(view.you) == {
        "member": True,
        "accepted": True,
        "muted": True,
        "voted": True,
        "group": "quiet-hour~group.9.0",
        "line": LINE,
        "check_in": "before",
    }
    assert view.breakouts is not None
    assert view.breakouts.rooms == ("quiet-hour~group.9.0", "quiet-hour~group.9.1")
    assert not seen(session(), Viewer("dry-leaf")).you.member


def test_nobody_but_facilitators_is_shown_what_is_theirs_and_nobody_a_running_tally() -> None:
    held = session(
        limited=(Limited("warm-lamp", "hold", "kindness", SECRET),),
        waiting=(Place("late-comer", 5),),
        poll=Poll(3, "Longer?", ("Yes", "No"), (987_654, 0), ("warm-lamp",)),
        pause=Pause("quiet", "open", START, START + 60),
    )
    anna, lead = seen(held), seen(held, LEAD)
    text = msgspec.json.encode(anna).decode()
    for word in (SECRET, "hold", "late-comer", "987654", "staff", "warm-lamp"):
        assert word not in text, word
    assert "987654" not in msgspec.json.encode(lead).decode()
    assert lead.poll is not None
    assert lead.poll.votes == 1
    assert lead.staff is not None
    assert lead.staff.limited == held.limited
    assert lead.staff.waiting == ("late-comer",)
    assert lead.staff.lines == {"calm-heron": LINE}
    assert lead.you.facilitator


def test_facilitators_see_who_was_not_heard_and_who_is_with_them() -> None:
    staff = seen(session(), LEAD, heard={"warm-lamp": 3, "gone-fox": 1}).staff
    assert staff is not None
    assert (staff.room, staff.unheard, staff.turns) == (
        "quiet-hour~staff",
        ("calm-heron", "soft-rain"),
        {"warm-lamp": 3},
    )
    assert (staff.poll_k, staff.erase) == (5, "at_close"), "as it is planned"
    planned = msgspec.structs.replace(PLAN, poll_k=3, erase="after_24h")
    other = seen(session(plan=planned), LEAD).staff
    assert other is not None
    assert (other.poll_k, other.erase) == (3, "after_24h")
    assert staff.facilitators == ("mild-otter",)
    alone = seen(session(), Viewer("new-lead", "facilitator"), present=()).staff
    assert alone is not None
    assert alone.facilitators == ("new-lead",), "who asks is here, whatever presence has shown so far"


def test_a_large_group_asks_for_a_second_facilitator_and_then_for_small_groups() -> None:
    def hints(people: int, *leads: str, split: Breakouts | None = None) -> tuple[bool, bool]:
        present = tuple(Member(lead, "facilitator") for lead in leads)
        members = tuple(f"p{n}" for n in range(people))
        staff = seen(session(members=members, breakouts=split), LEAD, present=present).staff
        assert staff is not None
        return staff.ask_second, staff.suggest_split

    assert hints(8) == (False, False)
    assert hints(9) == (True, False)
    assert hints(9, "mild-otter", "second") == (False, False)
    assert hints(13, "mild-otter", "second") == (False, True)
    assert hints(13, "mild-otter", "second", split=Breakouts((("p1", "p2"),), id=1)) == (False, False)
