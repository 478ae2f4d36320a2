"""The client against a server that plays a part: breaks, gaps, repeats, odd orders, refusals."""

import ast
import asyncio
import inspect
from types import ModuleType

import pytest

from chatd import client as client_module
from chatd import wire
from chatd.client import (
    Backoff,
    CleanStart,
    Client,
    Closed,
    Codec,
    Event,
    Item,
    Lost,
    NotChatd,
    Person,
    Presence,
    Recovered,
    Refused,
    Room,
    StartedAnew,
    TypingBy,
    Unreachable,
    Unsendable,
    comes_back,
    websocket_url,
)
from chatd.client import client as client_itself
from chatd.client import http as client_http
from chatd.client import items as client_items
from chatd.client import requests as client_requests
from chatd.client import room as client_room
from tests.chatd.scripted import Peer, joined, posted, scripted

FAST = Backoff(base_s=0.001, cap_s=0.002)


def connect(url: str, codec: Codec = "json", max_inbox: int = 1000, max_in_flight: int = 64) -> Client:
    return client_module.connect(
        url, codec=codec, backoff=FAST, max_inbox=max_inbox, max_in_flight=max_in_flight
    )


async def take(room: Room, count: int) -> list[Item]:
    return [await anext(room) for _ in range(count)]


async def take_events(room: Room, count: int) -> list[int]:
    """The places of the next `count` events, whatever stands between them."""
    seqs: list[int] = []
    while len(seqs) < count:
        item = await anext(room)
        if isinstance(item, Event):
            seqs.append(item.seq)
    return seqs


@pytest.fixture(params=["json", "msgpack"])
def codec(request: pytest.FixtureRequest) -> Codec:
    name: Codec = request.param
    return name


# ---- the plain way -----------------------------------------------------------------------------


async def test_joins_and_posts_and_hears_itself(codec: Codec) -> None:
    async def server(peer: Peer) -> None:
        join = await peer.seat(events=[posted(1, "before")], role="facilitator", slow_mode_s=5)
        assert join == {"t": "join", "id": join["id"], "room": "icu", "ticket": "T", "offer": "O"}
        post = await peer.expect("post")
        assert (post["text"], post["reply_to"], post["room"]) == ("Grüße 🌙", 1, "icu")
        assert 1 <= len(post["key"]) <= 64
        await peer.ok(post, seq=2)
        await peer.say(posted(2, "Grüße 🌙", reply_to=1))

    async with scripted(server) as url, connect(url, codec) as client:
        room = await client.join("icu", ticket="T", offer="O")
        assert (room.handle, room.epoch, room.head, room.seat) == ("calm-heron", "e1", 1, "seat-1")
        assert (room.title, room.kind, room.role, room.slow_mode_s) == (
            "Night shift",
            "drop-in",
            "facilitator",
            5,
        )
        ok = await room.post("Grüße 🌙", reply_to=1)
        assert ok.seq == 2
        assert await take(room, 3) == [
            CleanStart("e1", 1, 1),
            Event("posted", 1, 60, "calm-heron", text="before"),
            Event("posted", 2, 60, "calm-heron", text="Grüße 🌙", reply_to=1),
        ]


async def test_the_event_may_come_before_its_ok() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        post = await peer.expect("post")
        await peer.say(posted(1))
        await peer.ok(post, seq=1)

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        assert (await room.post("hello", key="k")).key == "k"
        assert await take_events(room, 1) == [1]
        assert room.repeats == room.gaps == 0


@pytest.mark.parametrize("bad", ["caf\udce9 noir", "\ud83d"], ids=["a byte", "half a pair"])
async def test_what_cannot_be_encoded_is_the_askers_fault_alone(codec: Codec, bad: str) -> None:
    """Nothing of it is sent, the connection goes on, and the error quotes nothing."""

    async def server(peer: Peer) -> None:
        await peer.seat()
        post = await peer.expect("post")
        assert post["text"] == "good"
        await peer.ok(post, seq=1)
        await peer.drop()

    async def second(peer: Peer) -> None:
        await peer.seat(recovered=True)
        await peer.ok(await peer.expect("post"), seq=1)

    async with scripted(server, second) as url, connect(url, codec) as client:
        with pytest.raises(Unsendable):
            await client.join("icu", ticket=bad)
        room = await client.join("icu")
        with pytest.raises(Unsendable) as raised:
            await room.post(bad)
        assert "caf" not in str(raised.value)
        assert (await room.post("good")).seq == 1
        while not isinstance(await anext(room), Lost):
            pass
        with pytest.raises(Unsendable):
            await room.post(bad)  # between two connections, too
        assert (await room.post("good")).seq == 1
        assert client.reconnects == 1


