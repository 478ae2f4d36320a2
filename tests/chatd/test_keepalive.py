"""The shared sweep, on a clock that the test winds; and once through real sockets."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from chatd.handshake import DoorSettings
from chatd.keepalive import SLOTS, Keepalive
from chatd.wire import CloseCode
from tests.chatd.serving import RecordingGateway, Server, connected, masked


class Wound:
    """A clock and its timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, Callable[..., object], Callable[[], bool]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], /, *args: Any) -> "Handle":
        handle = Handle()
        self._timers.append((when, callback, lambda: handle.cancelled))
        return handle

    def advance(self, seconds: float) -> None:
        """Let time pass; every timer fires when it is due."""
        until = self.now + seconds
        while self._timers and min(timer[0] for timer in self._timers) <= until:
            timer = min(self._timers, key=lambda timer: timer[0])
            self._timers.remove(timer)
            self.now = max(self.now, timer[0])
            if not timer[2]():
                timer[1]()
        self.now = until


class Handle:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Peer:
    """A member that answers, or does not."""

    def __init__(self, clock: Wound, *, answers: bool = True) -> None:
        self.heard = False
        self.slot = -1
        self.answers = answers
        self.pinged: list[float] = []
        self.cut: list[float] = []
        self._clock = clock

    def ping(self) -> None:
        self.pinged.append(self._clock.now)
        self.heard = self.answers

    def silent(self) -> None:
        self.cut.append(self._clock.now)

    def abort(self) -> None:
        pass


@pytest.fixture(name="clock")
def _clock() -> Wound:
    return Wound()


def test_everybody_is_pinged_once_per_interval(clock: Wound) -> None:
    keepalive = Keepalive(20, 20)
    peers = [Peer(clock) for _ in range(1000)]
    for peer in peers:
        keepalive.add(peer)
    keepalive.start(clock)
    clock.advance(60)
    assert {len(peer.pinged) for peer in peers} == {3}
    assert all(
        later - earlier == pytest.approx(20) for p in peers for earlier, later in itertools.pairwise(p.pinged)
    )
    assert not any(peer.cut for peer in peers)


def test_the_pings_are_spread_evenly(clock: Wound) -> None:
    keepalive = Keepalive(20, 20)
    peers = [Peer(clock) for _ in range(10 * SLOTS)]  # all come in the same instant
    for peer in peers:
        keepalive.add(peer)
    keepalive.start(clock)
    clock.advance(20)
    at = [peer.pinged[0] for peer in peers]
    assert len(set(at)) == SLOTS
    assert max(at.count(moment) for moment in set(at)) == 10


@pytest.mark.parametrize("timeout_s", [1.0, 7.0, 20.0])
def test_a_silent_peer_is_told_on_after_the_timeout_and_not_before(clock: Wound, timeout_s: float) -> None:
    keepalive = Keepalive(20, timeout_s)
    peers = [Peer(clock, answers=False) for _ in range(100)]
    for peer in peers:
        keepalive.add(peer)
    keepalive.start(clock)
    clock.advance(20 + timeout_s + 1)
    for peer in peers:
        waited = peer.cut[0] - peer.pinged[0]
        assert timeout_s - 0.001 <= waited <= timeout_s + keepalive.tick_s + 0.001


def test_whatever_is_heard_counts_as_alive(clock: Wound) -> None:
    keepalive = Keepalive(20, 5)
    peer = Peer(clock, answers=False)
    keepalive.add(peer)
    keepalive.start(clock)
    for _ in range(100):
        clock.advance(1)
        peer.heard = True
    assert len(peer.pinged) == 5
    assert peer.cut == []


def test_who_was_answering_and_falls_silent_is_found(clock: Wound) -> None:
    keepalive = Keepalive(20, 20)
    peer = Peer(clock)
    keepalive.add(peer)
    keepalive.start(clock)
    clock.advance(50)
    peer.answers = False
    clock.advance(20 + 20 + 1)
    assert peer.cut


