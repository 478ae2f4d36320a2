"""The client's own HTTP, against servers and proxies that answer oddly, in pieces, late or not at all."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from chatd.client import Client, Refused, Unreachable, connect
from chatd.client import http as client_http
from chatd.client.http import Broken, HttpConnection, _Ear, _events, http_url
from chatd.client.requests import Requests, Status

MAX_BYTES = 100_000
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def answering(*answers: bytes, piece: int = 0, stays: bool = False) -> AsyncIterator[str]:
    """A server that gives one answer after the other, whatever it is asked; in pieces of that many bytes."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while left:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                answer = left.pop(0)
                size = piece or max(1, len(answer))
                for start in range(0, len(answer), size):
                    writer.write(answer[start : start + size])
                    await writer.drain()
                    await asyncio.sleep(0)
                if not stays:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


# ---- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [0, 1, 3])
@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
        OK + b"Connection: close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length:5\r\n\r\nhello",
    ],
    ids=["length", "chunks", "until the end", "1.0", "after a while"],
)
async def test_bodies_of_every_kind(answer: bytes, piece: int) -> None:
    async with answering(answer, piece=piece) as url, Requests(url, max_bytes=MAX_BYTES) as requests:
        head, body = await requests.post("/send", b"{}")
        assert (head.status, body) == (200, b"hello")


async def test_one_connection_for_request_after_request() -> None:
    answer = OK + b"Content-Length: 2\r\n\r\n{}"
    async with answering(answer, answer, stays=True) as url, Requests(url, max_bytes=MAX_BYTES) as requests:
        for _ in range(2):
            assert (await requests.post("/send", b"{}"))[1] == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        OK + b"Content-Length: 9\r\n\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhe",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
        OK + b"Transfer-Encoding: chunked\r\n\r\n\r\n",
        OK + b"X: " + b"y" * 200_000,
        OK + b"\r\n" + b"x" * (MAX_BYTES + 1),
    ],
    ids=["nothing", "no HTTP", "no status", "cut", "bad chunk", "cut chunk", "no size", "head", "large"],
)
async def test_what_is_no_answer_is_an_os_error(answer: bytes) -> None:
    async with answering(answer) as url, Requests(url, max_bytes=MAX_BYTES) as requests:
        with pytest.raises(OSError):
            await requests.post("/send", b"{}")


async def test_a_stream_that_is_refused_says_so() -> None:
    answer = b"HTTP/1.1 503 Full\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    async with answering(answer) as url, Requests(url, max_bytes=MAX_BYTES) as requests:
        async with aclosing(requests.stream("/sse", b"{}")) as parts:
            with pytest.raises(Status) as refused:
                await anext(parts)
        assert (refused.value.status, refused.value.retry_after_s) == (503, 7)


@pytest.mark.parametrize("url", ["ftp://x", "ws://x", "nonsense"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        Requests(url, max_bytes=1)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://chat.example.org/", "https://chat.example.org"),
        ("http://x:8000/room/icu#ticket=y", "http://x:8000"),
        ("wss://x/chat/ws", "https://x/chat"),
        ("https://x/chat/room/icu", "https://x/chat"),
    ],
)
def test_where_the_server_is(url: str, wanted: str) -> None:
    assert http_url(url) == wanted


# ---- events ------------------------------------------------------------------------------------


async def parts_of(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        yield part


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_events_come_in_whatever_pieces(size: int) -> None:
    whole = (
        ': padding\n\ndata: {"a":"ü"}\n\nevent: live\ndata: {}\n\r\n'
        "data: 1\ndata: 2\n\nid: 3\n\nevent: none\n\n"
    ).encode()
    parts = [whole[start : start + size] for start in range(0, len(whole), size)]
    heard = [event async for event in _events(parts_of(*parts), MAX_BYTES)]
    assert heard == [("message", '{"a":"ü"}'), ("live", "{}"), ("message", "1\n2")]


async def test_an_event_without_an_end_is_bounded() -> None:
    with pytest.raises(OSError, match="too large"):
        _ = [event async for event in _events(parts_of(b"data: " + b"x" * 200), 100)]


async def test_a_stream_that_goes_silent_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_http, "SILENT_S", 0.05)
    never = asyncio.Event()

    async def silent() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        await never.wait()

    events = _events(silent(), MAX_BYTES)
    assert await anext(events) == ("message", "1")
    with pytest.raises(TimeoutError):
        await anext(events)


