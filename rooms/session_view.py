"""What one person is shown of a session as it stands: the whole truth of the moment, and no more than theirs.

    now(session, who, state, unix_now, present, room=..., lines=...) -> SessionNow

Made for one member at a time, from the session, the turns counted and who is here; a client replaces what it
shows by it and never folds a session's events itself. Nothing that only facilitators may know is in it for
anybody else, and a running poll's tally is in it for nobody. Pure: time comes in as an argument, in Unix
seconds.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from presence.roster import FACILITATOR, Member
from rooms import check_in
from rooms.agenda import closes_at, ends_at, until
from rooms.children import group_of, groups_of, staff_room
from rooms.floor import queue, unheard
from rooms.moderation import limits
from rooms.session import RUNNING, Asked, Breakouts, Erase, Limited, Phase, Poll, Session

ASK_SECOND: Final = 8
"""More participants than this and a second facilitator is asked for (PRODUCT)."""
SUGGEST_SPLIT: Final = 12
"""More than this and small groups are offered (PRODUCT)."""
LATE: Final[frozenset[Phase]] = frozenset({"winding_down", "closing_round", "closed", "cancelled"})
"""From here on people are shown where to go next: resources, and when the series meets again."""


class ItemNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of the agenda that is on; `index` counts from 0, `of` is how many there are."""

    index: int
    of: int
    title: str
    prompt: str = ""
    round: bool = False


class AgendaPart(msgspec.Struct, frozen=True):
    title: str
    minutes: int
    phase: str


class PauseNow(msgspec.Struct, frozen=True, omit_defaults=True):
    why: str
    since: int
    until: int | None = None


class TurnNow(msgspec.Struct, frozen=True, omit_defaults=True):
    handle: str
    since: int
    until: int | None = None


class RoundNow(msgspec.Struct, frozen=True):
    prompt: str
    todo: tuple[str, ...]
    done: tuple[str, ...]
    passed: tuple[str, ...]


class FloorNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`hands` in the order that counts. `queue_open`: a hand may be raised."""

    hands: tuple[str, ...] = ()
    by_hand: bool = False
    unheard_first: bool = False
    queue_open: bool = False
    turn: TurnNow | None = None
    round: RoundNow | None = None


class PollNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`votes`: how many have voted. What for is shown with `poll_closed`, where enough have."""

    id: int
    question: str
    options: tuple[str, ...]
    votes: int


class BreakoutsNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`rooms[n]` is the room of `groups[n]`."""

    id: int
    groups: tuple[tuple[str, ...], ...]
    rooms: tuple[str, ...]
    until: int | None = None


class You(msgspec.Struct, frozen=True, omit_defaults=True):
    """What holds for the one who is shown this. `group` and `line` are names of rooms."""

    member: bool = False
    facilitator: bool = False
    accepted: bool = False
    listening: bool = False
    muted: bool = False
    held: bool = False
    voted: bool = False
    group: str | None = None
    line: str | None = None
    check_in: Asked | None = None
    """What they may say of how heavy it is."""
    measure: bool = False
    """The burnout measure belongs to it."""


class StaffNow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What facilitators see besides. `lines`: the room of each one's line. `turns`: who spoke how often.
    `poll_k`, `erase`: as in the plan, for the questions that are asked before a poll and before the close."""

    room: str
    members: tuple[str, ...]
    poll_k: int
    erase: Erase
    waiting: tuple[str, ...] = ()
    limited: tuple[Limited, ...] = ()
    unheard: tuple[str, ...] = ()
    facilitators: tuple[str, ...] = ()
    lines: dict[str, str] = {}
    turns: dict[str, int] = {}
    suggest_split: bool = False
    ask_second: bool = False