async def test_everything_one_can_ask() -> None:
    async def server(peer: Peer) -> None:
        draw = await peer.expect("draw")
        await peer.say({"t": "drawn", "id": draw["id"], "room": "icu", "handle": "mild-otter", "offer": "O"})
        await peer.seat(events=[posted(7)])
        for kind, fields in (
            ("react", {"seq": 7, "kind": "with_you"}),
            ("withdraw", {"seq": 7}),
            ("slow", {"seconds": 15}),
            ("away", {"away": True}),
        ):
            frame = await peer.expect(kind)
            assert frame == {"t": kind, "id": frame["id"], "room": "icu", **fields}
            await peer.ok(frame, seq=8)
        older = await peer.expect("older")
        assert (older["before"], older["limit"]) == (7, 2)
        await peer.say(
            {"t": "history", "id": older["id"], "room": "icu", "events": [posted(5), posted(6)], "more": True}
        )
        assert await peer.expect("typing") == {"t": "typing", "room": "icu"}
        await peer.ok(await peer.expect("leave"))

    async with scripted(server) as url, connect(url) as client:
        assert (await client.draw("icu")).handle == "mild-otter"
        room = await client.join("icu")
        assert (await room.react(7, "with_you")).seq == 8
        assert (await room.withdraw(7)).seq == 8
        assert (await room.slow(15)).seq == 8
        await room.away(True)
        page = await room.older(7, 2)
        assert ([event.seq for event in page.events], page.more) == ([5, 6], True)
        await room.typing()
        await room.leave()
        assert [item async for item in room][1:] == [Event("posted", 7, 60, "calm-heron", text="hello")]
        with pytest.raises(Closed):
            await room.post("too late")


async def test_presence_keeps_the_roster_and_typing_is_told() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat(
            roster=[{"handle": "calm-heron"}, {"handle": "mild-otter", "role": "facilitator"}], count=2
        )
        nobody: dict[str, list[str]] = {"joined": [], "left": [], "away": [], "back": []}
        came = [{"handle": "warm-lamp", "away": True}]
        await peer.say(
            {"t": "presence", "room": "icu", **nobody, "joined": came, "left": ["calm-heron"], "count": 2},
            {
                "t": "presence",
                "room": "icu",
                **nobody,
                "away": ["mild-otter"],
                "back": ["warm-lamp"],
                "count": 2,
            },
            {"t": "typing", "room": "icu", "handle": "warm-lamp"},
            {"t": "presence", "room": "icu", **nobody, "count": 400},
        )

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        items = await take(room, 5)
        assert items[1] == Presence((Person("warm-lamp", away=True),), ("calm-heron",), (), (), 2)
        assert items[3] == TypingBy("warm-lamp")
        assert room.roster == {
            "mild-otter": Person("mild-otter", "facilitator", away=True),
            "warm-lamp": Person("warm-lamp"),
        }
        assert room.count == 400


async def test_several_rooms_on_one_connection() -> None:
    async def server(peer: Peer) -> None:
        for _ in range(2):
            await peer.seat()
        await peer.say({**posted(1, "to two"), "room": "two"}, {**posted(1, "to one"), "room": "one"})

    async with scripted(server) as url, connect(url) as client:
        one, two = await client.join("one"), await client.join("two")
        assert (await take(one, 2))[1] == Event("posted", 1, 60, "calm-heron", text="to one")
        assert (await take(two, 2))[1] == Event("posted", 1, 60, "calm-heron", text="to two")
        with pytest.raises(ValueError, match="already"):
            await client.join("one")


async def test_ignores_what_it_does_not_know_but_gives_it_its_place() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat(weather="fine")
        await peer.say(
            {"t": "weather", "room": "icu", "wind": 3},
            {"t": "posted", "room": "elsewhere", "seq": 9, "handle": "x", "text": "not mine"},
            {"t": "hand_raised", "room": "icu", "seq": 1, "at": 60, "handle": "calm-heron", "why": "?"},
            {"t": "error", "code": "bad_frame", "message": "names no command"},
            posted(2, mood="good"),
        )

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        items = await take(room, 3)
        assert items[1] == Event("hand_raised", 1, 60, "calm-heron")
        assert items[2] == Event("posted", 2, 60, "calm-heron", text="hello")