# ---- what is kept of a room --------------------------------------------------------------------


def joined(head: int, events: list[dict[str, Any]], *handles: str, **fields: Any) -> dict[str, Any]:
    return {
        "t": "joined",
        "id": 1,
        "room": "icu",
        "epoch": "e1",
        "head": head,
        "seat": f"seat-{head}",
        "recovered": False,
        "events": events,
        "roster": [{"handle": handle} for handle in handles],
        "count": len(handles),
    } | fields


def test_another_server_goes_on_where_the_first_one_was() -> None:
    ear = _Ear({"t": "join", "id": 1, "room": "icu", "ticket": "T"})
    assert ear.join_now()["ticket"] == "T"
    assert ear.heard(joined(1, [{"t": "posted", "seq": 1}], "a", "b"))[0]["t"] == "joined"
    ear.heard({"t": "posted", "room": "icu", "seq": 2})
    ear.heard(
        {"t": "presence", "room": "icu", "joined": [{"handle": "c"}], "left": ["b"], "away": [], "back": []}
    )
    now = ear.join_now()
    assert (now["seat"], now["epoch"], now["after"], "ticket" in now) == ("seat-1", "e1", 2, False)
    moved = ear.heard(
        joined(3, [{"t": "posted", "seq": 2}, {"t": "posted", "seq": 3}], "a", "d", recovered=True)
    )
    assert [frame.get("seq") for frame in moved] == [3, None]
    assert (moved[1]["left"], [person["handle"] for person in moved[1]["joined"]]) == (["c"], ["a", "d"])
    assert (ear.join_now()["after"], ear.seat) == (3, "seat-3")


def test_where_the_other_server_cannot_go_on_it_is_a_break() -> None:
    for odd in ({"recovered": False}, {"recovered": True, "epoch": "e2"}):
        ear = _Ear({"t": "join", "id": 1, "room": "icu"})
        ear.heard(joined(1, [], "a"))
        with pytest.raises(Broken):
            ear.heard(joined(9, [], "a", **odd))


# ---- what ends a connection --------------------------------------------------------------------


def answer(status: str, body: object = None, **fields: str) -> bytes:
    encoded = b"" if body is None else json.dumps(body).encode()
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(encoded)}\r\n\r\n".encode() + encoded


@pytest.mark.parametrize(
    ("status", "code"),
    [("403 No", 1008), ("404 No", 1008), ("413 No", 1009), ("503 Full", 4003), ("502 Bad", 1006)],
)
async def test_the_status_says_whether_to_come_back(
    status: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_http, "PAUSE_S", 0.0)
    async with answering(*[answer(status)] * 9, stays=True) as url:
        connection = await HttpConnection(url, "poll", max_bytes=MAX_BYTES).open()
        await connection.send(json.dumps({"t": "join", "id": 1, "room": "icu"}))
        async with asyncio.timeout(10):
            assert [message async for message in connection] == []
        assert connection.close_code == code
        await connection.close()


def by_polls(url: str) -> Client:
    return connect(url, transport="poll")


async def test_a_refused_join_is_told_to_who_asked() -> None:
    refused = {"t": "error", "id": 1, "code": "ticket_needed", "message": "Show a ticket."}
    told = answer("200 OK", {"link": "l", "n": 1, "frames": [refused], "close": {"code": 1000, "reason": ""}})
    async with answering(told, stays=True) as url, by_polls(url) as client:
        with pytest.raises(Refused, match="ticket_needed"):
            await client.join("icu")


async def test_nobody_there() -> None:
    with pytest.raises(Unreachable):
        async with by_polls("http://127.0.0.1:9"):
            pass


def test_over_http_frames_are_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        connect("http://x", transport="sse", codec="msgpack")
