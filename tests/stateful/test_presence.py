"""Three nodes, a network that loses, repeats, delays and reorders, nodes that die without a word:
whatever happens, what the members are shown adds up, and once the network works all agree.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Literal, TypeAlias

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from presence.messages import AnyMessage, Ask
from presence.neighbours import ASK_AGAIN_S
from presence.pace import MAX_FRAMES_PER_MINUTE
from presence.replica import Replica, Send
from presence.roster import CROWD_ENDS, Member, Show, fold

Fate: TypeAlias = Literal["now", "late", "twice", "never"]
Arrival: TypeAlias = tuple[str, str, str]
"""Slot, room, handle."""

STEP_S = 0.1
CROWD = 8
SLOTS = ("a", "b", "c")
ROOMS = ("tea", "cafe")
HANDLES = tuple(
    f"{first}-{second}" for first in ("calm", "warm", "snug") for second in ("otter", "tern", "pika", "dune")
)

slots = st.sampled_from(SLOTS)
arrivals = st.tuples(slots, st.sampled_from(("tea", "tea", "tea", "cafe")), st.sampled_from(HANDLES))
fates = st.lists(st.sampled_from(("now", "now", "late", "twice", "never")), min_size=1, max_size=6)
picks = st.integers(min_value=0, max_value=2**16)


@dataclass(eq=False)
class Page:
    """One connection, and the names its page shows."""

    slot: str
    room: str
    handle: str
    names: dict[str, Member]
    away: bool | None = None
    """The last word said here about being called away; None where none was."""
    shown_at: deque[float] = field(default_factory=deque)


class Presence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.runs = count(1)
        self.replicas = {slot: self.fresh(slot) for slot in SLOTS}
        self.pages: list[Page] = []
        self.late: list[tuple[str, AnyMessage]] = []
        self.fates = cycle(["now"])
        self.cut: set[str] = set()
        self.asked_at: dict[tuple[str, str, str], float] = {}

    def fresh(self, slot: str) -> Replica:
        return Replica(f"{slot}{next(self.runs)}", crowd=CROWD)

    def on(self, slot: str, room: str) -> list[Page]:
        return [page for page in self.pages if (page.slot, page.room) == (slot, room)]

    # ---- the network ---------------------------------------------------------------------------

    def send(self, sender: str, message: AnyMessage) -> None:
        if isinstance(message, Ask) and message.of is not None:
            key = (message.node, message.of, message.room)
            assert self.now - self.asked_at.get(key, 0.0) >= ASK_AGAIN_S - 1e-6, "a storm of asks"
            self.asked_at[key] = self.now
        for slot in SLOTS:
            fate = next(self.fates)
            if fate == "never" or sender in self.cut:
                continue
            if fate in ("late", "twice"):
                self.late.append((slot, message))
            if fate in ("now", "twice"):
                self.deliver(slot, message)

    def deliver(self, slot: str, message: AnyMessage) -> None:
        if slot not in self.cut:
            self.replicas[slot].receive(message, self.now)

    def show(self, slot: str, show: Show) -> None:
        pages = self.on(slot, show.room)
        assert pages, "shown to nobody"
        for page in pages:
            assert {*show.left, *show.away, *show.back} <= page.names.keys(), "about somebody not shown"
            page.names = fold(page.names, show, CROWD)
            assert len(page.names) in (0, show.count)
            page.shown_at.append(self.now)
            while page.shown_at[0] < self.now - 60:
                page.shown_at.popleft()
            assert len(page.shown_at) <= MAX_FRAMES_PER_MINUTE

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            for slot in SLOTS:
                for effect in self.replicas[slot].tick(self.now):
                    if isinstance(effect, Send):
                        self.send(slot, effect.message)
                    else:
                        self.show(slot, effect)

    # ---- what people do ------------------------------------------------------------------------

    @initialize(arrivals=st.lists(arrivals, min_size=6, max_size=14), fates=fates)
    def open(self, arrivals: list[Arrival], fates: list[Fate]) -> None:
        """Nothing can go wrong with empty rooms: every history begins with people on several nodes."""
        self.come(arrivals)
        self.run(2)
        self.weather(fates)

    @rule(arrivals=st.lists(arrivals, min_size=1, max_size=4))
    def come(self, arrivals: list[Arrival]) -> None:
        for slot, room, handle in arrivals:
            self.enter(slot, room, handle)
            self.run(2 * STEP_S)

    def enter(self, slot: str, room: str, handle: str) -> None:
        replica = self.replicas[slot]
        replica.watch(room, self.now)
        role = "facilitator" if handle == HANDLES[0] else None
        replica.enter(room, handle, role, self.now)
        roster = replica.roster(room, handle)
        assert len(roster.members) in (0, roster.count)
        names = {member.handle: member for member in roster.members}
        assert handle in names or not names
        self.pages.append(Page(slot, room, handle, names))

    @precondition(lambda self: self.pages)
    @rule(picks=st.lists(picks, min_size=1, max_size=3), at_once=st.booleans(), unwatched=st.booleans())
    def leave(self, picks: list[int], at_once: bool, unwatched: bool) -> None:
        for pick in picks[: len(self.pages)]:
            page = self.pages.pop(pick % len(self.pages))
            replica = self.replicas[page.slot]
            replica.leave(page.room, page.handle, self.now, at_once=at_once)
            if unwatched and not self.on(page.slot, page.room):
                replica.unwatch(page.room)
            self.run(2 * STEP_S)

    @precondition(lambda self: self.pages)
    @rule(pick=picks, away=st.booleans())
    def set_away(self, pick: int, away: bool) -> None:
        page = self.pages[pick % len(self.pages)]
        self.replicas[page.slot].set_away(page.room, page.handle, away, self.now)
        for device in self.on(page.slot, page.room):
            if device.handle == page.handle:
                device.away = away
        self.run(2 * STEP_S)

    @rule(seconds=st.sampled_from((0.1, 0.2, 0.4, 1.0, 1.6, 3.0, 7.0, 12.0)))
    def wait(self, seconds: float) -> None:
        self.run(seconds)

    # ---- what goes wrong -----------------------------------------------------------------------

    @rule(fates=fates)
    def weather(self, fates: list[Fate]) -> None:
        self.fates = cycle(fates)

    @precondition(lambda self: self.late)
    @rule(picks=st.lists(picks, min_size=1, max_size=8))
    def arrive_late(self, picks: list[int]) -> None:
        for pick in picks:
            if self.late:
                self.deliver(*self.late.pop(pick % len(self.late)))

    @rule(slot=slots)
    def cut_off(self, slot: str) -> None:
        self.cut.add(slot)
        self.replicas[slot].bus_health(False, self.now)

    @precondition(lambda self: self.cut)
    @rule()
    def connect_again(self) -> None:
        for slot in sorted(self.cut):
            self.cut.discard(slot)
            self.replicas[slot].bus_health(True, self.now)

    @rule(slot=slots, word=st.booleans())
    def stop(self, slot: str, word: bool) -> None:
        """The process ends, with or without a word, and another one starts in its place."""
        for effect in self.replicas[slot].close() if word else ():
            assert isinstance(effect, Send)
            self.send(slot, effect.message)
        self.cut.discard(slot)
        self.pages = [page for page in self.pages if page.slot != slot]
        self.replicas[slot] = self.fresh(slot)

    # ---- what must hold ------------------------------------------------------------------------

    @invariant()
    def nobody_is_shown_twice_or_too_many(self) -> None:
        for slot in SLOTS:
            for room in ROOMS:
                roster = self.replicas[slot].roster(room)
                named = [member.handle for member in roster.members]
                assert len(set(named)) == len(named) <= CROWD

    def teardown(self) -> None:
        self.it_works_again_and_all_agree()

    @precondition(lambda self: self.pages)
    @rule()
    def it_works_again_and_all_agree(self) -> None:
        self.fates = cycle(["now"])
        self.late.clear()
        self.connect_again()
        self.run(15)
        for room in ROOMS:
            self.all_agree(room)

    def all_agree(self, room: str) -> None:
        truth = {page.handle for page in self.pages if page.room == room}
        seen: list[tuple[Member, ...]] = []
        for slot in SLOTS:
            replica = self.replicas[slot]
            pages = self.on(slot, room)
            if not pages:
                # counts of a room that is not watched are sums: right where nobody is in it twice
                held = Counter(
                    page.handle
                    for page in {(p.slot, p.handle): p for p in self.pages if p.room == room}.values()
                )
                assert len(truth) <= replica.counts().get(room, 0) <= held.total()
                continue
            roster = replica.roster(room)
            assert roster.count == replica.count(room) == replica.counts()[room] == len(truth)
            named = {member.handle: member for member in roster.members}
            assert all(page.names == named for page in pages)
            if named:
                assert named.keys() == truth
                seen.append(roster.members)
            else:
                assert len(truth) > CROWD * CROWD_ENDS
            for handle in truth:
                assert replica.holds(room, handle)
        assert all(each == seen[0] for each in seen)
        self.away_is_what_was_said(room, seen)

    def away_is_what_was_said(self, room: str, seen: list[tuple[Member, ...]]) -> None:
        if not seen:
            return
        for member in seen[0]:
            pages = [page for page in self.pages if (page.room, page.handle) == (room, member.handle)]
            said = {page.away for page in pages}
            if len({page.slot for page in pages}) == 1 and len(said - {None}) == 1:
                assert member.away in said


def test_presence() -> None:
    run_state_machine_as_test(
        Presence,
        settings=settings(
            max_examples=100,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
