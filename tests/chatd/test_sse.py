"""POST /sse on a real server: what stands on the wire, how it ends, and what is refused."""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.formats import JSON_EVENTS
from chatd.wire import CloseCode, TypingBy
from rooms.events import Posted
from tests.chatd.whole import PATIENCE_S, ROOM, Whole, command, join, post, proof, whole
from tests.fixtures.servers import until

# ---- on the wire -------------------------------------------------------------------------------


def test_a_turns_events_are_one_chunk_and_stay_whole() -> None:
    posted = Posted(room="icu", seq=1, at=60, handle="h", text="two\nlines, \u2028 and \r more")
    frames = [JSON_EVENTS.frame(frame) for frame in (posted, TypingBy(room="icu", handle="h"))]
    batch: bytes = JSON_EVENTS.join(frames)
    size, _, rest = batch.partition(b"\r\n")
    assert int(size, 16) == len(rest) - 2
    assert rest.endswith(b"\n\n\r\n")
    lines = rest.removesuffix(b"\r\n").split(b"\n")
    assert [line[:6] for line in lines] == [b"data: ", b"", b"data: ", b"", b""]
    assert json.loads(lines[0][6:])["text"] == "two\nlines, \u2028 and \r more"


async def raw(chat: Whole, head: str, body: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(chat.url.rpartition(":")[2]))
    payload = json.dumps(body).encode()
    writer.write(f"{head}\r\nContent-Length: {len(payload)}\r\n\r\n".encode() + payload)
    return reader, writer