class SessionNow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The session of one room, for one member of it.

    `seq`: the room's last event that is in it. `now`: the server's clock; a client takes the difference to
    its own and counts by the server's. All times are Unix seconds.
    """

    seq: int
    now: int
    occurrence: str
    title: str
    about: str = ""
    phase: Phase
    since: int
    until: int | None = None
    item: ItemNow | None = None
    agenda: tuple[AgendaPart, ...]
    starts_at: int
    ends_at: int
    closes_at: int
    next_at: int | None = None
    erase_at: int | None = None
    """When what was said goes, at the latest; from the close on."""
    pause: PauseNow | None = None
    floor: FloorNow
    pins: tuple[int, ...] = ()
    poll: PollNow | None = None
    locked: bool = False
    capacity: int
    minimum: int
    members: int
    missing: int = 0
    breakouts: BreakoutsNow | None = None
    resources: tuple[tuple[str, str], ...] = ()
    support: tuple[tuple[str, str, str], ...] = ()
    you: You
    staff: StaffNow | None = None


class Viewer(msgspec.Struct, frozen=True):
    """For whom: `line` is the room of their own line, where they have one."""

    handle: str
    role: str | None = None
    line: str | None = None


def now(
    session: Session,
    who: Viewer,
    *,
    room: str,
    seq: int,
    heard: Mapping[str, int],
    unix_now: int,
    present: Sequence[Member],
    lines: Mapping[str, str],
) -> SessionNow:
    """What `who` is shown. `heard`: turns per handle; `lines`: everybody's, needed for facilitators."""
    plan = session.plan
    facilitator = who.role == FACILITATOR
    late = session.phase in LATE
    pause = session.pause
    return SessionNow(
        seq=seq,
        now=unix_now,
        occurrence=session.occurrence,
        title=plan.title,
        about=plan.about,
        phase=session.phase,
        since=session.since,
        until=until(session),
        item=_item(session),
        agenda=tuple(AgendaPart(item.title, item.minutes, item.phase) for item in plan.agenda),
        starts_at=plan.starts_at,
        ends_at=ends_at(session),
        closes_at=closes_at(session),
        next_at=plan.next_at if late else None,
        erase_at=session.erase_at,
        pause=None if pause is None else PauseNow(pause.why, pause.since, pause.until),
        floor=_floor(session, heard),
        pins=session.pins,
        poll=_poll(session.poll),
        locked=session.locked,
        capacity=plan.capacity,
        minimum=plan.minimum,
        members=len(session.members),
        missing=max(0, plan.minimum - len(session.members)) if session.phase == "lobby" else 0,
        breakouts=_breakouts(session, room),
        resources=plan.resources if late else (),
        support=plan.support,
        you=_you(session, who, room),
        staff=_staff(session, who, room, heard, present, lines) if facilitator else None,
    )


def _item(session: Session) -> ItemNow | None:
    agenda = session.plan.agenda
    if session.phase not in RUNNING or session.item >= len(agenda):
        return None
    item = agenda[session.item]
    return ItemNow(session.item, len(agenda), item.title, item.prompt, item.round)


def _floor(session: Session, heard: Mapping[str, int]) -> FloorNow:
    floor, turn, round_ = session.floor, session.floor.turn, session.floor.round
    return FloorNow(
        queue(floor, heard),
        floor.by_hand,
        floor.unheard_first,
        floor.queue_open,
        None if turn is None else TurnNow(turn.handle, turn.since, turn.until),
        None if round_ is None else RoundNow(round_.prompt, round_.todo, round_.done, round_.passed),
    )


def _poll(poll: Poll | None) -> PollNow | None:
    return None if poll is None else PollNow(poll.id, poll.question, poll.options, len(poll.voted))


def _breakouts(session: Session, room: str) -> BreakoutsNow | None:
    split: Breakouts | None = session.breakouts
    if split is None:
        return None
    return BreakoutsNow(split.id, split.groups, groups_of(session, room), split.until)


def _you(session: Session, who: Viewer, room: str) -> You:
    held = limits(session, who.handle)
    asked = check_in.due(session, who.handle)
    return You(
        member=who.handle in session.members,
        facilitator=who.role == FACILITATOR,
        accepted=who.handle in session.accepted,
        listening=who.handle in session.listening,
        muted="mute" in held,
        held="hold" in held,
        voted=session.poll is not None and who.handle in session.poll.voted,
        group=group_of(session, room, who.handle),
        line=who.line,
        check_in=asked,
        measure=check_in.asks_measure(session, asked),
    )


def _staff(
    session: Session,
    who: Viewer,
    room: str,
    heard: Mapping[str, int],
    present: Sequence[Member],
    lines: Mapping[str, str],
) -> StaffNow:
    here = {member.handle for member in present if member.role == FACILITATOR}
    facilitators = tuple(sorted(here | {who.handle}))
    return StaffNow(
        room=staff_room(room),
        members=session.members,
        poll_k=session.plan.poll_k,
        erase=session.plan.erase,
        waiting=tuple(place.handle for place in session.waiting),
        limited=session.limited,
        unheard=unheard(session, heard),
        facilitators=facilitators,
        lines=dict(lines),
        turns={handle: heard[handle] for handle in session.members if heard.get(handle)},
        suggest_split=len(session.members) > SUGGEST_SPLIT and session.breakouts is None,
        ask_second=len(session.members) > ASK_SECOND and len(facilitators) < 2,
    )