# ---- order -------------------------------------------------------------------------------------


async def test_a_repeat_is_dropped_and_a_gap_is_mended_by_joining_again() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        await peer.say(posted(1), posted(1), posted(4))
        join = await peer.expect("join")
        assert (join["seat"], join["epoch"], join["after"]) == ("seat-1", "e1", 1)
        # What the old place in the stream still brings is in the answer as well.
        await peer.say(posted(5))
        await peer.say(joined(join, recovered=True, events=[posted(n) for n in range(2, 6)]))
        await peer.say(posted(6))

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        assert await take_events(room, 6) == [1, 2, 3, 4, 5, 6]
        assert (room.repeats, room.gaps, client.reconnects) == (1, 1, 0)


async def test_mending_a_gap_sends_nothing_twice_on_one_connection() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        post = await peer.expect("post")
        await peer.say(posted(2))
        await peer.seat(recovered=True, events=[posted(1), posted(2)])
        await peer.ok(post, seq=3)
        await peer.expect("react")  # and not the post once more

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        await room.post("hello")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await room.react(1, "heard")


async def test_a_room_that_nobody_reads_falls_behind_and_catches_up() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        await peer.say(*(posted(n) for n in range(1, 31)))
        await peer.ok(await peer.expect("post"), seq=30)  # so that the test knows: all was heard
        join = await peer.expect("join")
        assert join["after"] == 9  # with the clean start, ten items
        await peer.say(joined(join, recovered=True, events=[posted(n) for n in range(10, 31)]))
        await peer.say(posted(31))  # over the bound again, with what was recovered
        again = await peer.expect("join")
        assert again["after"] == 30
        await peer.say(joined(again, recovered=True, events=[posted(31)]))

    async with scripted(server) as url, connect(url, max_inbox=10) as client:
        room = await client.join("icu")
        await room.post("hello")
        assert len(room._inbox) == 10
        assert await take_events(room, 31) == list(range(1, 32))
        assert room.gaps == 0


async def test_hints_are_dropped_first() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        await peer.say(*({"t": "typing", "room": "icu", "handle": f"h{n}"} for n in range(30)))
        await peer.say(posted(1))
        await peer.ok(await peer.expect("post"), seq=2)

    async with scripted(server) as url, connect(url, max_inbox=10) as client:
        room = await client.join("icu")
        await room.post("hello")
        items = await take(room, 6)
        assert [type(item) for item in items] == [CleanStart, *[TypingBy] * 4, Event]


# ---- breaks ------------------------------------------------------------------------------------


async def test_a_break_resends_the_same_key_and_recovers(codec: Codec) -> None:
    keys: list[str] = []

    async def first(peer: Peer) -> None:
        await peer.seat(events=[posted(1)])
        keys.append((await peer.expect("post"))["key"])
        await peer.drop()  # it was kept as number 3; the answer is lost

    async def second(peer: Peer) -> None:
        join = await peer.expect("join")
        assert (join["seat"], join["epoch"], join["after"]) == ("seat-1", "e1", 1)
        await peer.say(joined(join, recovered=True, events=[posted(2), posted(3, "mine")]))
        post = await peer.expect("post")
        keys.append(post["key"])
        await peer.ok(post, seq=3)

    async with scripted(first, second) as url, connect(url, codec) as client:
        room = await client.join("icu", ticket="T")
        ok = await room.post("mine")
        assert ok.seq == 3
        assert keys[0] == keys[1] == ok.key
        items = await take(room, 6)
        assert items[2:4] == [Lost(1006), Recovered(1, 3)]
        assert [item.seq for item in items if isinstance(item, Event)] == [1, 2, 3]
        assert client.reconnects == 1