def test_a_newcomer_is_not_judged_before_its_first_ping(clock: Wound) -> None:
    keepalive = Keepalive(20, 3)
    keepalive.start(clock)
    clock.advance(13)
    peers = [Peer(clock) for _ in range(2 * SLOTS)]
    for peer in peers:
        keepalive.add(peer)
        assert peer.heard
    clock.advance(25)
    assert all(peer.pinged and not peer.cut for peer in peers)


def test_who_is_gone_is_neither_pinged_nor_counted(clock: Wound) -> None:
    keepalive = Keepalive(20, 20)
    stays, goes = Peer(clock), Peer(clock)
    keepalive.add(stays)
    keepalive.add(goes)
    keepalive.start(clock)
    keepalive.discard(goes)
    keepalive.discard(goes)
    clock.advance(40)
    assert (len(keepalive), keepalive.members()) == (1, [stays])
    assert goes.pinged == []


def test_a_member_may_leave_while_the_sweep_calls_it(clock: Wound) -> None:
    keepalive = Keepalive(20, 20)

    class Leaving(Peer):
        def silent(self) -> None:
            super().silent()
            keepalive.discard(self)

    peers = [Leaving(clock, answers=False) for _ in range(3 * SLOTS)]
    for peer in peers:
        keepalive.add(peer)
    keepalive.start(clock)
    clock.advance(45)
    assert len(keepalive) == 0
    assert all(len(peer.cut) == 1 for peer in peers)


def test_our_own_stall_is_held_against_nobody(clock: Wound) -> None:
    """The machine slept: the answers lie in the socket buffers, and nobody could have been read."""
    keepalive = Keepalive(20, 5)
    peers = [Peer(clock, answers=False) for _ in range(SLOTS)]
    for peer in peers:
        keepalive.add(peer)
    keepalive.start(clock)
    clock.advance(4)
    clock.now += 300  # nothing ran
    clock.advance(0.001)
    assert not any(peer.cut for peer in peers)
    pings = sum(len(peer.pinged) for peer in peers)
    clock.advance(3)
    assert sum(len(peer.pinged) for peer in peers) - pings <= 3 / keepalive.tick_s + 2  # no burst to make up
    assert not any(peer.cut for peer in peers)  # although the pings from before the stall are 5 s old
    clock.advance(40)
    assert all(peer.cut for peer in peers)


def test_it_stops_and_starts(clock: Wound) -> None:
    keepalive = Keepalive(20, 20)
    peer = Peer(clock)
    keepalive.add(peer)
    keepalive.stop()
    keepalive.start(clock)
    with pytest.raises(RuntimeError):
        keepalive.start(clock)
    keepalive.stop()
    clock.advance(100)
    assert peer.pinged == []
    keepalive.start(clock)
    clock.advance(20)
    assert len(peer.pinged) == 1


@pytest.mark.parametrize("timeout_s", [0, -1, 20.1])
def test_a_timeout_that_makes_no_sense_is_refused(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout_s"):
        Keepalive(20, timeout_s)
    with pytest.raises(ValueError, match="pong_timeout_s"):
        DoorSettings(ping_interval_s=20, pong_timeout_s=timeout_s)


def test_a_real_peer_that_answers_stays_and_one_that_does_not_is_cut() -> None:
    gateway = RecordingGateway()
    with (
        Server(gateway, DoorSettings(ping_interval_s=0.4, pong_timeout_s=0.4)) as server,
        connected(server, gateway) as (lively, stays),
        connected(server, gateway) as (mute, goes),
    ):
        for _ in range(5):
            assert lively.frame() == (0x89, b"")
            lively.send(masked(10))
        gateway.wait_for(lambda: goes.closes)
        assert stays.closes == 0
        first, payload = mute.frame()
        while first == 0x89:
            first, payload = mute.frame()
        assert (first, int.from_bytes(payload[:2], "big")) == (0x88, CloseCode.SILENT)
        assert server.node.sockets.metrics.closes["4002"].value == 1
