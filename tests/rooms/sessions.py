"""A session's room for tests of the pure rules: a plan, people, and a log of one room that is a list."""

from typing import TypeVar

from msgspec.structs import replace

from rooms.commands import RoomCommand
from rooms.events import AnyEvent, Posted, Rules
from rooms.log import Draft, Duplicate, Head
from rooms.rules import FACILITATOR, Refusal, Verdict, Who, Why, decide
from rooms.session import Item, Phase, Plan, Session
from rooms.session_apply import draft
from rooms.state import RoomState

ROOM = "rest"
START = 1_796_000_000
"""When the session is planned to begin, Unix seconds."""
GUIDE, SECOND = Who("calm-river", FACILITATOR), Who("tall-pine", FACILITATOR)
NAMES = ("quiet-heron", "open-larch", "mild-otter", "warm-tern", "snug-dune", "soft-reed", "slow-moss")
PEOPLE = tuple(Who(name) for name in NAMES)
HERON, LARCH, OTTER = PEOPLE[:3]

AGENDA = (
    Item("Welcome", 5, "opening"),
    Item("Check-in", 7, "opening", round=True, prompt="One word"),
    Item("Topic", 33, "open"),
    Item("Winding down", 5, "winding_down"),
    Item("Closing round", 7, "closing_round", round=True),
    Item("Check-out", 3, "closing_round"),
)
PLAN = Plan(title="After the night", starts_at=START, agenda=AGENDA, poll_k=3)

_T = TypeVar("_T")


def of(kind: type[_T], value: object) -> _T:
    """`value`, which must be a `kind`."""
    assert isinstance(value, kind), value
    return value


def a_session(phase: Phase = "open", members: tuple[str, ...] = NAMES[:4], **more: object) -> Session:
    """A session in `phase`, on time, whose members have accepted the ground rules."""
    item = next((n for n, part in enumerate(AGENDA) if part.phase == phase), 0)
    since = START + 60 * sum(part.minutes for part in AGENDA[:item])
    base = Session(plan=PLAN, occurrence="20261201T190000Z", phase=phase, since=since, item=item)
    return replace(base, item_since=since, members=members, accepted=members, **more)


class Room:
    """One node's view of a session's room, and its log: what is decided is placed at once."""

    def __init__(self, session: Session | None = None, *, slow_mode_s: int = 0, head: int = 20) -> None:
        self.state = RoomState(Head("e1", head, 1, 0, Rules(slow_mode_s=slow_mode_s, session=session)))
        self.now = START + 1000
        self.log: list[AnyEvent] = []

    @property
    def session(self) -> Session:
        return of(Session, self.state.rules.session)

    def judge(self, command: RoomCommand, who: Who) -> Verdict:
        return decide(command, who, self.state, 0.0, unix_now=self.now, line=f"{ROOM}~line.{'m' * 12}")

    def place(self, made: Draft) -> AnyEvent:
        """What the log does with a draft, and then this node."""
        assert (made.epoch, made.rules_version) == (self.state.epoch, self.state.version)
        event = replace(made.event, seq=self.state.head + 1, at=self.now // 60 * 60)
        if made.rules is not None:
            self.state.learn(made.rules, event.seq)
        self.state.fold(event, 0.0)
        self.log.append(event)
        return event

    def do(self, command: RoomCommand, who: Who) -> AnyEvent:
        """The command is fine, and its event is placed."""
        return self.place(of(Draft, self.judge(command, who)))

    def happens(self, event: AnyEvent) -> AnyEvent:
        """The clock, or the gateway, did it."""
        return self.place(draft(self.state, event, f"clock:{self.state.version}"))

    def why(self, command: RoomCommand, who: Who) -> Why:
        return of(Refusal, self.judge(command, who)).why

    def is_so(self, command: RoomCommand, who: Who) -> bool:
        return isinstance(self.judge(command, who), Duplicate)

    def says(self, who: Who, text: str = "hello") -> None:
        self.state.fold(
            Posted(room=ROOM, seq=self.state.head + 1, handle=who.handle, text=text, role=who.role), 0.0
        )