async def test_what_is_posted_while_away_goes_out_in_order_when_back() -> None:
    async def first(peer: Peer) -> None:
        await peer.seat()
        await peer.close(4001)

    async def second(peer: Peer) -> None:
        await peer.seat(recovered=True)
        for seq in (1, 2, 3):
            post = await peer.expect("post")
            assert post["text"] == f"line {seq}"
            await peer.ok(post, seq=seq)

    async with scripted(first, second) as url, connect(url) as client:
        room = await client.join("icu")
        assert (await take(room, 2))[1] == Lost(4001)
        oks = await asyncio.gather(*(room.post(f"line {n}") for n in (1, 2, 3)))
        assert [ok.seq for ok in oks] == [1, 2, 3]


async def test_away_is_said_again_after_a_break() -> None:
    async def first(peer: Peer) -> None:
        await peer.seat()
        await peer.ok(await peer.expect("away"))
        await peer.drop()

    async def second(peer: Peer) -> None:
        await peer.seat(recovered=True)
        assert (await peer.expect("away"))["away"] is True

    async with scripted(first, second) as url, connect(url) as client:
        room = await client.join("icu")
        await room.away(True)
        await take(room, 3)


async def test_a_withdrawal_that_was_heard_and_not_answered_is_done() -> None:
    async def first(peer: Peer) -> None:
        await peer.seat(events=[posted(1)])
        await peer.expect("withdraw")
        await peer.drop()

    async def second(peer: Peer) -> None:
        await peer.seat(recovered=True, head=1)
        await peer.refuse(await peer.expect("withdraw"), "not_found")

    async with scripted(first, second) as url, connect(url) as client:
        room = await client.join("icu")
        assert (await room.withdraw(1)).seq is None


@pytest.mark.parametrize("new", [{"epoch": "e2"}, {"handle": "mild-otter"}])
async def test_a_room_that_began_anew_starts_clean_and_gets_nothing_old(new: dict[str, str]) -> None:
    async def first(peer: Peer) -> None:
        await peer.seat(events=[posted(1)])
        await peer.expect("post")
        await peer.drop()

    async def second(peer: Peer) -> None:
        await peer.seat(events=[posted(1, "anew")], **new)
        await peer.ok(await peer.expect("react"), seq=2)  # and no post

    async with scripted(first, second) as url, connect(url) as client:
        room = await client.join("icu")
        with pytest.raises(StartedAnew):
            await room.post("for the old room")
        await room.react(1, "heard")
        items = await take(room, 5)
        assert items[3] == CleanStart(new.get("epoch", "e1"), 1, 1)


async def test_a_recovery_that_cannot_be_true_is_a_clean_start() -> None:
    async def first(peer: Peer) -> None:
        await peer.seat(events=[posted(5)])
        await peer.drop()

    async def second(peer: Peer) -> None:
        await peer.seat(recovered=True, events=[posted(8)])  # 6 and 7 are missing

    async with scripted(first, second) as url, connect(url) as client:
        room = await client.join("icu")
        items = await take(room, 5)
        assert items[3] == CleanStart("e1", 8, 8)


async def test_an_erased_room_is_joined_again() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat(events=[posted(1)])
        await peer.say({"t": "erased", "room": "icu"})
        join = await peer.expect("join")
        await peer.refuse(join, "seat_refused")
        again = await peer.expect("join")
        assert "seat" not in again
        assert "after" not in again
        assert again["ticket"] == "T"
        await peer.say(joined(again, epoch="e2", handle="mild-otter"))

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu", ticket="T")
        items = await take(room, 3)
        assert items[2] == CleanStart("e2", 1, 0)
        assert (room.handle, room.epoch, room.after) == ("mild-otter", "e2", 0)


async def test_a_lost_seat_is_taken_again_and_the_command_asked_again() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        post = await peer.expect("post")
        await peer.refuse(post, "not_joined")
        await peer.seat(recovered=True)
        again = await peer.expect("post")
        assert again["key"] == post["key"]
        await peer.ok(again, seq=1)

    async with scripted(server) as url, connect(url) as client:
        assert (await (await client.join("icu")).post("hello")).seq == 1


async def test_going_says_when_to_come_back_and_it_is_obeyed() -> None:
    loop = asyncio.get_running_loop()
    said_at = 0.0

    async def first(peer: Peer) -> None:
        nonlocal said_at
        await peer.seat()
        said_at = loop.time()
        await peer.say({"t": "going", "reconnect_in_s": 0.2})
        await peer.until_gone()  # it does not wait for us to close

    async def second(peer: Peer) -> None:
        assert loop.time() - said_at >= 0.19
        await peer.seat(recovered=True)

    async with scripted(first, second) as url, connect(url) as client:
        room = await client.join("icu")
        items = await take(room, 3)
        assert isinstance(items[2], Recovered)


