"""POST /send on real servers: seats without a connection, on any node, under the same rules."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from chatd import sending
from chatd.client import connect
from chatd.settings import load_secret
from chatd.tickets import Tickets
from rooms.log import LogUnavailable
from tests.chatd.whole import PATIENCE_S, ROOM, Frame, Whole, command, join, post, proof, whole
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import Serve


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(tmp_path) as chat:
        yield chat


@pytest.fixture
async def two(tmp_path: Path, valkey: Valkey) -> AsyncIterator[tuple[Whole, Whole]]:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(whole(tmp_path, redis=valkey.url))
        yield one, await stack.enter_async_context(whole(tmp_path, redis=valkey.url))


async def seat_of(chat: Whole, **fields: str) -> str:
    seat: str = (await chat.poll(join(**fields))).joined["seat"]
    return seat


def codes(answers: list[Frame]) -> list[str]:
    return [str(answer.get("code", answer["t"])) for answer in answers]


# ---- answers -----------------------------------------------------------------------------------


async def test_each_command_is_answered_in_order(chat: Whole) -> None:
    seat = await seat_of(chat)
    await chat.send(post("first"), seat=seat)
    frames = [
        post("one"),
        {"t": "typing", "room": ROOM},
        {"t": "nothing", "id": "unreadable", "room": ROOM},
        command("older", before=1),
        join(),
        command("away", away=True),
        command("slow", seconds=5),
        command("react", seq=1, kind="me_too"),
        post("elsewhere", room="er"),
        {"t": "post"},
        post("two"),
    ]
    answers = await chat.send(*frames, seat=seat)
    assert codes(answers) == [
        *("ok", "bad_frame", "history", "bad_frame", "ok", "not_allowed"),
        *("ok", "not_joined", "bad_frame", "ok"),
    ]
    asked = [frame.get("id") for frame in frames if frame["t"] != "typing"]
    assert [answer.get("id") for answer in answers] == asked
    assert [answer.get("seq") for answer in answers if answer["t"] == "ok"] == [2, None, 3, 4]


async def test_the_same_id_twice_gets_two_answers(chat: Whole) -> None:
    seat = await seat_of(chat)
    answers = await chat.send(post("one", id=7), post("", id=7), seat=seat)
    assert sorted(codes(answers)) == ["ok", "text_empty"]


async def test_sending_again_is_safe(chat: Whole) -> None:
    seat = await seat_of(chat)
    said = post("once")
    [first], [again] = await chat.send(said, seat=seat), await chat.send(said, seat=seat)
    assert first == again == {"t": "ok", "id": said["id"], "seq": 1}
    assert chat.node.hub.live[ROOM].head == 1


async def test_without_a_seat_one_may_draw(chat: Whole) -> None:
    drawn, refused = await chat.send(command("draw"), post("hello"))
    assert refused["code"] == "not_joined"
    assert (await chat.poll(join(offer=drawn["offer"]))).joined["handle"] == drawn["handle"]


@pytest.mark.parametrize("seat", ["forged", "A" * 100])
async def test_a_seat_that_is_none_is_refused(chat: Whole, seat: str) -> None:
    assert codes(await chat.send(post("one"), command("older", before=1), seat=seat)) == ["seat_refused"] * 2


async def test_a_seat_is_good_in_its_own_room_only(chat: Whole) -> None:
    seat = await seat_of(chat)
    assert codes(await chat.send(post("one", room="er"), seat=seat)) == ["seat_refused"]


async def test_a_seat_is_gone_with_its_epoch(chat: Whole) -> None:
    seat = await seat_of(chat)
    await chat.node.log.erase(ROOM)
    # The key that would open it is gone from this moment on.
    assert codes(await chat.send(post("one"), seat=seat)) == ["seat_refused"]
    assert codes(await chat.send(post("one"), seat=seat)) == ["seat_refused"]
    assert (await chat.node.log.open_room(ROOM)).head == 0


async def test_a_room_that_is_none_is_refused(tmp_path: Path) -> None:
    async with whole(tmp_path, open=False) as chat:
        assert codes(await chat.send(post("one", room="nowhere"), seat="x")) == ["unknown_room"]


async def test_where_the_log_is_away_nobody_knows(chat: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = await seat_of(chat)

    async def away(drafts: object) -> object:
        raise LogUnavailable("away")

    monkeypatch.setattr(chat.node.log, "append", away)
    [answer] = await chat.send(post("one"), seat=seat)
    assert answer["code"] == "log_unavailable"
    assert answer["retry_after_s"] > 0


async def test_where_no_answer_comes_in_time_nobody_knows(
    chat: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = await seat_of(chat)
    monkeypatch.setattr(sending, "ANSWER_S", 0.1)
    never = asyncio.Event()

    async def hangs(drafts: object) -> object:
        await never.wait()
        raise LogUnavailable("away")

    monkeypatch.setattr(chat.node.log, "append", hangs)
    answers = await chat.send(post("one"), command("away", away=True), seat=seat)
    never.set()
    assert codes(answers) == ["log_unavailable", "ok"]
    assert chat.node.sends == 0


@pytest.mark.parametrize(
    "body",
    [{}, {"frames": []}, {"frames": [command("draw")] * 17}, {"frames": [], "more": 1}, {"frames": "x"}],
)
async def test_what_cannot_be_read_is_refused_whole(chat: Whole, body: Frame) -> None:
    answer = await chat.ask("/send", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")


async def test_a_frame_is_no_larger_than_on_a_socket(chat: Whole) -> None:
    answer = await chat.ask("/send", {"frames": [post("x" * 33_000)]})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# ---- pace --------------------------------------------------------------------------------------


async def test_the_pace_of_a_seat_holds_over_requests(tmp_path: Path) -> None:
    async with whole(tmp_path, post_burst=3, post_per_s=0.01, ask_burst=2, ask_per_s=0.01) as chat:
        seat = await seat_of(chat)
        answers = [(await chat.send(post(str(number)), seat=seat))[0] for number in range(5)]
        assert codes(answers) == ["ok"] * 3 + ["too_fast"] * 2
        assert answers[-1]["retry_after_s"] > 1
        asked = [(await chat.send(command("older", before=1), seat=seat))[0] for _ in range(4)]
        assert codes(asked) == ["history"] * 2 + ["too_fast"] * 2
        other = await seat_of(chat)
        assert codes(await chat.send(post("not me"), seat=other)) == ["ok"]


async def test_slow_mode_holds(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat:
        ticket = Tickets(load_secret(chat.node.settings)).issue(ROOM, "facilitator", expires_at=1 << 40)
        lead, seat = await seat_of(chat, ticket=ticket), await seat_of(chat)
        assert codes(await chat.send(command("slow", seconds=30), seat=lead)) == ["ok"]
        assert codes(await chat.send(post("one"), post("two"), seat=seat)) == ["ok", "slow_mode"]


# ---- on any node -------------------------------------------------------------------------------


async def test_what_is_said_on_one_node_is_seen_on_the_other(two: tuple[Whole, Whole]) -> None:
    here, there = two
    async with here.stream(join()) as stream:
        joined = await stream.until("joined")
        said = post("from over there")
        [ok] = await there.send(said, seat=joined["seat"])
        assert ok == {"t": "ok", "id": said["id"], "seq": 1}
        posted = await stream.until("posted")
        assert (posted["seq"], posted["handle"], posted["text"]) == (1, joined["handle"], "from over there")
        assert not there.node.gateway.connections, "no connection is needed there"
        await there.send({"t": "typing", "room": ROOM}, seat=joined["seat"])
        assert (await stream.until("typing"))["handle"] == joined["handle"]


async def test_called_away_is_passed_to_the_node_that_holds_the_seat(two: tuple[Whole, Whole]) -> None:
    here, there = two
    async with here.stream(join()) as watcher, here.stream(join()) as stream:
        await watcher.until("joined")
        joined = await stream.until("joined")
        await watcher.until("presence")
        assert codes(await there.send(command("away", away=True), seat=joined["seat"])) == ["ok"]
        away = list[str]()
        while not away:
            away = (await watcher.until("presence"))["away"]
        assert away == [joined["handle"]]
        await there.send(command("away", away=False), seat=joined["seat"])
        back = list[str]()
        while not back:
            back = (await watcher.until("presence"))["back"]
        assert back == [joined["handle"]]


async def test_to_leave_ends_the_stream_at_once_wherever_it_is(two: tuple[Whole, Whole]) -> None:
    here, there = two
    async with here.stream(join()) as watcher, here.stream(join()) as stream:
        await watcher.until("joined")
        joined = await stream.until("joined")
        await watcher.until("presence")
        same = await there.poll(join(**proof(joined)))
        assert codes(await there.send(command("leave"), seat=joined["seat"])) == ["ok"]
        *_, (kind, close) = await stream.rest()
        assert (kind, close["code"]) == ("close", 1000)
        over = await there.poll(join(), link=same.link, got=same.n)
        assert over.close is not None
        left = list[str]()
        while not left:
            left = (await watcher.until("presence"))["left"]
        assert left == [joined["handle"]]
        assert len(here.node.gateway.connections) == 1


async def test_to_leave_touches_nobody_else(chat: Whole) -> None:
    async with chat.stream(join()) as stays, chat.stream(join(room="er")) as elsewhere:
        kept, far = await stays.until("joined"), await elsewhere.until("joined")
        seat = await seat_of(chat)
        await chat.send(command("leave"), seat=seat)
        assert codes(await chat.send(post("still here"), seat=kept["seat"])) == ["ok"]
        assert (await stays.until("posted"))["text"] == "still here"
        assert codes(await chat.send(post("and here", room="er"), seat=far["seat"])) == ["ok"]
        assert (await elsewhere.until("posted"))["text"] == "and here"


async def test_a_socket_of_the_same_seat_stays(chat: Whole) -> None:
    """It can say by itself that it leaves, so a `leave` that came by HTTP is not meant for it."""
    async with connect(chat.url) as client, chat.stream(join()) as stream:
        joined = await stream.until("joined")
        room = await client.join(ROOM, seat=joined["seat"])
        await chat.send(command("leave"), seat=joined["seat"])
        assert (await stream.rest())[-1][0] == "close"
        assert (await room.post("still here")).seq == 1
        assert (client.reconnects, room.count) == (0, 1)


# ---- bounds ------------------------------------------------------------------------------------


async def test_so_many_requests_and_no_more(chat: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_SENDS", 0)
    answer = await chat.ask("/send", {"frames": [command("draw")]})
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "2"


async def test_all_who_are_nobody_yet_share_one_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of their requests is the first that is known of them."""
    monkeypatch.setattr("chatd.visitors.DRAW_BURST", 3)
    monkeypatch.setattr("chatd.visitors.DRAWS_PER_S", 0.001)
    async with whole(tmp_path) as chat:
        seat = await seat_of(chat)
        assert codes(await chat.send(command("draw"), command("draw"))) == ["drawn"] * 2
        assert codes(await chat.send(*(command("draw") for _ in range(3)))) == ["drawn", "busy", "busy"]
        assert codes(await chat.send(command("draw"), seat=seat)) == ["drawn"], "a seat has a pace of its own"


