"""The Redis bus against a real server that is killed, frozen, cut off, restarted or not there at all.

Times are measured where the promise names one. `SLACK_S` is for a machine that is busy with other
things; it is not part of the promise.
"""

import asyncio
import gc
import re
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest
from structlog.testing import capture_logs

from chatd.bus_redis import SILENCE_S, TICK_S, AttentiveClock, RedisBus
from tests.fixtures.buses import Listener, Relay, Valkey

SLACK_S = 0.5

OpenBus: TypeAlias = Callable[..., Awaitable[Listener]]


def bus_of(node: Listener) -> RedisBus:
    assert isinstance(node.bus, RedisBus)
    return node.bus


@pytest.fixture
async def open_bus(valkeys: Callable[..., Valkey], relay: Relay) -> AsyncIterator[OpenBus]:
    """`open_bus(url)` starts a bus and waits until it is up; `wait=False` does not wait.

    Afterwards every bus is stopped in the state in which the test left it (for which the servers
    and the relay have to outlive it): within two seconds, with no task and no socket left.
    """
    before = open_sockets()
    nodes: list[Listener] = []
    crashes: list[BaseException] = []

    async def start(url: str, *, wait: bool = True) -> Listener:
        node = Listener(RedisBus(url, on_crash=crashes.append))
        nodes.append(node)
        await node.bus.start()
        if wait:
            await node.up()
        return node

    yield start
    for node in nodes:
        began = time.monotonic()
        await node.bus.stop()
        assert time.monotonic() - began < 2
    assert crashes == []
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("bus.")]
    await relay.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    for _ in range(3):
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn
    assert open_sockets() - before == set()
    gc.collect()


def open_sockets() -> set[object]:
    """Connections of this process that are still open, as (family, local address, remote address)."""
    return {
        (connection.family, connection.laddr, connection.raddr)
        for connection in psutil.Process().net_connections("all")
        if connection.raddr and connection.status != psutil.CONN_CLOSE_WAIT
    }


# ---- silence -----------------------------------------------------------------------------------


async def test_a_frozen_server_is_noticed_and_recovered_from(
    open_bus: OpenBus, breakable_valkey: Valkey
) -> None:
    node = await open_bus(breakable_valkey.url)
    await node.bus.subscribe("room")
    breakable_valkey.freeze()
    frozen_at = time.monotonic()
    await node.down()
    assert time.monotonic() - frozen_at < 0.6 + SLACK_S
    assert bus_of(node).trouble == "Silent"
    breakable_valkey.thaw()
    await node.up()
    node.bus.publish("room", b"back")
    await node.hears_this("room", b"back")
    assert node.health == [True, False, True]


async def test_publish_never_waits_for_a_frozen_server(open_bus: OpenBus, breakable_valkey: Valkey) -> None:
    node = await open_bus(breakable_valkey.url)
    breakable_valkey.freeze()
    took = []
    for number in range(400):
        began = time.perf_counter()
        node.bus.publish("room", b"x" * 10_000)
        took.append(time.perf_counter() - began)
        if number % 40 == 0:
            await asyncio.sleep(0)
    assert sorted(took)[-2] < 0.005  # one call may have lost the processor to another process
    await node.down()


async def test_what_waits_too_long_is_dropped_and_counted(
    open_bus: OpenBus, breakable_valkey: Valkey
) -> None:
    node = await open_bus(breakable_valkey.url)
    await node.bus.subscribe("room")
    breakable_valkey.kill()
    await node.down()
    node.bus.publish("room", b"goes with the connection")
    await node.until(lambda: bus_of(node).dropped == 1)
    began = time.monotonic()
    for number in range(10):
        node.bus.publish("room", b"%d" % number)
    await node.until(lambda: bus_of(node).dropped == 11)
    assert 1.9 < time.monotonic() - began < 3.1 + SLACK_S  # two seconds, seen at the next attempt
    await asyncio.to_thread(breakable_valkey.start)
    await node.up()
    node.bus.publish("room", b"new")
    await node.hears_this("room", b"new")
    assert node.heard == [("room", b"new")]