# ---- refusals and ends -------------------------------------------------------------------------


async def test_a_refusal_tells_code_message_and_when() -> None:
    async def server(peer: Peer) -> None:
        await peer.refuse(await peer.expect("join"), "ticket_needed")
        await peer.seat()
        await peer.refuse(await peer.expect("post"), "slow_mode", retry_after_s=4.5)

    async with scripted(server) as url, connect(url) as client:
        with pytest.raises(Refused, match="ticket_needed: No"):
            await client.join("icu")
        room = await client.join("icu")
        with pytest.raises(Refused) as refused:
            await room.post("hello")
        assert (refused.value.code, refused.value.retry_after_s) == ("slow_mode", 4.5)


@pytest.mark.parametrize("code", ["too_fast", "slow_mode", "busy", "log_unavailable"])
async def test_with_patience_a_refusal_that_passes_is_waited_for(code: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.refuse(await peer.expect("join"), "room_full", retry_after_s=0.01)
        await peer.seat()
        first = await peer.expect("post")
        await peer.refuse(first, code, retry_after_s=0.01)
        second = await peer.expect("post")
        assert second["key"] == first["key"]
        assert second["id"] != first["id"]
        await peer.ok(second, seq=1)
        await peer.refuse(await peer.expect("post"), code, retry_after_s=100)

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu", patience_s=5)
        assert (await room.post("hello", patience_s=5)).seq == 1
        with pytest.raises(Refused):
            await room.post("more than my patience", patience_s=5)


async def test_coming_back_to_a_busy_server_is_tried_again() -> None:
    async def first(peer: Peer) -> None:
        await peer.seat()
        await peer.drop()

    async def second(peer: Peer) -> None:
        for code in ("busy", "room_full", "log_unavailable"):
            await peer.refuse(await peer.expect("join"), code, retry_after_s=0.001)
        await peer.seat(recovered=True)

    async with scripted(first, second) as url, connect(url) as client:
        items = await take(await client.join("icu"), 3)
        assert isinstance(items[2], Recovered)


async def test_coming_back_to_a_room_that_is_closed_to_us_ends_it() -> None:
    async def first(peer: Peer) -> None:
        await peer.seat()
        await peer.expect("post")
        await peer.drop()

    async def second(peer: Peer) -> None:
        await peer.refuse(await peer.expect("join"), "unknown_room")

    async with scripted(first, second) as url, connect(url) as client:
        room = await client.join("icu")
        with pytest.raises(Refused, match="unknown_room"):
            await room.post("hello")
        with pytest.raises(Refused, match="unknown_room"):
            await take(room, 3)


@pytest.mark.parametrize("code", [4100, 4101, 1008, 1009])
async def test_some_closes_are_for_good(code: int) -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        await peer.expect("post")
        await peer.close(code)

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        with pytest.raises(Closed) as closed:
            await room.post("hello")
        assert closed.value.code == code
        with pytest.raises(Closed):
            await take(room, 3)
        with pytest.raises(Closed):
            await client.join("other")


def test_close_codes_mean_what_the_wire_says() -> None:
    assert [comes_back(code) for code in range(1000, 5000)] == [
        wire.comes_back(code) for code in range(1000, 5000)
    ]


@pytest.mark.parametrize("message", ["{", "[]", '{"no": "kind"}', '{"t":"going"}', "\x00", '"t"'])
async def test_a_server_that_speaks_nonsense_ends_it_loudly(message: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        await peer.say_raw(message)

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        with pytest.raises(NotChatd):
            await take(room, 2)


async def test_a_joined_with_a_hole_in_it_is_not_believed() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat(events=[posted(1), posted(3)])

    async with scripted(server) as url, connect(url) as client:
        with pytest.raises(NotChatd):
            await client.join("icu")


async def test_a_server_that_is_not_there_or_is_something_else() -> None:
    async with scripted() as url:
        pass
    with pytest.raises(Unreachable) as gone:
        await connect(url).__aenter__()
    assert "127.0.0.1" not in str(gone.value)

    async def server(peer: Peer) -> None:
        await peer.until_gone()

    async with scripted(server, speaks=False) as url:
        with pytest.raises(NotChatd):
            await connect(url).__aenter__()


async def test_it_gives_up_after_as_many_attempts_as_allowed() -> None:
    patient = Backoff(base_s=0.001, cap_s=0.002, attempts=3)

    async def server(peer: Peer) -> None:
        await peer.seat()
        await peer.drop()

    async with scripted(server) as url:
        client = client_module.connect(url, backoff=patient)
        await client.__aenter__()
        room = await client.join("icu")
    with pytest.raises(Unreachable):  # the server is gone now
        await take(room, 3)
    await client.__aexit__(None, None, None)


@pytest.mark.parametrize(("status", "comes"), [(503, True), (403, False)])
async def test_what_http_says_when_coming_back(status: int, comes: bool) -> None:
    async def first(peer: Peer) -> None:
        await peer.seat()
        await peer.drop()

    async def third(peer: Peer) -> None:
        await peer.seat(recovered=True)

    async with scripted(first, status, *([third] if comes else [])) as url, connect(url) as client:
        room = await client.join("icu")
        await take(room, 2)
        if comes:
            asked_at = asyncio.get_running_loop().time()
            assert isinstance(await anext(room), Recovered)
            assert asyncio.get_running_loop().time() - asked_at > 0.9  # Retry-After: 1
        else:
            with pytest.raises(Unreachable, match="403"):
                await anext(room)


# ---- bounds and small things -------------------------------------------------------------------


async def test_no_more_than_max_in_flight_wait_for_an_answer() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        held = [await peer.expect("post") for _ in range(2)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await peer.hear()
        for seq, post in enumerate(held, 1):
            await peer.ok(post, seq=seq)
        await peer.ok(await peer.expect("post"), seq=3)

    async with scripted(server) as url, connect(url, max_in_flight=2) as client:
        room = await client.join("icu")
        oks = await asyncio.gather(*(room.post("hello") for _ in range(3)))
        assert [ok.seq for ok in oks] == [1, 2, 3]


async def test_who_gives_up_waiting_is_not_in_the_way() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        first, second = await peer.expect("post"), await peer.expect("post")
        await peer.ok(first, seq=1)
        await peer.ok(second, seq=2)

    async with scripted(server) as url, connect(url) as client:
        room = await client.join("icu")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await room.post("nobody answers")
        assert (await room.post("hello")).seq == 2


def test_backoff_is_bounded_and_random() -> None:
    backoff = Backoff(base_s=0.5, cap_s=15)
    for attempt in (0, 1, 5, 1000):
        delays = {backoff.delay_s(attempt) for _ in range(50)}
        assert len(delays) > 1
        assert 0 <= min(delays) <= max(delays) <= min(15, 0.5 * 2 ** min(attempt, 10))


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://127.0.0.1:8000/", "ws://127.0.0.1:8000/ws"),
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"),
        ("https://care.example.org/chat/", "wss://care.example.org/chat/ws"),
        ("https://care.example.org/room/icu#ticket=x", "wss://care.example.org/ws"),
        ("https://care.example.org/chat/room/icu", "wss://care.example.org/chat/ws"),
        ("ws://127.0.0.1:1/other", "ws://127.0.0.1:1/other"),
    ],
)
def test_where_the_socket_is(url: str, socket: str) -> None:
    assert websocket_url(url) == socket


@pytest.mark.parametrize("url", ["", "icu", "ftp://x/", "http:///room/icu"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        websocket_url(url)


def test_keys_tell_no_time_and_are_nobody_elses() -> None:
    one, other = client_module.connect("ws://x/"), client_module.connect("ws://x/")
    keys = [client.new_key() for client in (one, one, other)]
    assert len(set(keys)) == 3
    assert keys[0] < keys[1]


@pytest.mark.parametrize(
    "module", [client_module, client_itself, client_http, client_items, client_requests, client_room]
)
def test_a_stranger_could_have_written_it(module: ModuleType) -> None:
    """It uses nothing of this project but itself, so `docs/protocol.md` must be enough."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    ours = {name for name in names if name.partition(".")[0] in {"chatd", "rooms", "presence", "web"}}
    assert {name for name in ours if not f"{name}.".startswith("chatd.client.")} == set()
    assert not {name.partition(".")[0] for name in names} & {"msgspec", "starlette", "uvicorn"}
