"""One session's room on several nodes, with a log that keeps what was decided under the rules in force.

Every node folds the log late, has a clock of its own that jumps, and believes its own idea of who is here.
What is decided on stale rules is refused by the log, as the real one does; then the node reads on and decides
again. Each event that the log keeps is looked at as it is kept (`Kept.look`).
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from rooms import check_in, floor, phases
from rooms.commands import RoomCommand
from rooms.events import AnyEvent, Posted, Rules
from rooms.log import Draft, Head
from rooms.moderation import limits
from rooms.rules import FACILITATOR, Verdict, Who, decide
from rooms.session import Asked, Session
from rooms.session_apply import draft, settled
from rooms.session_clock import Facts, begin, due
from rooms.session_events import Admitted, CheckedIn, Departed, Held, PhaseChanged, PollOpened, Voted
from rooms.state import RoomState
from tests.rooms.sessions import PLAN, ROOM, of

TRIES: Final = 3
MINIMUM: Final = 2


class Log:
    """The truth: events of one room at their places, and the rules of its head."""

    def __init__(self) -> None:
        event, session = begin(ROOM, replace(PLAN, capacity=5, minimum=MINIMUM), "o", PLAN.lobby_at)
        self.events: list[AnyEvent] = [replace(event, seq=1)]
        self.rules = Rules(session=session)
        self.version = 1
        self.keys: set[tuple[str, str]] = set()
        self.votes: dict[int, int] = {}
        self.answered: Counter[Asked] = Counter()

    @property
    def head(self) -> Head:
        return Head("e1", len(self.events), 1, self.version, self.rules)

    @property
    def session(self) -> Session:
        return of(Session, settled(self.rules, self.version).session)

    def append(self, made: Draft) -> AnyEvent | None:
        """The event at its place; None: the rules have moved on, or it is there already."""
        if made.rules_version != self.version or (made.event.handle, made.key) in self.keys:
            return None
        event = replace(made.event, seq=len(self.events) + 1)
        before = self.session
        self.keys.add((event.handle, made.key))
        self.events.append(event)
        if made.rules is not None:
            self.rules, self.version = made.rules, event.seq
        self.look(event, before, self.session)
        return event

    # ---- what must hold for each event that is kept --------------------------------------------

    def look(self, event: AnyEvent, before: Session, after: Session) -> None:
        if isinstance(event, Posted):
            self.may_be_said(event, before)
        assert before.phase not in phases.FINAL or after == before, "what is over stays as it is"
        if before.phase != after.phase:
            by: phases.By = "facilitator" if event.handle else "clock"
            assert phases.allowed(before.phase, after.phase, by), (before.phase, after.phase, by)
        if isinstance(event, Admitted) and before.waiting and event.handle not in before.members:
            # Behind a locked door nobody in the line is served; only who was in the group already comes back.
            back = before.locked and event.handle in before.accepted
            assert back or event.handle == before.waiting[0].handle, "whoever has waited longest"
        if isinstance(event, PollOpened):
            self.votes[event.seq] = 0
        if isinstance(event, Voted):
            self.votes[event.poll] += 1
        if isinstance(event, CheckedIn):
            self.answered[event.asked] += 1
        if isinstance(event, PhaseChanged) and not event.handle and after.phase in phases.TALKING:
            assert event.item > before.item or before.phase == "lobby", "the clock never goes back"
        self.stands(after)

    def may_be_said(self, event: Posted, session: Session) -> None:
        assert session.phase not in phases.FINAL
        if event.role == FACILITATOR:
            return
        handle = event.handle
        assert session.phase != "paused"
        assert handle in session.members
        assert handle in session.accepted
        assert not limits(session, handle), "muted, held or removed"
        if session.floor.by_hand and session.phase != "lobby":
            assert floor.speaker(session.floor) == handle

    def stands(self, session: Session) -> None:
        members, waiting = session.members, [place.handle for place in session.waiting]
        assert len(members) <= session.plan.capacity
        assert len(set(members)) == len(members)
        assert len(set(waiting)) == len(waiting)
        assert not set(members) & set(waiting)
        assert not any("remove" in limits(session, handle) for handle in (*members, *waiting))
        on = session.floor
        assert on.turn is None or on.round is None, "one turn at most"
        assert on.round is None or on.round.todo, "a round in which nobody is left is over"
        for handle in (*on.hands, *filter(None, [floor.speaker(on)])):
            assert handle in members
            assert "mute" not in limits(session, handle)
        if session.breakouts is not None:
            groups = session.breakouts.groups
            assert all(len(group) != 1 for group in groups), "nobody is alone"
            assert sorted(handle for group in groups for handle in group) == sorted(members)
        if session.poll is not None:
            assert sum(session.poll.tally) == len(session.poll.voted) == self.votes[session.poll.id]
            assert len(set(session.poll.voted)) == len(session.poll.voted)
        times: tuple[Asked, ...] = ("before", "after")
        for asked in times:
            sums = check_in.of(session, asked)
            assert sum(sums.heavy) == sum(sums.alone) == len(set(sums.given)) == self.answered[asked]
        assert (session.phase == "paused") is (session.pause is not None)
        over = session.phase in phases.FINAL
        assert (session.erase_at is not None) is over
        assert not over or not (session.poll or session.breakouts or session.waiting or on.hands)


class Node:
    """What one process knows: the events it has seen so far, a clock, and who it thinks is here."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.state = RoomState(log.head)
        self.seen = len(log.events)
        self.now = PLAN.lobby_at
        self.present: set[str] = set()
        self.facilitators: set[str] = set()
        self.gone: dict[str, int] = {}
        self.facilitator_gone_at: int | None = None

    def reads(self, count: int) -> None:
        for event in self.log.events[self.seen : self.seen + count]:
            self.state.fold(event, 0.0)
            self.seen += 1

    def catches_up(self) -> None:
        self.reads(len(self.log.events))
        if self.state.doubtful:
            self.state.learn(self.log.rules, self.log.version)

    def places(self, decided: Callable[[], Verdict]) -> AnyEvent | None:
        """Decide, and put it into the log; where the rules have moved on, read on and decide again."""
        for _ in range(TRIES):
            made = decided()
            if isinstance(made, Draft) and made.event.room != ROOM:
                assert isinstance(made.event, Held)
                return None
            event = self.log.append(made) if isinstance(made, Draft) else None
            if event is not None:
                if isinstance(made, Draft) and made.rules is not None:
                    self.state.learn(made.rules, event.seq)
                return event
            self.catches_up()
        return None

    def asks(self, command: RoomCommand, who: Who) -> AnyEvent | None:
        return self.places(lambda: decide(command, who, self.state, 0.0, unix_now=self.now))

    def ticks(self) -> None:
        """All that is due by this node's clock. It ends, whatever this node believes."""
        facts = Facts(
            present=frozenset(self.present),
            facilitators=frozenset(self.facilitators),
            facilitator_gone_at=self.facilitator_gone_at,
            gone=dict(self.gone),
        )
        for _ in range(60):
            session = of(Session, self.state.rules.session)
            event = due(ROOM, session, self.now, facts)
            if event is None:
                return
            made = draft(self.state, event, f"clock:{self.state.version}")
            placed = self.log.append(made)
            if placed is None:
                self.catches_up()
            elif made.rules is not None:
                self.state.learn(made.rules, placed.seq)
                assert isinstance(placed, Departed | Admitted) or placed.handle == ""
        raise AssertionError("the clock runs in a circle")