async def test_subscribing_on_a_frozen_server_waits_no_longer_than_the_silence(
    open_bus: OpenBus, breakable_valkey: Valkey
) -> None:
    node = await open_bus(breakable_valkey.url)
    breakable_valkey.freeze()
    async with asyncio.timeout(0.6 + SLACK_S):
        await node.bus.subscribe("room")
    assert not node.bus.healthy
    breakable_valkey.thaw()
    await node.up()
    node.bus.publish("room", b"it stands")
    await node.hears_this("room", b"it stands")


@pytest.mark.parametrize("name", ["chatd-bus-sub", "chatd-bus-pub"])
async def test_one_half_open_connection_is_silence_too(
    open_bus: OpenBus, valkey: Valkey, relay: Relay, name: str
) -> None:
    """The server is well and the other connection works; on this one nothing arrives any more."""
    url = await relay.start(valkey.port)
    node = await open_bus(url)
    await node.bus.subscribe("room")
    relay.hold(name)
    held_at = time.monotonic()
    await node.down()
    assert time.monotonic() - held_at < 0.6 + SLACK_S
    await node.stays_quiet(for_s=1.2)  # it connects again and again, and is not taken in by that
    relay.release(name)
    await node.up()
    node.bus.publish("room", b"back")
    await node.hears_this("room", b"back")


async def test_a_subscription_stands_with_its_last_answer(
    open_bus: OpenBus, valkey: Valkey, relay: Relay
) -> None:
    """Left and wanted again while the first answer is under way: that one does not count."""
    node = await open_bus(await relay.start(valkey.port))
    relay.hold("chatd-bus-sub", "to client")
    first = asyncio.create_task(node.bus.subscribe("room"))
    await node.until(lambda: "chatd:bus:room" in valkey.command("PUBSUB", "CHANNELS", "chatd:bus:*"))
    relay.hold("chatd-bus-sub", "to server")
    node.bus.unsubscribe("room")
    second = asyncio.create_task(node.bus.subscribe("room"))
    lag_s = bus_of(node).lag_s
    relay.release("chatd-bus-sub", "to client")
    await node.until(lambda: bus_of(node).lag_s != lag_s)  # a pulse behind the first answer
    assert not first.done()
    assert not second.done()
    relay.release("chatd-bus-sub", "to server")
    await asyncio.gather(first, second)
    assert node.health == [True]
    node.bus.publish("room", b"heard")
    await node.hears_this("room", b"heard")


async def test_health_waits_for_what_was_wanted_meanwhile(
    open_bus: OpenBus, breakable_valkey: Valkey, relay: Relay
) -> None:
    """`subscribe` returned at once, because the bus was unhealthy; so it owes the channel before `True`."""
    url = await relay.start(breakable_valkey.port)
    relay.hold("chatd-bus-pub", "to server")
    node = await open_bus(url, wait=False)
    breakable_valkey.command("CLIENT", "KILL", "TYPE", "pubsub")
    await node.until(lambda: "chatd:pulse:" not in breakable_valkey.command("PUBSUB", "CHANNELS"))
    await node.until(lambda: "chatd:pulse:" in breakable_valkey.command("PUBSUB", "CHANNELS"))
    relay.hold("chatd-bus-sub", "to server")
    await node.bus.subscribe("room")
    relay.release("chatd-bus-pub", "to server")
    await node.until(lambda: bus_of(node).lag_s > 0)
    assert node.health == []
    relay.release("chatd-bus-sub", "to server")
    await node.up()
    assert "chatd:bus:room" in breakable_valkey.command("PUBSUB", "CHANNELS")


# ---- a loop that was busy is not a dead server --------------------------------------------------


async def test_a_busy_event_loop_is_not_a_silent_server(open_bus: OpenBus, valkey: Valkey) -> None:
    node = await open_bus(valkey.url)
    await node.bus.subscribe("room")
    for turn in range(3):
        keep_busy(1.0)
        node.bus.publish("room", b"%d" % turn)
        await node.hears_this("room", b"%d" % turn)
    await node.stays_quiet(for_s=0.3)
    assert node.health == [True]
    assert bus_of(node).dropped == 0


