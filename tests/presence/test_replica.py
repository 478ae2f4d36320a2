"""The replica as dialogues: who says what to whom, on a clock that the test moves."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec
import pytest

from presence.messages import AnyMessage, Ask, Beat, Diff, Gone, Held, Snapshot
from presence.pace import MAX_FRAMES_PER_MINUTE
from presence.replica import CROWD, MAX_SENDS_PER_TICK, Replica, Send
from presence.roster import Member, Roster, Show, band, fold

STEP_S = 0.05
DECODER: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)
Wire: TypeAlias = Callable[[str, AnyMessage], bool]


class Nodes:
    """Some replicas on one clock and one bus that is there at once. `carries(to, message)`
    decides what arrives; `shows` are what the members on each node are shown."""

    def __init__(self, *names: str, crowd: int = CROWD) -> None:
        self.now = 1000.0
        self.replicas = {name: Replica(name, crowd=crowd) for name in names}
        self.shows: dict[str, list[Show]] = {name: [] for name in names}
        self.sent: list[AnyMessage] = []
        self.carries: Wire = lambda to, message: True

    def __getitem__(self, name: str) -> Replica:
        return self.replicas[name]

    def enter(self, node: str, room: str, *handles: str, role: str | None = None) -> None:
        for handle in handles:
            self[node].watch(room, self.now)
            self[node].enter(room, handle, role, self.now)

    def leave(self, node: str, room: str, handle: str, *, at_once: bool = True) -> None:
        self[node].leave(room, handle, self.now, at_once=at_once)

    def step(self) -> None:
        for name, replica in list(self.replicas.items()):
            for effect in replica.tick(self.now):
                if isinstance(effect, Send):
                    self.send(effect.message)
                else:
                    self.shows[name].append(effect)

    def send(self, message: AnyMessage) -> None:
        self.sent.append(message)
        for name, replica in self.replicas.items():
            if self.carries(name, message):
                replica.receive(DECODER.decode(msgspec.msgpack.encode(message)), self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            self.step()

    def take(self, node: str) -> list[Show]:
        shows, self.shows[node] = self.shows[node], []
        return shows

    def names(self, node: str, room: str = "tea") -> list[str]:
        return [member.handle for member in self[node].roster(room).members]

    def kill(self, node: str) -> None:
        del self.replicas[node]


def shown(*joined: str, left: tuple[str, ...] = (), count: int) -> Show:
    return Show("tea", tuple(Member(handle) for handle in joined), left, (), (), count)


# ---- one node ----------------------------------------------------------------------------------


def test_who_comes_in_sees_who_is_there_and_the_others_see_them() -> None:
    nodes = Nodes("a")
    nodes.enter("a", "tea", "x-one")
    assert nodes["a"].roster("tea", "x-one") == Roster((Member("x-one"),), 1, 1)
    nodes.run(0.5)
    assert nodes.take("a") == []
    nodes.enter("a", "tea", "b-two", role="facilitator")
    assert [m.handle for m in nodes["a"].roster("tea", "b-two").members] == ["b-two", "x-one"]
    nodes.run(0.5)
    assert nodes.take("a") == [Show("tea", (Member("b-two", "facilitator"),), (), (), (), 2)]


def test_who_comes_in_is_not_told_of_a_leave_that_they_have_not_seen_the_person_of() -> None:
    nodes = Nodes("a")
    nodes.enter("a", "tea", "one", "two")
    nodes.run(1)
    nodes.take("a")
    nodes.leave("a", "tea", "two")
    nodes.enter("a", "tea", "three")
    roster = nodes["a"].roster("tea", "three")
    assert {member.handle for member in roster.members} == {"one", "two", "three"}
    nodes.run(0.5)
    assert nodes.take("a") == [shown("three", left=("two",), count=2)]


def test_a_reload_shows_neither_leave_nor_join() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two")
    nodes.enter("b", "tea", "three")
    nodes.run(3)
    nodes.take("a"), nodes.take("b")
    sent = len([m for m in nodes.sent if not isinstance(m, Beat)])
    nodes.leave("a", "tea", "two", at_once=False)
    nodes.run(1.4)
    assert nodes["a"].holds("tea", "two")
    assert nodes["b"].holds("tea", "two")
    assert not nodes["b"].holds("tea", "four")
    assert not nodes["b"].holds("cafe", "two")
    nodes.enter("a", "tea", "two")
    nodes.run(5)
    assert nodes.take("a") == nodes.take("b") == []
    assert len([m for m in nodes.sent if not isinstance(m, Beat)]) == sent


def test_a_dropped_connection_is_a_leave_within_two_seconds_everywhere() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two")
    nodes.enter("b", "tea", "three")
    nodes.run(3)
    nodes.take("a"), nodes.take("b")
    nodes.leave("a", "tea", "two", at_once=False)
    nodes.run(2)
    assert nodes.take("a") == nodes.take("b") == [shown(left=("two",), count=2)]


def test_the_same_seat_on_two_devices_is_one_person() -> None:
    nodes = Nodes("a")
    nodes.enter("a", "tea", "one", "two", "two")
    nodes.run(1)
    assert nodes["a"].count("tea") == 2
    nodes.take("a")
    nodes.leave("a", "tea", "two")
    nodes.run(3)
    assert nodes.take("a") == []
    nodes.leave("a", "tea", "two")
    nodes.run(0.5)
    assert nodes.take("a") == [shown(left=("two",), count=1)]


def test_a_change_and_its_reverse_cancel_out() -> None:
    nodes = Nodes("a")
    nodes.enter("a", "tea", "one")
    nodes.run(1)
    nodes.enter("a", "tea", "two")
    nodes["a"].set_away("tea", "one", True, nodes.now)
    nodes.leave("a", "tea", "two")
    nodes["a"].set_away("tea", "one", False, nodes.now)
    nodes.run(1)
    assert nodes.take("a") == []
    assert not nodes["a"]._views["tea"].pending
    assert not nodes["a"]._seats["tea"].pending()


def test_called_away_and_back() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one")
    nodes.enter("b", "tea", "two")
    nodes.run(2)
    nodes.take("b")
    nodes["a"].set_away("tea", "one", True, nodes.now)
    nodes.run(1)
    assert nodes.take("b") == [Show("tea", (), (), ("one",), (), 2)]
    assert Member("one", None, True) in nodes["b"].roster("tea").members
    nodes["a"].set_away("tea", "one", False, nodes.now)
    nodes.run(1)
    assert nodes.take("b") == [Show("tea", (), (), (), ("one",), 2)]


def test_away_on_one_node_and_back_on_another_is_back() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one")
    nodes.enter("b", "tea", "one", "two")
    nodes.run(2)
    for node, away in (("a", True), ("b", False), ("b", True), ("a", False), ("a", True)):
        nodes[node].set_away("tea", "one", away, nodes.now)
        nodes.run(1)
        for each in ("a", "b"):
            assert Member("one", None, away) in nodes[each].roster("tea").members, (node, away, each)


def test_who_moves_while_called_away_is_called_away_still() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one")
    nodes.enter("b", "tea", "two")
    nodes["a"].set_away("tea", "one", True, nodes.now)
    nodes.run(2)
    nodes.leave("a", "tea", "one", at_once=False)
    nodes.run(1)
    nodes.take("b")
    nodes.enter("b", "tea", "one")
    nodes.run(5)
    assert nodes.take("b") == []
    assert nodes["b"].roster("tea").members == (Member("one", None, True), Member("two"))


def test_leaving_what_one_is_not_in_says_nothing() -> None:
    nodes = Nodes("a")
    nodes.leave("a", "tea", "nobody")
    nodes["a"].set_away("tea", "nobody", True, nodes.now)
    nodes.enter("a", "tea", "one")
    nodes.leave("a", "tea", "two")
    nodes["a"].set_away("tea", "two", True, nodes.now)
    nodes["a"].unwatch("cafe")
    nodes.run(1)
    assert nodes.names("a") == ["one"]


def test_leaving_for_good_during_the_linger_is_at_once() -> None:
    nodes = Nodes("a")
    nodes.enter("a", "tea", "one", "two")
    nodes.run(1)
    nodes.take("a")
    nodes.leave("a", "tea", "two", at_once=False)
    nodes.leave("a", "tea", "two", at_once=True)
    nodes.run(0.4)
    assert nodes.take("a") == [shown(left=("two",), count=1)]
    nodes.run(3)
    assert nodes.take("a") == []


# ---- several nodes -----------------------------------------------------------------------------


def test_joins_and_leaves_are_seen_on_every_node_within_a_second() -> None:
    nodes = Nodes("a", "b", "c")
    for name in "abc":
        nodes.enter(name, "tea", f"on-{name}")
        nodes.run(1)
    for name in "abc":
        assert nodes.names(name) == ["on-a", "on-b", "on-c"]
    nodes.leave("b", "tea", "on-b")
    nodes.run(1)
    assert nodes.names("a") == nodes.names("c") == ["on-a", "on-c"]


def test_who_begins_to_watch_is_told_who_is_there() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two")
    nodes.run(5)
    nodes["b"].watch("tea", nodes.now)
    nodes.run(0.2)
    nodes.enter("b", "tea", "three")
    assert {member.handle for member in nodes["b"].roster("tea", "three").members} == {"one", "two", "three"}


def test_an_asked_snapshot_is_sent_once_for_many_who_ask() -> None:
    nodes = Nodes("a", "b", "c", "d")
    nodes.enter("a", "tea", "one")
    nodes.run(5)
    nodes.sent.clear()
    for name in "bcd":
        nodes[name].watch("tea", nodes.now)
    nodes.run(2)
    assert [type(message) for message in nodes.sent if not isinstance(message, Beat)].count(Snapshot) <= 2
    assert nodes.names("b") == nodes.names("c") == nodes.names("d") == ["one"]


def test_a_move_to_another_node_shows_nothing() -> None:
    nodes = Nodes("a", "b", "c")
    nodes.enter("a", "tea", "one")
    nodes.enter("b", "tea", "two")
    nodes.enter("c", "tea", "three")
    nodes.run(2)
    for name in "abc":
        nodes.take(name)
    nodes.leave("a", "tea", "one", at_once=False)
    nodes.run(1)
    nodes.enter("b", "tea", "one")
    nodes.run(15)
    assert nodes.take("b") == nodes.take("c") == []
    assert nodes["c"].count("tea") == 3


def test_a_lost_diff_is_made_good_within_two_seconds() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two", "three")
    nodes.enter("b", "tea", "four")
    nodes.run(3)
    nodes.carries = lambda to, message: not isinstance(message, Diff)
    nodes.leave("a", "tea", "two")
    nodes.run(0.1)
    nodes.carries = lambda to, message: True
    nodes.run(1.9)
    assert nodes.names("b") == ["four", "one", "three"]


def test_where_nothing_is_lost_nobody_asks_twice() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two", "three")
    nodes.enter("b", "tea", "four")
    nodes.run(3)
    nodes.sent.clear()
    for turn in range(20):
        nodes.enter("a", "tea", f"one-{turn}")
        nodes.run(0.3)
        nodes["a"].set_away("tea", "one", turn % 2 == 0, nodes.now)
        nodes.run(0.3)
    assert {type(message) for message in nodes.sent} == {Beat, Diff}


def test_a_gap_is_asked_for_no_more_than_once_a_second() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two", "three")
    nodes.enter("b", "tea", "four")
    nodes.run(3)
    nodes.sent.clear()
    lost = [True]
    nodes.carries = lambda to, message: not isinstance(message, Snapshot) and not lost[0]
    for turn in range(100):
        nodes.enter("a", "tea", f"one-{turn}")
        nodes.run(0.1)
        lost[0] = False
    assert 8 <= len([message for message in nodes.sent if isinstance(message, Ask)]) <= 11


def test_a_dead_node_is_gone_within_fifteen_seconds_in_one_show() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", *(f"a-{n}" for n in range(50)))
    nodes.enter("b", "tea", "one")
    nodes.run(3)
    nodes.take("b")
    nodes.kill("a")
    nodes.run(8)
    assert nodes.take("b") == []
    nodes.enter("b", "tea", "a-7")
    nodes.run(7)
    (show,) = nodes.take("b")
    assert set(show.left) == {f"a-{n}" for n in range(50)} - {"a-7"}
    assert (show.joined, show.count) == ((), 2)
    assert nodes["b"].counts() == {"tea": 2}


def test_an_orderly_stop_goes_quietly_and_sooner() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two")
    nodes.enter("b", "tea", "three")
    nodes.run(3)
    nodes.take("b")
    (goodbye,) = nodes["a"].close()
    assert goodbye == Send(Gone("a"))
    assert isinstance(goodbye, Send)
    assert nodes["a"].close() == []
    nodes.send(goodbye.message)
    nodes.leave("a", "tea", "one")
    nodes.leave("a", "tea", "two")
    nodes.run(2)
    nodes.enter("b", "tea", "one")
    nodes.run(2)
    assert nodes.take("b") == []
    nodes.run(2)
    assert nodes.take("b") == [shown(left=("two",), count=2)]
    nodes.send(Beat("a", {"tea": (2, 9)}, 1))
    nodes.run(2)
    assert nodes.names("b") == ["one", "three"]


def test_a_frozen_node_that_wakes_up_is_back() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one")
    nodes.enter("b", "tea", "two")
    nodes.run(2)
    frozen = nodes.replicas.pop("a")
    nodes.run(15)
    assert nodes.names("b") == ["two"]
    nodes.replicas["a"] = frozen
    nodes.run(3)
    assert nodes.names("b") == ["one", "two"] == nodes.names("a")


def test_a_late_word_of_a_dead_node_does_not_bring_it_back() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one")
    nodes.enter("b", "tea", "two")
    nodes.run(2)
    nodes.kill("a")
    nodes.run(15)
    nodes.send(Snapshot("a", "tea", 99, [Held("one")]))
    nodes.send(Diff("a", "tea", 100, [Held("one")]))
    nodes.run(1)
    assert nodes.names("b") == ["two"]


def test_while_the_bus_is_away_nobody_goes_and_after_it_all_is_right() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two")
    nodes.enter("b", "tea", "three")
    nodes.run(3)
    nodes.take("a"), nodes.take("b")
    nodes.carries = lambda to, message: False
    for name in "ab":
        nodes[name].bus_health(False, nodes.now)
    nodes.sent.clear()
    nodes.run(30)
    nodes.leave("a", "tea", "two")
    nodes.enter("b", "tea", "four")
    nodes.run(30)
    assert nodes.sent == []
    assert nodes.take("a") == [shown(left=("two",), count=2)]
    assert nodes.take("b") == [shown("four", count=4)]
    nodes.carries = lambda to, message: True
    for name in "ab":
        nodes[name].bus_health(True, nodes.now)
    nodes.run(3)
    assert nodes.names("a") == nodes.names("b") == ["four", "one", "three"]


def test_after_a_quiet_cut_one_beat_is_enough_and_nobody_asks() -> None:
    nodes = Nodes("a", "b")
    for room in range(20):
        nodes.enter("a", f"r-{room}", "one")
        nodes.enter("b", f"r-{room}", "two")
    nodes.run(3)
    for name in "ab":
        nodes[name].bus_health(False, nodes.now)
    nodes.run(3)
    nodes.sent.clear()
    for name in "ab":
        nodes[name].bus_health(True, nodes.now)
    nodes.run(5)
    assert {type(message) for message in nodes.sent} == {Beat}


def test_a_loss_that_was_not_seen_is_made_good_after_the_second_true() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two", "three")
    nodes.enter("b", "tea", "four")
    nodes.run(3)
    nodes.carries = lambda to, message: False
    nodes.leave("a", "tea", "two")
    nodes.run(1)
    nodes.carries = lambda to, message: True
    nodes["b"].bus_health(True, nodes.now)
    nodes.run(2)
    assert nodes.names("b") == ["four", "one", "three"]


def test_after_the_bus_was_away_what_no_beat_confirms_is_asked_for() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two", "three")
    nodes.enter("b", "tea", "four")
    nodes.run(3)
    nodes.carries = lambda to, message: False
    nodes.leave("a", "tea", "two")
    nodes.run(1)
    nodes.carries = lambda to, message: not isinstance(message, Beat)
    nodes["b"].bus_health(True, nodes.now)
    nodes.run(2.2)
    assert nodes.names("b") == ["four", "one", "three"]


def test_a_room_that_the_last_one_left_unheard_is_empty_within_fifteen_seconds() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one")
    nodes.enter("a", "cafe", "one")
    nodes.enter("b", "tea", "two")
    nodes.run(3)
    nodes.carries = lambda to, message: False
    nodes.leave("a", "tea", "one")
    nodes["a"].unwatch("tea")
    nodes.run(5)
    nodes.carries = lambda to, message: True
    nodes.run(14)
    assert nodes.names("b") == ["two"]
    assert nodes["b"].counts() == {"cafe": 1, "tea": 1}


def test_a_room_that_is_empty_and_filled_again_is_right() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("b", "tea", "b")
    for turn in range(5):
        nodes.enter("a", "tea", f"one-{turn}")
        nodes.run(2)
        assert nodes.names("b") == ["b", f"one-{turn}"]
        nodes.leave("a", "tea", f"one-{turn}")
        nodes["a"].unwatch("tea")
        nodes.run(5 + turn)
        assert nodes.names("b") == ["b"]


def test_an_unwatched_room_keeps_its_count_only() -> None:
    nodes = Nodes("a", "b")
    nodes.enter("a", "tea", "one", "two")
    nodes.enter("b", "tea", "two")
    nodes.run(3)
    assert nodes["b"].counts() == {"tea": 2}
    nodes.leave("b", "tea", "two")
    nodes["b"].unwatch("tea")
    nodes.run(5)
    assert nodes["b"].roster("tea") == Roster((), 2, 0)
    assert nodes["b"].counts() == {"tea": 2}
    nodes.leave("a", "tea", "one")
    nodes.run(2)
    assert nodes["b"].counts() == {"tea": 1}


def test_counts_of_many_more_rooms_than_a_beat_names() -> None:
    nodes = Nodes("a", "b")
    for room in range(1200):
        nodes.enter("a", f"r-{room}", "one")
    nodes.run(3)
    assert len(nodes["b"].counts()) == 1200
    nodes.run(30)
    assert len(nodes["b"].counts()) == 1200
    for room in range(1199):
        nodes.leave("a", f"r-{room}", "one")
        nodes["a"].unwatch(f"r-{room}")
    nodes.run(20)
    assert nodes["b"].counts() == nodes["a"].counts() == {"r-1199": 1}


def test_the_same_handle_on_many_nodes_is_counted_once_and_goes_with_the_last() -> None:
    nodes = Nodes("a", "b", "c")
    for name in "abc":
        nodes.enter(name, "tea", "one", f"on-{name}")
    nodes.run(3)
    assert nodes["a"].counts() == {"tea": 4}
    nodes.leave("a", "tea", "one")
    nodes.leave("b", "tea", "one")
    nodes.run(2)
    assert nodes["a"].count("tea") == 4
    nodes.leave("c", "tea", "one")
    nodes.run(2)
    assert nodes["a"].count("tea") == 3


# ---- many people, many rooms -------------------------------------------------------------------


@pytest.mark.parametrize("crowd", [CROWD, 100_000])
def test_a_thousand_joins_in_a_minute_cost_each_member_a_bounded_number_of_frames(crowd: int) -> None:
    nodes = Nodes("a", "b", crowd=crowd)
    nodes.enter("b", "tea", "first")
    for n in range(1000):
        nodes.enter("a", "tea", f"one-{n}")
        if n % 5 == 0:
            nodes.run(0.3)
    nodes.run(3)
    shows = nodes.take("b")
    assert len(shows) <= MAX_FRAMES_PER_MINUTE
    assert shows[-1].count == 1001 == nodes["b"].count("tea")
    names: dict[str, Member] = {}
    for show in shows:
        assert show.joined == () if show.count > crowd else len(show.joined) <= 100
        names = fold(names, show, crowd)
    assert len(names) == (0 if crowd == CROWD else 1000)


def test_however_restless_a_room_is_it_shows_eighty_times_a_minute_at_most() -> None:
    nodes = Nodes("a")
    nodes.enter("a", "tea", "one")
    at: list[float] = []
    for _ in range(1500):
        nodes.enter("a", "tea", "two")
        nodes.run(0.05)
        nodes.leave("a", "tea", "two")
        nodes.run(0.05)
        at += [nodes.now] * len(nodes.take("a"))
        nodes["a"].set_away("tea", "one", len(at) % 2 == 0, nodes.now)
    assert len(at) > 100
    for begin in at:
        assert len([each for each in at if begin <= each <= begin + 60]) <= MAX_FRAMES_PER_MINUTE


def test_a_crowd_is_counted_and_named_again_when_it_has_gone() -> None:
    nodes = Nodes("a", "b", crowd=8)
    nodes.enter("b", "tea", "first")
    names = {member.handle: member for member in nodes["b"].roster("tea").members}

    def follow() -> list[Show]:
        nonlocal names
        shows = nodes.take("b")
        for show in shows:
            names = fold(names, show, 8)
        return shows

    nodes.enter("a", "tea", *(f"one-{n}" for n in range(7)))
    nodes.run(2)
    follow()
    assert len(names) == 8
    nodes.enter("a", "tea", "more")
    nodes.run(2)
    assert follow() == [Show("tea", (), (), (), (), 9)]
    assert names == {}
    assert nodes["b"].roster("tea") == Roster((), 9, nodes["b"].roster("tea").version)
    nodes["a"].set_away("tea", "more", True, nodes.now)
    nodes.run(2)
    assert follow() == []
    for n in range(3):
        nodes.leave("a", "tea", f"one-{n}")
        nodes.run(2)
        follow()
    assert len(names) == 6 == nodes["b"].count("tea")
    assert names["more"].away
    assert tuple(sorted(names)) == tuple(nodes.names("b"))


def test_quiet_rooms_are_not_looked_at() -> None:
    nodes = Nodes("a")
    for room in range(5000):
        nodes.enter("a", f"r-{room}", "one")
    nodes.run(5000 * 3 / MAX_SENDS_PER_TICK * STEP_S + 25)
    nodes.sent.clear()
    nodes.run(10)
    assert {type(message) for message in nodes.sent} == {Beat}
    assert len(nodes.sent) in (9, 10, 11)
    due = nodes["a"].next_tick_in(nodes.now)
    assert due is not None
    assert 0 < due <= 1


def test_sends_are_paced_and_none_is_lost() -> None:
    nodes = Nodes("a")
    for room in range(1000):
        nodes.enter("a", f"r-{room}", "one")
    nodes.step()
    assert len(nodes.sent) <= MAX_SENDS_PER_TICK + 1
    nodes.run(1)
    assert {m.room for m in nodes.sent if isinstance(m, Snapshot)} == {f"r-{room}" for room in range(1000)}


def test_rooms_that_are_left_leave_nothing_behind() -> None:
    nodes = Nodes("a")
    for room in range(300):
        nodes.enter("a", f"r-{room}", "one")
        nodes.leave("a", f"r-{room}", "one", at_once=room % 2 == 0)
        nodes["a"].unwatch(f"r-{room}")
    nodes.run(20)
    replica = nodes["a"]
    kept = (replica._seats, replica._views, replica._turns, replica._news, replica._watched)
    assert not any(kept)


def test_a_closed_replica_has_nothing_to_do() -> None:
    nodes = Nodes("a")
    nodes.enter("a", "tea", "one")
    nodes["a"].close()
    nodes.sent.clear()
    nodes.run(2)
    assert nodes.sent == []
    assert nodes["a"].next_tick_in(nodes.now) is None


def test_a_new_replica_wants_a_tick_at_once() -> None:
    assert Replica("a").next_tick_in(5.0) == 0.0


# ---- small things ------------------------------------------------------------------------------


def test_bands() -> None:
    assert [band(n) for n in (0, 1, 4, 5, 5000)] == ["nobody yet", "a few", "a few", "5 or more", "5 or more"]


def test_fold_leaves_what_it_was_given_as_it_was() -> None:
    before = {"one": Member("one"), "two": Member("two")}
    after = fold(before, Show("tea", (Member("three"),), ("one",), ("two", "nobody"), (), 2))
    assert after == {"two": Member("two", None, True), "three": Member("three")}
    assert before == {"one": Member("one"), "two": Member("two")}