async def test_who_goes_takes_in_what_is_still_said(tmp_path: Path) -> None:
    async with whole(tmp_path, drain_s=1.0) as chat, chat.stream(join()) as stream:
        seat = (await stream.until("joined"))["seat"]
        await chat.send(post("the connection is open"), seat=seat)
        chat.server.should_exit = True
        await stream.until("going")
        assert codes(await chat.send(post("last words"), seat=seat)) == ["ok"]
        assert "last words" in [frame.get("text") for _, frame in await stream.rest()]
        head = await chat.node.log.open_room(ROOM)
        assert head.head == 2


# ---- what is left behind -----------------------------------------------------------------------


async def test_nothing_that_came_by_http_is_written_down(serve: Serve) -> None:
    """And a server stops in good order whatever it is still answering."""
    server = await serve("--open", "--log-level", "debug", "--set", "drain_s=0.5")
    private = ["private-room-name", "private words that were said", "127.0.0.1"]
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=PATIENCE_S) as http:
        here = join(private[0])
        answer = (await http.post("/poll", json={"join": here})).json()
        joined = answer["frames"][0]
        private += [joined["handle"], joined["seat"], answer["link"]]
        said = post(private[1], room=private[0])
        await http.post("/send", json={"seat": joined["seat"], "frames": [said]})
        for path in ("/sse", "/poll", "/send", "/probe"):
            await http.post(path, content=f"{{ not json {private[1]}".encode())
            await http.post(path, json={"join": private[1], "frames": [private[1]], "seat": private[1]})
            await http.get(f"{path}?{private[1]}")
        scraped = (await http.get("/metrics")).text
        async with http.stream("POST", "/sse", json=join(private[0])) as stream:
            lines = stream.aiter_lines()
            while "joined" not in await anext(lines):
                pass
            held = asyncio.create_task(
                http.post("/poll", json={"join": here, "link": answer["link"], "got": answer["n"]})
            )
            async with http.stream("GET", "/probe?for_s=120&every_s=60") as probe:
                assert probe.status_code == 200
                assert await server.terminate() == 0
            assert held.done() or (await held).status_code == 200
    log = "\n".join(server.log)
    for word in private:
        assert word not in log
        assert word not in scraped
    assert {json.loads(line)["level"] for line in server.log} <= {"debug", "info"}, server.log
