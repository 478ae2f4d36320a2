"""A session on three nodes: two facilitators who contradict each other over stale rules and drop at the worst
moment, members who come and go, clocks that jump both ways. Hypothesis decides what; `session_nodes.py` holds
every event that is kept against what must be true, and in the end all nodes agree.
"""

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rooms.admission import admission, departure
from rooms.commands import Post, React, RoomCommand
from rooms.log import Duplicate
from rooms.rules import Verdict, Who
from rooms.session import Asked, Session
from rooms.session_apply import draft
from rooms.session_commands import (
    Accept,
    AnswerCheckIn,
    ClosePoll,
    EndTurn,
    GiveFloor,
    OpenPoll,
    RaiseHand,
    Restrict,
    SplitGroup,
    StartRound,
    Vote,
)
from rooms.session_events import Admitted, Waited
from tests.rooms.sessions import GUIDE, NAMES, PEOPLE, ROOM, SECOND, START, of
from tests.stateful.session_asks import NODES, flags, guides, handles, led, nodes, people, restrictions
from tests.stateful.session_nodes import Log, Node

asked_when: st.SearchStrategy[Asked] = st.sampled_from(("before", "after"))


class Hour(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.nodes = [Node(self.log) for _ in range(NODES)]
        self.keys = 0

    def key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    @property
    def session(self) -> Session:
        return self.log.session

    @initialize(opens=st.sampled_from((True, True, True, False)))
    def people_come(self, opens: bool) -> None:
        for node in self.nodes:
            node.facilitators.add(GUIDE.handle)
        for name in NAMES[:5]:
            self.comes(0, name)
        for who in PEOPLE[:5]:
            self.nodes[0].asks(Accept(id=1, room=ROOM), who)
        if opens:
            for node in self.nodes:
                node.now = START
            self.nodes[1].catches_up()
            self.nodes[1].ticks()
            assert self.session.phase == "opening"

    # ---- members -------------------------------------------------------------------------------

    @rule(node=nodes, handle=handles)
    def comes(self, node: int, handle: str) -> None:
        here = self.nodes[node]
        for each in self.nodes:
            each.present.add(handle)
            each.gone.pop(handle, None)

        def at_the_door() -> Verdict:
            event = admission(ROOM, of(Session, here.state.rules.session), handle, here.now)
            if isinstance(event, Admitted | Waited):
                return draft(here.state, event, f"door:{here.state.version}")
            return event or Duplicate(here.state.version)

        here.places(at_the_door)

    @rule(node=nodes, handle=handles)
    def leaves(self, node: int, handle: str) -> None:
        here = self.nodes[node]

        def at_the_door() -> Verdict:
            event = departure(ROOM, of(Session, here.state.rules.session), handle)
            version = here.state.version
            return Duplicate(version) if event is None else draft(here.state, event, f"left:{version}")

        here.places(at_the_door)

    @rule(node=nodes, moves=st.lists(st.tuples(flags, handles), min_size=2, max_size=8))
    def come_and_go(self, node: int, moves: list[tuple[bool, str]]) -> None:
        for comes, handle in moves:
            (self.comes if comes else self.leaves)(node, handle)

    @rule(handle=handles)
    def drops(self, handle: str) -> None:
        for node in self.nodes:
            node.present.discard(handle)
            node.gone[handle] = node.now

    @rule(node=nodes, who=people, listen=flags)
    def accepts(self, node: int, who: Who, listen: bool) -> None:
        self.nodes[node].asks(Accept(id=1, room=ROOM, listen=listen), who)

    @rule(node=nodes)
    def everybody_speaks(self, node: int) -> None:
        for who in (*PEOPLE, GUIDE):
            self.nodes[node].asks(Post(id=1, room=ROOM, key=self.key(), text="hello"), who)

    @rule(node=nodes, who=people, seq=st.integers(1, 9))
    def reacts(self, node: int, who: Who, seq: int) -> None:
        self.nodes[node].asks(React(id=1, room=ROOM, seq=seq, kind="heard"), who)

    @rule(node=nodes, who=people, up=flags)
    def raises_a_hand(self, node: int, who: Who, up: bool) -> None:
        self.nodes[node].asks(RaiseHand(id=1, room=ROOM, up=up), who)

    @rule(node=nodes, who=people, passed=flags)
    def ends_their_turn(self, node: int, who: Who, passed: bool) -> None:
        self.nodes[node].asks(EndTurn(id=1, room=ROOM, passed=passed), who)

    @rule(node=nodes, ends=st.integers(0, 5))
    def a_round_and_everybody_goes(self, node: int, ends: int) -> None:
        self.nodes[node].asks(StartRound(id=1, room=ROOM, key=self.key(), prompt="One word"), GUIDE)
        for _ in range(ends):
            self.nodes[node].asks(EndTurn(id=1, room=ROOM), GUIDE)
        self.come_and_go(node, [(False, name) for name in NAMES[ends:]])

    @rule(node=nodes, choices=st.lists(st.integers(0, 2), min_size=1, max_size=len(PEOPLE)))
    def a_poll(self, node: int, choices: list[int]) -> None:
        """Opened where there is none, and voted in from all nodes."""
        question = OpenPoll(id=1, room=ROOM, key=self.key(), question="?", options=("a", "b", "c"))
        self.nodes[node].asks(question, GUIDE)
        poll = self.session.poll
        for who, choice in zip(PEOPLE, choices, strict=False):
            if poll is not None:
                self.nodes[choice].asks(Vote(id=1, room=ROOM, poll=poll.id, choice=choice), who)

    @rule(heavy=st.lists(st.integers(0, 10), min_size=1, max_size=len(PEOPLE)), asked=asked_when)
    def a_check_in(self, heavy: list[int], asked: Asked) -> None:
        """From all nodes; who was not asked, or has answered, changes nothing."""
        for who, answer in zip(PEOPLE, heavy, strict=False):
            said = AnswerCheckIn(id=1, room=ROOM, asked=asked, heavy=answer, alone=10 - answer)
            self.nodes[answer % NODES].asks(said, who)

    # ---- facilitators --------------------------------------------------------------------------

    @rule(node=nodes, who=guides, commands=st.lists(led, min_size=1, max_size=4))
    def leads(self, node: int, who: Who, commands: list[RoomCommand]) -> None:
        for command in commands:
            self.nodes[node].asks(command, who)

    @rule(node=nodes, who=guides, command=restrictions)
    def restricts(self, node: int, who: Who, command: Restrict) -> None:
        self.nodes[node].asks(command, who)

    @rule(node=nodes, who=guides, to=st.none() | handles)
    def gives_the_floor(self, node: int, who: Who, to: str | None) -> None:
        command = GiveFloor(id=1, room=ROOM, key=self.key(), to=to, seconds=30)
        self.nodes[node].asks(command, who)

    @rule(one=nodes, other=nodes, first=led, second=led)
    def contradict_each_other(self, one: int, other: int, first: RoomCommand, second: RoomCommand) -> None:
        """Both decide before either has heard of the other."""
        self.nodes[one].asks(first, GUIDE)
        self.nodes[other].asks(second, SECOND)
        self.nodes[one].asks(first, GUIDE)

    @rule(node=nodes, who=guides, size=st.integers(2, 3), minutes=st.none() | st.integers(1, 9))
    def splits(self, node: int, who: Who, size: int, minutes: int | None) -> None:
        command = SplitGroup(id=1, room=ROOM, key=self.key(), size=size, minutes=minutes)
        self.nodes[node].asks(command, who)
        self.come_and_go(node, [(False, NAMES[0]), (True, NAMES[5]), (True, NAMES[0])])

    @rule(node=nodes, who=guides)
    def closes_the_poll(self, node: int, who: Who) -> None:
        poll = self.session.poll
        if poll is not None:
            self.nodes[node].asks(ClosePoll(id=1, room=ROOM, poll=poll.id), who)

    @rule()
    def the_facilitators_drop(self) -> None:
        for node in self.nodes:
            node.facilitators.clear()
            node.facilitator_gone_at = node.now

    @rule(node=nodes)
    def a_facilitator_is_back(self, node: int) -> None:
        """One node sees it; the others still believe that nobody is here."""
        here = self.nodes[node]
        here.facilitators.add(SECOND.handle)
        here.facilitator_gone_at = None

    # ---- clocks and nodes ----------------------------------------------------------------------

    @rule(node=nodes, seconds=st.sampled_from((-4000, -90, 1, 30, 61, 121, 300, 900, 2000)))
    def a_clock_jumps(self, node: int, seconds: int) -> None:
        self.nodes[node].now += seconds

    @rule(node=nodes)
    def ticks(self, node: int) -> None:
        self.nodes[node].ticks()

    @rule(seconds=st.sampled_from((10, 61, 125)))
    def time_goes_by(self, seconds: int) -> None:
        for node in self.nodes:
            node.now += seconds
            node.ticks()

    @rule(node=nodes, count=st.integers(1, 3))
    def reads_a_little(self, node: int, count: int) -> None:
        self.nodes[node].reads(count)

    @rule(node=nodes)
    def dies_and_starts_again(self, node: int) -> None:
        """It knows the room's head, and nothing of who is here."""
        now = self.nodes[node].now
        self.nodes[node] = Node(self.log)
        self.nodes[node].now = now

    # ---- and always ----------------------------------------------------------------------------

    @invariant()
    def who_has_read_everything_agrees(self) -> None:
        for node in self.nodes:
            node.catches_up()
            assert node.state.rules.session == self.session
            assert (node.state.rules.slow_mode_s, node.state.version) == (0, self.log.version)
        self.everybody_speaks(0)


class Lagging(Hour):
    """The same, and nodes read only when they must: nearly everything is decided on stale rules."""

    @invariant()
    def who_has_read_everything_agrees(self) -> None:
        return

    def teardown(self) -> None:
        super().who_has_read_everything_agrees()


# Without "explain", which takes minutes here: what is found must be reported while the suite has patience.
STAGES = (hypothesis.Phase.reuse, hypothesis.Phase.generate, hypothesis.Phase.shrink)
CHECKS = list(HealthCheck)
HURRIED = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=CHECKS, phases=STAGES
)


def test_an_hour_on_three_nodes() -> None:
    run_state_machine_as_test(Hour, settings=HURRIED)


def test_an_hour_on_three_nodes_that_lag() -> None:
    run_state_machine_as_test(Lagging, settings=HURRIED)