async def test_a_loop_that_is_always_late_does_not_flip(open_bus: OpenBus, valkey: Valkey) -> None:
    """Every turn takes 0.2 s: a pulse is on its way longer than the silence allowed."""
    node = await open_bus(valkey.url)
    for _ in range(15):
        keep_busy(0.2)
        await asyncio.sleep(0)
    assert node.health == [True]


async def test_a_server_that_dies_while_the_loop_is_busy_is_noticed(
    open_bus: OpenBus, breakable_valkey: Valkey
) -> None:
    node = await open_bus(breakable_valkey.url)
    breakable_valkey.freeze()
    keep_busy(1.0)
    attentive_again = time.monotonic()
    await node.down()
    assert time.monotonic() - attentive_again < 0.6 + SLACK_S


def keep_busy(seconds: float) -> None:
    """Hold the event loop, as a long computation does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_the_attentive_clock_counts_what_was_listened_to() -> None:
    clock = AttentiveClock()
    for _ in range(10):
        clock.ticked(TICK_S)
    assert clock.now_s == pytest.approx(0.5)
    clock.ticked(1.0)
    assert clock.now_s == pytest.approx(0.5, abs=0.003)
    clock.ticked(TICK_S / 2)
    assert clock.now_s == pytest.approx(0.55, abs=0.003)
    assert SILENCE_S + 2 * TICK_S <= 0.6


# ---- loss and return ---------------------------------------------------------------------------


async def test_kill_9_and_restart(open_bus: OpenBus, breakable_valkey: Valkey) -> None:
    here, there = await open_bus(breakable_valkey.url), await open_bus(breakable_valkey.url)
    for node in (here, there):
        for number in range(50):
            await node.bus.subscribe(f"room-{number}")
    breakable_valkey.kill()
    killed_at = time.monotonic()
    await here.down()
    await there.down()
    assert time.monotonic() - killed_at < SLACK_S
    await there.bus.subscribe("wanted while it was away")
    there.bus.unsubscribe("room-7")
    await asyncio.to_thread(breakable_valkey.start)
    started_at = time.monotonic()
    await here.up()
    await there.up()
    assert time.monotonic() - started_at < 1.0 + SLACK_S
    for channel in ("room-7", "room-0", "room-49", "wanted while it was away"):
        here.bus.publish(channel, b"back")
    await there.hears_this("wanted while it was away", b"back")
    assert [channel for channel, _ in there.heard] == ["room-0", "room-49", "wanted while it was away"]
    assert here.health == there.health == [True, False, True]


async def test_everything_stands_when_health_is_told(open_bus: OpenBus, breakable_valkey: Valkey) -> None:
    """Who hears `on_health(True)` reads the log and relies on the bus for what comes after."""
    node = await open_bus(breakable_valkey.url)
    for number in range(200):
        await node.bus.subscribe(f"room-{number}")
    standing: list[str] = []
    told = node.bus.on_health

    def look(healthy: bool) -> None:
        if healthy:
            standing.append(breakable_valkey.command("PUBSUB", "CHANNELS", "chatd:bus:*"))
        told(healthy)

    node.bus.on_health = look
    await asyncio.to_thread(breakable_valkey.restart)
    await node.until(lambda: node.health == [True, False, True])
    assert standing[0].startswith("*200\r\n")


async def test_killed_subscription_connections_come_back(open_bus: OpenBus, breakable_valkey: Valkey) -> None:
    node = await open_bus(breakable_valkey.url)
    await node.bus.subscribe("room")
    for turn in range(3):
        breakable_valkey.command("CLIENT", "KILL", "TYPE", "pubsub")
        expected = [True] + [False, True] * (turn + 1)
        await node.until(partial(lambda expected: node.health == expected, expected))
        node.bus.publish("room", b"%d" % turn)
        await node.hears_this("room", b"%d" % turn)


async def test_a_killed_publishing_connection_comes_back_unnoticed(
    open_bus: OpenBus, breakable_valkey: Valkey
) -> None:
    """One batch may be lost with it, and is counted; the subscription never ended."""
    node = await open_bus(breakable_valkey.url)
    await node.bus.subscribe("room")
    breakable_valkey.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    for number in range(50):
        node.bus.publish("room", b"%d" % number)
        await asyncio.sleep(0)
    node.bus.publish("room", b"end")
    await node.until(lambda: ("room", b"end") in node.heard or bus_of(node).dropped > 0)
    node.bus.publish("room", b"after")
    await node.hears_this("room", b"after")
    assert len(node.heard) + bus_of(node).dropped >= 52
    assert node.health == [True]


async def test_a_server_that_starts_after_the_bus(open_bus: OpenBus, valkeys: Callable[..., Valkey]) -> None:
    server = valkeys()
    began = time.monotonic()
    node = await open_bus(server.url, wait=False)
    assert time.monotonic() - began < 1.0 + SLACK_S
    assert not node.bus.healthy
    await node.bus.subscribe("room")
    node.bus.publish("room", b"to nobody")
    await asyncio.to_thread(server.start)
    await node.up()
    node.bus.publish("room", b"first")
    await node.hears_this("room", b"first")
    assert node.health == [True]


async def test_a_server_that_loads_or_refuses_is_tried_again(
    open_bus: OpenBus, breakable_valkey: Valkey
) -> None:
    """Refused at the door, as with a wrong password: unhealthy, and well when it is let in."""
    breakable_valkey.command("CONFIG", "SET", "requirepass", "secret")
    node = await open_bus(breakable_valkey.url, wait=False)
    assert not node.bus.healthy
    assert bus_of(node).trouble == "AuthenticationError"
    await node.stays_quiet(for_s=0.3)
    breakable_valkey.command("CONFIG", "SET", "requirepass", "", password="secret")
    await node.up()


# ---- stop, in every state ----------------------------------------------------------------------


@pytest.mark.parametrize("state", ["frozen just now", "frozen", "killed", "never there", "frozen before"])
async def test_stop_is_quick_whatever_the_server_does(
    open_bus: OpenBus, valkeys: Callable[..., Valkey], state: str
) -> None:
    """The fixture stops the bus and measures."""
    server = valkeys()
    if state == "never there":
        await open_bus(server.url, wait=False)
        return
    server.start()
    if state == "frozen before":
        server.freeze()
        await open_bus(server.url, wait=False)
        return
    node = await open_bus(server.url)
    await node.bus.subscribe("room")
    if state == "killed":
        server.kill()
        await node.down()
    else:
        server.freeze()
        if state == "frozen":
            await node.down()
        for _ in range(200):
            node.bus.publish("room", b"x" * 50_000)  # more than the socket's buffers hold
        await asyncio.sleep(0)


async def test_a_crash_in_the_listener_is_loud(valkey: Valkey) -> None:
    """`on_message` must not raise. If it does, the owner hears of it and the bus ends."""
    crashes: list[BaseException] = []
    told = asyncio.Event()

    def on_crash(error: BaseException) -> None:
        crashes.append(error)
        told.set()

    bus = RedisBus(valkey.url, on_crash=on_crash)
    node = Listener(bus)

    def raises(channel: str, payload: bytes) -> None:
        raise LookupError

    bus.on_message = raises
    await bus.start()
    await node.up()
    await bus.subscribe("crash")
    bus.publish("crash", b"")
    async with asyncio.timeout(5):
        await told.wait()
    assert [type(error) for error in crashes] == [LookupError]
    assert not bus.healthy
    assert node.health == [True, False]
    await bus.stop()


# ---- ways to the server ------------------------------------------------------------------------


async def test_a_password(open_bus: OpenBus, valkeys: Callable[..., Valkey]) -> None:
    server = valkeys("--requirepass", "secret")
    server.start()
    node = await open_bus(f"redis://:secret@127.0.0.1:{server.port}")
    await node.bus.subscribe("room")
    node.bus.publish("room", b"in")
    await node.hears(1)


async def test_a_wrong_password_stays_out_of_the_log(
    open_bus: OpenBus, valkeys: Callable[..., Valkey]
) -> None:
    server = valkeys("--requirepass", "secret")
    server.start()
    with capture_logs() as lines:
        node = await open_bus(f"redis://somebody:wrong@127.0.0.1:{server.port}", wait=False)
    assert not node.bus.healthy
    assert lines
    assert not re.search("somebody|wrong|127.0.0.1", repr(lines) + bus_of(node).trouble)


async def test_a_channel_that_the_login_may_not_use_is_trouble(
    open_bus: OpenBus, valkeys: Callable[..., Valkey]
) -> None:
    server = valkeys()
    server.start()
    server.command("ACL", "SETUSER", "default", "resetchannels", "&chatd:pulse:*")
    node = await open_bus(server.url)
    await node.bus.subscribe("room")
    await node.down()
    assert bus_of(node).trouble == "NoPermissionError"
    node.bus.unsubscribe("room")
    await node.up()
    node.bus.publish("room", b"refused")
    await node.until(lambda: bus_of(node).dropped == 1)


async def test_a_unix_socket(open_bus: OpenBus, valkeys: Callable[..., Valkey], tmp_path: Path) -> None:
    path = tmp_path / "valkey.sock"
    valkeys("--unixsocket", str(path)).start()
    node = await open_bus(f"unix://{path}")
    await node.bus.subscribe("room")
    node.bus.publish("room", b"near")
    await node.hears(1)


async def test_tls(open_bus: OpenBus, valkey: Valkey, relay: Relay) -> None:
    url = await relay.start(valkey.port, tls=True)
    node = await open_bus(f"{url}?ssl_ca_certs={relay.certificate}")
    await node.bus.subscribe("room")
    node.bus.publish("room", b"sealed")
    await node.hears(1)
    relay.hold("chatd-bus-pub")
    relay.hold("chatd-bus-sub")
    await node.down()


async def test_tls_checks_whom_it_talks_to(open_bus: OpenBus, valkey: Valkey, relay: Relay) -> None:
    """A handshake may first run out of time on a busy machine; refused it is in the end."""
    node = await open_bus(await relay.start(valkey.port, tls=True), wait=False)
    await node.until(lambda: bus_of(node).trouble == "ConnectionError")
    assert node.health == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "http://user:hunter2@host",
        "redis://",
        "redis://user:hunter2@",
        "redis://user:hun/ter2@host",
        "redis://user:hunter2@host:port",
        "redis://user:hunter2@host:99999999",
        "redis://user:hunter2@[host",
        "redis://user:hunter2@host?unknown_option=hunter2",
        "redis://user:hunter2@host?socket_timeout=hunter2",
        "unix://",
    ],
)
def test_a_bad_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="Redis URL cannot be used: expected redis://") as refused:
        RedisBus(url, on_crash=lambda error: None)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert not re.search("hunter2|hun/ter2|ter2", shown.partition("Error:")[2] + repr(refused.value))


def test_a_representation_tells_no_secret() -> None:
    bus = RedisBus("redis://user:hunter2@host", on_crash=lambda error: None)
    assert "hunter2" not in repr(bus) + repr(bus._server)


# ---- cost --------------------------------------------------------------------------------------


async def test_an_idle_bus_costs_a_few_small_packets_a_second(
    open_bus: OpenBus, breakable_valkey: Valkey
) -> None:
    node = await open_bus(breakable_valkey.url)
    before = network_bytes(breakable_valkey)
    began = time.monotonic()
    await node.stays_quiet(for_s=1.5)
    spent = network_bytes(breakable_valkey) - before
    assert 0 < spent / (time.monotonic() - began) < 2_000


def network_bytes(server: Valkey) -> int:
    stats = server.command("INFO", "stats")
    return sum(int(number) for number in re.findall(r"total_net_(?:in|out)put_bytes:(\d+)", stats))