async def test_padding_first_then_the_answer_then_live(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat:
        head = "POST /sse HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
        reader, writer = await raw(chat, head, join())
        async with asyncio.timeout(PATIENCE_S):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert answer.startswith("http/1.1 200 ok\r\n")
            for field in (
                "content-type: text/event-stream",
                "cache-control: no-store, no-transform",
                "x-accel-buffering: no",
                "connection: close",
                "transfer-encoding: chunked",
                "x-content-type-options: nosniff",
            ):
                assert f"\r\n{field}\r\n" in answer
            assert "content-length" not in answer
            body = await reader.readuntil(b"event: live\ndata: {}\n\n")
        padding, _, rest = body.partition(b"data: ")
        assert padding.count(b" ") >= 4096
        assert padding.lstrip(b"0123456789abcdef\r\n").startswith(b":")
        assert json.loads(rest.partition(b"\n")[0])["t"] == "joined"
        writer.close()


async def test_a_stream_that_was_held_back_costs_no_one_time_ticket(tmp_path: Path) -> None:
    """The answer to the join never arrived, and the ticket was used: by polling it is the same entry."""
    async with whole(tmp_path) as chat:
        ticket = chat.node.tickets.issue(ROOM, "participant", expires_at=int(time.time()) + 600, once=True)
        [drawn] = await chat.send(command("draw", ticket=ticket))
        head = "POST /sse HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
        _, writer = await raw(chat, head, join(ticket=ticket, offer=drawn["offer"]))
        await until(lambda: chat.node.counts() == {ROOM: 1}, "the entry")
        writer.close()
        polled = await chat.poll(join(ticket=ticket, offer=drawn["offer"]))
        assert polled.joined["handle"] == drawn["handle"]
        refused = await chat.poll(join(ticket=ticket))
        assert refused.frames[0]["code"] == "ticket_spent"
        assert chat.node.counts() == {ROOM: 1}


async def test_an_http_1_0_peer_reads_it_too(tmp_path: Path) -> None:
    """nginx asks like this by default. What is framing to one is an unknown line to the other."""
    async with whole(tmp_path) as chat:
        head = "POST /sse HTTP/1.0\r\nHost: x\r\nContent-Type: application/json"
        reader, writer = await raw(chat, head, join())
        async with asyncio.timeout(PATIENCE_S):
            body = await reader.readuntil(b"event: live\ndata: {}\n\n")
        lines = body.decode().replace("\r\n", "\n").split("\n")
        assert [line for line in lines if line.startswith("data: ")][1:] == ["data: {}"]
        writer.close()


async def test_live_comes_a_moment_after_the_answer(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat, chat.stream(join()) as stream:
        assert (await stream.event())[1]["t"] == "joined"
        await stream.until("live")
        (_, _, joined_at), *_, (_, _, live_at) = stream.events
        assert 0.2 < live_at - joined_at < 2


async def test_an_idle_stream_says_something(tmp_path: Path) -> None:
    async with whole(tmp_path, stream_comment_s=0.2) as chat, chat.stream(join()) as stream:
        await stream.until("joined")
        for number in range(3):
            said = asyncio.create_task(stream.until("posted"))
            await until(lambda before=stream.comments: stream.comments > before, "a comment")  # type: ignore[misc]  # mypy knows no default of a lambda
            sent = await chat.poll(join())
            await chat.send(post(f"line {number}"), seat=sent.joined["seat"])
            assert (await said)["text"] == f"line {number}"


# ---- how it ends -------------------------------------------------------------------------------


async def test_who_drops_the_connection_is_gone_as_from_a_socket(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat, chat.stream(join()) as stays:
        await stays.until("joined")
        async with chat.stream(join()) as goes:
            handle = (await goes.until("joined"))["handle"]
            assert chat.connected_by("sse") == 2
            assert handle in {person["handle"] for person in (await stays.until("presence"))["joined"]}
        left = await stays.until("presence")
        assert left["left"] == [handle]
        assert chat.connected_by("sse") == 1
        assert len(chat.node.gateway.connections) == 1


async def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat:
        async with chat.stream(join()) as stream:
            joined = await stream.until("joined")
            [answer] = await chat.send(post("one"), seat=joined["seat"])
            assert (await stream.until("posted"))["seq"] == answer["seq"] == 1
        await chat.send(post("two"), seat=joined["seat"])
        async with chat.stream(join(**proof(joined))) as stream:
            again = await stream.until("joined")
            assert again["recovered"]
            assert again["handle"] == joined["handle"]
            assert [event["text"] for event in again["events"]] == ["one", "two"]


async def test_a_refused_join_is_told_and_then_it_ends(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat, chat.stream(join(seat="forged")) as stream:
        said = await stream.rest()
        assert [(kind, frame.get("code")) for kind, frame in said] == [
            ("message", "seat_refused"),
            ("close", 1000),
        ]
        await until(lambda: chat.connected_by("sse") == 0, "its place is free")


async def test_an_erased_room_says_so_and_ends(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat, chat.stream(join()) as stream:
        await stream.until("joined")
        await chat.node.log.erase(ROOM)
        await chat.node.hub.compare_with_log()
        assert [frame.get("t") or frame["code"] for kind, frame in await stream.rest() if kind != "live"] == [
            "erased",
            1000,
        ]


async def test_a_drain_says_when_to_come_back_and_ends(tmp_path: Path) -> None:
    async with whole(tmp_path, drain_s=0.5) as chat, chat.stream(join()) as stream:
        await stream.until("joined")
        chat.server.should_exit = True
        said = [(frame.get("t"), frame.get("code")) for kind, frame in await stream.rest() if kind != "live"]
        assert said == [("going", None), (None, CloseCode.GOING)]


async def test_a_slow_reader_is_cut_and_holds_up_nobody(tmp_path: Path) -> None:
    async with (
        whole(tmp_path, max_buffer_bytes=65536, post_per_s=0) as chat,
        chat.stream(join()) as author,
    ):
        seat = (await author.until("joined"))["seat"]
        bare = socket.socket()
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        bare.setblocking(False)
        address = ("127.0.0.1", int(chat.url.rpartition(":")[2]))
        await asyncio.get_running_loop().sock_connect(bare, address)
        payload = json.dumps(join()).encode()
        head = "POST /sse HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(payload)}\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(bare, head.encode() + payload)
        await until(lambda: chat.connected_by("sse") == 2, "the slow one is in")
        reading = asyncio.create_task(author.rest())
        for _ in range(200):
            await chat.send(*(post("x" * 3900) for _ in range(15)), seat=seat)
            if chat.node.metrics.slow_readers_cut.value:
                break
        assert chat.node.metrics.slow_readers_cut.value == 1
        last = chat.node.hub.live[ROOM].head
        await until(lambda: author.events[-1][1].get("seq") == last, "the author sees everything")
        assert chat.node.metrics.closes[str(int(CloseCode.TOO_SLOW))].value == 1
        await until(lambda: chat.connected_by("sse") == 1, "the slow one is gone", within_s=5)
        # What it can still read ends without a hole, and with the reason where that got through.
        got = bytearray()
        try:
            while part := await asyncio.get_running_loop().sock_recv(bare, 65536):
                got += part
        except ConnectionError:
            pass
        bare.close()
        reading.cancel()
        await asyncio.wait([reading])
        seqs = [int(seq) for seq in re.findall(rb'"posted","room":"icu","seq":(\d+)', bytes(got))]
        assert seqs == list(range(1, len(seqs) + 1))


# ---- who may ask -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/sse", "/poll", "/send", "/probe"])
async def test_only_pages_that_may_ask_are_answered(tmp_path: Path, path: str) -> None:
    listed = "https://intranet.example.org"
    async with whole(tmp_path, origins=(listed,)) as chat:
        foreign = await chat.ask(path, {}, origin="https://elsewhere.example.org")
        assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
        assert "access-control-allow-origin" not in foreign.headers
        asked = await chat.http.options(path, headers={"origin": "https://elsewhere.example.org"})
        assert asked.status_code == 403
        assert not [name for name in asked.headers if name.startswith("access-control")]

        asked = await chat.http.options(
            path, headers={"origin": listed, "access-control-request-method": "POST"}
        )
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == listed
        assert asked.headers["access-control-allow-headers"] == "content-type"
        assert "access-control-allow-credentials" not in asked.headers
        assert "origin" in asked.headers["vary"].lower()
        answer = await chat.ask(path, {}, origin=listed)
        assert answer.status_code != 403
        assert answer.headers["access-control-allow-origin"] == listed
        assert (await chat.ask(path, {}, origin=chat.url)).status_code != 403


@pytest.mark.parametrize("path", ["/sse", "/poll", "/send", "/probe"])
async def test_bodies_are_bounded_and_json(tmp_path: Path, path: str) -> None:
    async with whole(tmp_path, handshake_timeout_s=0.5) as chat:
        plain = await chat.http.post(path, content=b"{}", headers={"content-type": "text/plain"})
        assert (plain.status_code, plain.json()["code"]) == (415, "not_json")
        large = await chat.ask(path, {"x": "y" * 70_000})
        assert (large.status_code, large.json()["code"]) == (413, "too_large")
        is_json = {"content-type": "application/json"}

        async def in_chunks() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 8_000

        assert (await chat.http.post(path, content=in_chunks(), headers=is_json)).status_code == 413
        broken = await chat.http.post(path, content=b'{"x', headers=is_json)
        assert (broken.status_code, broken.json()["code"]) == (400, "bad_frame")

        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", int(chat.url.rpartition(":")[2]))
        writer.write(head.encode())
        async with asyncio.timeout(PATIENCE_S):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_what_is_no_join_opens_nothing(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat:
        bodies: list[object] = [post("hello"), {"t": "join"}, join(secret="x"), []]
        for body in bodies:
            answer = await chat.ask("/sse", body)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")
            assert "hello" not in answer.text
        assert (await chat.ask("/sse", join(seat="x" * 40_000))).status_code == 413
        assert chat.connected_by("sse") == 0


async def test_a_full_server_says_when_to_come_back(tmp_path: Path) -> None:
    async with whole(tmp_path, max_connections=1) as chat, chat.stream(join()) as stream:
        seat = (await stream.until("joined"))["seat"]
        for path, body in (("/sse", join()), ("/poll", {"join": join()})):
            async with chat.http.stream("POST", path, json=body) as answer:
                assert answer.status_code == 503
                assert 5 <= int(answer.headers["retry-after"]) <= 30
        assert (await chat.send(post("still here"), seat=seat))[0]["t"] == "ok"
