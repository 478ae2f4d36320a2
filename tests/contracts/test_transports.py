"""What every transport keeps: the same tests for WebSocket, streams and polls, through the same client.

The server is real, in this event loop; so is the client, and between the two is a way that can be broken.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.client import (
    Backoff,
    CleanStart,
    Client,
    Closed,
    Event,
    Item,
    Lost,
    Presence,
    Recovered,
    Refused,
    Room,
    Transport,
    TypingBy,
    Unreachable,
    connect,
)
from tests.chatd.frail_way import FrailWay, frail_way
from tests.chatd.whole import PATIENCE_S, ROOM, Whole, whole
from tests.fixtures.servers import until

SOON = Backoff(base_s=0.05, cap_s=0.2)
TRANSPORTS: tuple[Transport, ...] = ("ws", "sse", "poll")


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(tmp_path, post_per_s=0, react_per_s=0) as chat:
        yield chat


@pytest.fixture
async def way(chat: Whole) -> AsyncIterator[FrailWay]:
    async with frail_way(chat.url) as way:
        yield way


def by(transport: Transport, url: str) -> Client:
    return connect(url, transport=transport, backoff=SOON)


async def hear(room: Room, kind: type[Item] = Event) -> Item:
    """The next item of this kind, past all others."""
    async with asyncio.timeout(PATIENCE_S):
        async for item in room:
            if isinstance(item, kind):
                return item
    raise AssertionError("the room is over")


async def event(room: Room) -> Event:
    heard = await hear(room)
    assert isinstance(heard, Event)
    return heard


# ---- a conversation ----------------------------------------------------------------------------


async def test_everybody_hears_everything_in_one_order(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as anna, by("ws", chat.url) as ben:
        one, two = await anna.join(ROOM), await ben.join(ROOM)
        assert isinstance(await hear(one, CleanStart), CleanStart)
        first = await one.post("Grüße 🌙 and\nthe next line")
        second = await two.post("hello", reply_to=first.seq)
        assert (await one.react(2, "me_too")).seq == 3
        assert (await one.withdraw(1)).seq == 4
        for room in (one, two):
            heard = [await event(room) for _ in range(4)]
            assert [item.seq for item in heard] == [1, 2, 3, 4]
            assert [item.kind for item in heard] == ["posted", "posted", "reacted", "withdrawn"]
            assert (heard[0].handle, heard[1].handle) == (one.handle, two.handle)
            assert heard[0].text == "Grüße 🌙 and\nthe next line"
        assert second.seq == 2
        page = await one.older(3)
        assert [(item.seq, item.gone) for item in page.events] == [(1, True), (2, False)]
        assert (one.gaps, one.repeats) == (0, 0)


async def test_posts_keep_their_order(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as client:
        room = await client.join(ROOM)
        said = [asyncio.create_task(room.post(str(number))) for number in range(60)]
        oks = await asyncio.gather(*said)
        assert [ok.seq for ok in oks] == list(range(1, 61))
        assert [(await event(room)).text for _ in range(60)] == [str(number) for number in range(60)]


async def test_who_is_here_and_what_they_do(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as anna, by("ws", chat.url) as ben:
        one = await anna.join(ROOM)
        two = await ben.join(ROOM)
        await until(lambda: two.handle in one.roster, "anna sees ben")
        assert one.handle in two.roster
        await one.away(away=True)
        await until(lambda: two.roster[one.handle].away, "ben sees that anna is away")
        await one.away(away=False)
        await until(lambda: not two.roster[one.handle].away, "and back")
        await one.typing()
        heard = await hear(two, TypingBy)
        assert isinstance(heard, TypingBy)
        assert heard.handle == one.handle
        await two.leave()
        await until(lambda: two.handle not in one.roster, "anna sees ben leave")
        again = await ben.join(ROOM)
        await one.leave()
        await until(lambda: one.handle not in again.roster, "ben sees anna leave")
        with pytest.raises(Closed):
            await one.post("too late")


async def test_several_rooms_at_once(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as client:
        icu, er = await client.join("icu"), await client.join("er")
        await asyncio.gather(icu.post("in icu"), er.post("in er"))
        assert ((await event(icu)).text, (await event(er)).text) == ("in icu", "in er")
        await icu.leave()
        assert (await er.post("still here")).seq == 2


async def test_a_handle_that_one_liked(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as client:
        drawn = await client.draw(ROOM)
        assert (await client.join(ROOM, offer=drawn.offer)).handle == drawn.handle


# ---- what is refused ---------------------------------------------------------------------------


async def test_a_refusal_is_one_and_the_connection_goes_on(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as client:
        for proof, code in (({"ticket": "forged"}, "ticket_refused"), ({"seat": "forged"}, "seat_refused")):
            with pytest.raises(Refused) as refused:
                await client.join(ROOM, **proof)  # type: ignore[arg-type]  # mypy takes the name for any of the arguments
            assert refused.value.code == code
        room = await client.join(ROOM)
        for text, code in (("", "text_empty"), ("x" * 4001, "text_too_long")):
            with pytest.raises(Refused) as refused:
                await room.post(text)
            assert refused.value.code == code
        with pytest.raises(Refused) as refused:
            await room.slow(5)
        assert refused.value.code == "not_allowed"
        assert (await room.post("all is well")).seq == 1
        assert client.reconnects == 0


async def test_a_full_room(tmp_path: Path, transport: Transport) -> None:
    async with (
        whole(tmp_path, capacity=1) as chat,
        by("ws", chat.url) as first,
        by(transport, chat.url) as late,
    ):
        room = await first.join(ROOM)
        with pytest.raises(Refused) as refused:
            await late.join(ROOM)
        assert refused.value.code == "room_full"
        await room.leave()
        await late.join(ROOM, patience_s=PATIENCE_S)


async def test_an_address_without_a_server(transport: Transport) -> None:
    with pytest.raises(Unreachable):
        async with by(transport, "http://127.0.0.1:9"):
            pass


# ---- breaks ------------------------------------------------------------------------------------


async def test_a_cut_loses_nothing_and_doubles_nothing(
    chat: Whole, way: FrailWay, transport: Transport
) -> None:
    async with by(transport, way.url) as anna, by("ws", chat.url) as ben:
        one, two = await anna.join(ROOM), await ben.join(ROOM)
        handle = one.handle
        texts = [f"line {number}" for number in range(40)]

        async def speak() -> None:
            for number, text in enumerate(texts):
                await (one if number % 2 else two).post(text)
                if number % 10 == 5:
                    way.cut()

        async with asyncio.timeout(PATIENCE_S):
            await speak()
        for room in (one, two):
            heard = [await event(room) for _ in range(40)]
            assert [item.seq for item in heard] == list(range(1, 41))
            assert [item.text for item in heard] == texts
        assert one.handle == handle
        assert (one.gaps, one.repeats) == (0, 0)
        # Who polls asks once more, and that is not even a break.
        assert anna.reconnects >= (0 if transport == "poll" else 3)


async def test_an_answer_that_is_lost_is_asked_for_again(
    chat: Whole, way: FrailWay, transport: Transport
) -> None:
    """The post was kept, but its author does not know: it is sent again, and nobody sees it twice."""
    async with by(transport, way.url) as anna, by("ws", chat.url) as ben:
        one, two = await anna.join(ROOM), await ben.join(ROOM)
        way.swallows = True
        posting = asyncio.create_task(one.post("kept, but was it?"))
        assert (await event(two)).seq == 1
        await until(lambda: bool(way.swallowed), "an answer is lost")
        way.swallows = False
        async with asyncio.timeout(PATIENCE_S):
            assert (await posting).seq == 1
        assert (await event(one)).seq == 1
        assert (await one.post("next")).seq == 2
        assert [(await event(room)).text for room in (one, two)] == ["next", "next"]


async def test_a_long_gap_is_told_whole(chat: Whole, way: FrailWay, transport: Transport) -> None:
    async with by(transport, way.url) as anna, by("ws", chat.url) as ben:
        one, two = await anna.join(ROOM), await ben.join(ROOM)
        way.closed = True
        way.cut()
        for number in range(200):
            await two.post(str(number))
        way.closed = False
        assert [(await event(one)).seq for _ in range(200)] == list(range(1, 201))
        assert len({item.handle for item in one.roster.values()}) == 2


async def test_one_seat_moves_from_transport_to_transport(chat: Whole, transport: Transport) -> None:
    handle, held = "", dict[str, object]()
    async with by("ws", chat.url) as ben:
        two = await ben.join(ROOM)
        for number, how in enumerate((transport, *TRANSPORTS, transport)):
            async with by(how, chat.url) as anna:
                one = await anna.join(ROOM, **held)  # type: ignore[arg-type]  # what the last one held
                handle = handle or one.handle
                assert one.handle == handle
                if held:
                    assert isinstance(await hear(one, Recovered), Recovered)
                await one.post(f"by {how}")
                await two.post("answered")
                assert [(await event(one)).seq for _ in range(2)] == [2 * number + 1, 2 * number + 2]
                held = {"seat": one.seat, "epoch": one.epoch, "after": one.after}
        # Whether she is shown yet depends on how fast all this went; nobody else ever is.
        assert set(two.roster) <= {two.handle, handle}


async def test_one_seat_in_three_windows_is_one_person(chat: Whole) -> None:
    async with by("ws", chat.url) as ws, by("sse", chat.url) as sse, by("poll", chat.url) as poll:
        first = await ws.join(ROOM)
        rooms = [first] + [await client.join(ROOM, seat=first.seat) for client in (sse, poll)]
        assert len({room.handle for room in rooms}) == 1
        assert rooms[-1].count == 1
        for room in rooms:
            await room.post("one voice")
        for room in rooms:
            assert [(await event(room)).seq for _ in range(3)] == [1, 2, 3]


async def test_an_erased_room_begins_anew(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as client:
        room = await client.join(ROOM)
        await room.post("gone tomorrow")
        before = room.handle, room.epoch
        await chat.node.log.erase(ROOM)
        await chat.node.hub.compare_with_log()
        await until(lambda: room.seated and room.epoch != before[1], "a seat in the new epoch")
        assert (await room.post("a new page")).seq == 1


async def test_who_goes_in_good_order_says_when_to_come_back(tmp_path: Path, transport: Transport) -> None:
    async with whole(tmp_path, drain_s=0.5) as chat, by(transport, chat.url) as client:
        room = await client.join(ROOM)
        chat.server.should_exit = True
        lost = await hear(room, Lost)
        assert isinstance(lost, Lost)
        assert lost.code in (1000, 4000)  # the client goes by itself when it was told to


async def test_presence_frames_are_hints_to_all(chat: Whole, transport: Transport) -> None:
    async with by(transport, chat.url) as anna, by("ws", chat.url) as ben:
        one = await anna.join(ROOM)
        await ben.join(ROOM)
        assert isinstance(await hear(one, Presence), Presence)
