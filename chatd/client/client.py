"""The client itself: one connection, which comes back, and the rooms that go over it."""

import asyncio
import json
import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import msgpack  # type: ignore[import-untyped]  # it ships no types
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from chatd.client.http import HttpConnection
from chatd.client.items import (
    PASSING_AT_THE_DOOR,
    Backoff,
    Closed,
    Drawn,
    Frame,
    NotChatd,
    Refused,
    StartedAnew,
    Unreachable,
    Unsendable,
    refused,
)
from chatd.client.room import Room, patiently

Codec: TypeAlias = Literal["json", "msgpack"]
Transport: TypeAlias = Literal["ws", "sse", "poll"]
"""How frames are carried. By "sse" and "poll" they are JSON, and each room is a request of its own."""

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""The largest frame taken from the server: a `joined` may carry hundreds of long posts."""
NOT_BACK: Final = frozenset({1002, 1003, 1007, 1008, 1009})
"""Standard close codes that a client should not answer by connecting again."""
NOT_BACK_STATUS: Final = frozenset({400, 401, 403, 404, 410, 426})
"""The same, of the HTTP answers to a handshake."""
MAX_RETRY_AFTER_S: Final = 120
_PASSING_ON_RETURN: Final = PASSING_AT_THE_DOOR | {"not_joined", "seat_refused"}
"""Refusals of a seat once held that pass: the last two are for a join that an erasure crossed."""
_FULL: Final = 4003
_MAX_TRIES: Final = 5


def connect(
    url: str,
    *,
    codec: Codec = "json",
    transport: Transport = "ws",
    backoff: Backoff | None = None,
    max_in_flight: int = 64,
    max_inbox: int = 10_000,
    compression: bool = False,
) -> "Client":
    """A client of the server at `url`, to be entered with `async with`.

    `url` is the lobby's (http, https), a room's page, or the socket's own (ws, wss).
    """
    return Client(
        url,
        codec=codec,
        transport=transport,
        backoff=backoff or Backoff(),
        max_in_flight=max_in_flight,
        max_inbox=max_inbox,
        compression=compression,
    )


def websocket_url(url: str) -> str:
    """The socket of the server whose lobby or room page is at `url`; a ws(s) URL is one already."""
    parts = urlsplit(url)
    if parts.scheme in {"ws", "wss"}:
        return url
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("a URL that begins with http, https, ws or wss is needed")
    base = parts.path.partition("/room/")[0].rstrip("/")
    return urlunsplit(("ws" + parts.scheme[4:], parts.netloc, f"{base}/ws", "", ""))


def comes_back(code: int) -> bool:
    """Whether to connect again after this close code: 41xx says no, and so do five of RFC 6455's."""
    return not 4100 <= code < 4200 and code not in NOT_BACK


_Carrier: TypeAlias = ClientConnection | HttpConnection
"""What carries frames: `send`, `close`, `close_code`, and messages to iterate."""


@dataclass(slots=True, eq=False)
class _Ask:
    """A command that waits for its answer; `sent_on` is the number of the connection it went out on."""

    frame: Frame
    message: str | bytes
    room: Room | None
    answer: asyncio.Future[Frame]
    sent_on: int = 0
    tries: int = 0


class Client:
    """One connection and its rooms. Made by `connect`; `reconnects` counts the breaks mended."""

    def __init__(
        self,
        url: str,
        *,
        codec: Codec,
        transport: Transport,
        backoff: Backoff,
        max_in_flight: int,
        max_inbox: int,
        compression: bool,
    ) -> None:
        if transport != "ws" and codec != "json":
            raise ValueError("over HTTP frames are JSON")
        self.url = websocket_url(url)
        self.codec = codec
        self.transport = transport
        self.backoff = backoff
        self.max_inbox = max_inbox
        self.compression = compression
        self.reconnects = 0
        self._rooms: dict[str, Room] = {}
        self._joins: dict[int, Room] = {}
        self._asks: dict[int, _Ask] = {}
        self._slots = asyncio.Semaphore(max_in_flight)
        self._outbox: asyncio.Queue[str | bytes] | None = None
        self._deadline: asyncio.Timeout | None = None
        self._back_at: float | None = None
        self._connection = 0
        self._failures = 0
        self._last_id = 0
        self._last_key = 0
        self._key_prefix = secrets.token_urlsafe(9)
        self._end: Exception | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Client":
        """Connect. `Unreachable` or `NotChatd` where that fails: only what was there comes back by itself."""
        try:
            websocket = await self._open()
        except (OSError, InvalidHandshake) as error:
            raise Unreachable(_why(error)) from error
        self._running = asyncio.create_task(self._run(websocket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait([self._running])
        self._finish(None)
        if not self._running.cancelled():
            self._running.result()  # a crash in here is the caller's to hear of

    async def join(
        self,
        room: str,
        *,
        ticket: str | None = None,
        seat: str | None = None,
        offer: str | None = None,
        epoch: str | None = None,
        after: int | None = None,
        patience_s: float = 0.0,
    ) -> Room:
        """Take a seat. The room's items then begin with `CleanStart` or `Recovered`.

        `seat`, `epoch` and `after` (the attributes of a `Room`) continue an earlier seat.
        """
        if room in self._rooms:
            raise ValueError("this connection sits in that room already")
        proof = {name: value for name, value in (("ticket", ticket), ("offer", offer)) if value is not None}

        async def enter() -> Room:
            return await self._enter(Room(self, room, seat=seat, epoch=epoch, after=after, proof=proof))

        return await patiently(enter, patience_s)

    async def draw(self, room: str, *, ticket: str | None = None) -> Drawn:
        """Look at a handle before joining, and have `ticket` looked at. Nothing is kept or used up."""
        proof = {} if ticket is None else {"ticket": ticket}
        answer = await self.ask("draw", None, {"room": room, **proof})
        return Drawn(answer["handle"], answer["offer"])

    # -- the line (see `client_room.Line`)

    async def ask(self, kind: str, room: Room | None, fields: Frame) -> Frame:
        async with self._slots:
            if self._end is not None:
                raise self._end
            if room is not None and (room.left or room.end is not None):
                raise room.end or Closed(1000)
            frame: Frame = {"t": kind, "id": self._new_id(), **fields}
            if room is not None:
                frame["room"] = room.name
            # Encoded here and once: what cannot be is the asker's to hear of, never the connection's.
            ask = _Ask(frame, self._encoded(frame), room, asyncio.get_running_loop().create_future())
            self._asks[frame["id"]] = ask
            try:
                self._send_ask(ask)
                return await ask.answer
            finally:
                del self._asks[frame["id"]]

    def send(self, frame: Frame) -> None:
        """Queue a frame. The queue is bounded by what may be in flight and the rooms one sits in."""
        if self._outbox is not None:
            self._outbox.put_nowait(self._encoded(frame))

    def new_key(self) -> str:
        """Random text, with a count that makes it new each time. The log keeps a digest, never the key."""
        self._last_key += 1
        return f"{self._key_prefix}{self._last_key:08x}"

    def join_again(self, room: Room) -> None:
        room.wait_no_more()
        if self._outbox is not None and room.joining is None and self._rooms.get(room.name) is room:
            room.joining = self._new_id()
            self._joins[room.joining] = room
            self.send({**room.join_frame(), "id": room.joining})

    def forget(self, room: Room) -> None:
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]
        room.finish(None)

    # -- asking

    async def _enter(self, room: Room) -> Room:
        if self._end is not None:
            raise self._end
        self._encoded(room.join_frame())  # here, where it can be told; it may be sent only later
        self._rooms[room.name] = room
        self.join_again(room)
        try:
            await room.entered
        except BaseException:
            self.forget(room)
            raise
        return room

    def _send_ask(self, ask: _Ask) -> None:
        here = ask.room is None or ask.room.seated
        if self._outbox is not None and here and ask.sent_on != self._connection:
            self._outbox.put_nowait(ask.message)
            ask.sent_on = self._connection
            ask.tries += 1

    def _encoded(self, frame: Frame) -> str | bytes:
        """The message of a frame; `Unsendable` where there is none. The error quotes nothing of it."""
        try:
            if self.codec == "json":
                text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
                text.encode()
                return text
            packed: bytes = msgpack.packb(frame)
        except (TypeError, ValueError, OverflowError):
            raise Unsendable("this cannot be sent: it is not text that can be encoded") from None
        return packed

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    # -- hearing

    def _received(self, message: str | bytes) -> None:
        frame: Frame = json.loads(message) if self.codec == "json" else msgpack.unpackb(message)
        kind, room = frame["t"], self._rooms.get(frame.get("room", ""))
        if frame.get("id") is not None:
            self._on_answer(frame)
        elif kind == "going":
            self._back_at = asyncio.get_running_loop().time() + frame["reconnect_in_s"]
            if self._deadline is not None:
                self._deadline.reschedule(self._back_at)
        elif room is None:
            pass  # of a room just left, or an error that names no command
        elif kind == "presence":
            room.on_presence(frame)
        elif kind == "typing":
            room.on_typing(frame)
        elif kind == "erased":
            room.on_erased(frame)
            self.join_again(room)
        elif kind == "session":
            room.on_session(frame)
        elif kind == "put_out":
            self._end_room(room, refused(frame))
        elif "seq" in frame:
            room.on_event(frame)

    def _on_answer(self, frame: Frame) -> None:
        joiner = self._joins.pop(frame["id"], None)
        ask = self._asks.get(frame["id"])
        if joiner is not None:
            self._on_join_answer(joiner, frame)
        elif ask is None or ask.answer.done():
            pass  # its asker gave up
        elif frame["t"] != "error":
            ask.answer.set_result(frame)
        elif frame["code"] == "not_joined" and ask.room is not None and ask.tries < _MAX_TRIES:
            ask.sent_on = 0  # the server lost the seat: take it again, then ask again
            ask.room.seated = False
            self.join_again(ask.room)
        elif frame["code"] == "not_found" and ask.frame["t"] == "withdraw" and ask.tries > 1:
            ask.answer.set_result({})  # the first try was heard, and its answer was lost
        else:
            ask.answer.set_exception(refused(frame))

    def _on_join_answer(self, room: Room, frame: Frame) -> None:
        if room.joining != frame["id"]:
            return  # the room was left meanwhile
        if frame["t"] == "joined":
            self._failures = 0
            self._on_joined(room, same=room.on_joined(frame))
            return
        room.joining = None
        if frame["t"] == "waiting":
            room.on_waiting(frame)
            room.again = asyncio.get_running_loop().call_later(frame["retry_s"], self.join_again, room)
            return
        no = refused(frame)
        if not room.entered.done():
            room.entered.set_exception(no)
        elif no.code == "seat_refused" and room.seat is not None:
            room.seat = room.after = None
            self.join_again(room)
        elif no.code in _PASSING_ON_RETURN:
            self._failures += 1
            wait_s = max(no.retry_after_s or 0.0, self.backoff.delay_s(self._failures))
            room.again = asyncio.get_running_loop().call_later(wait_s, self.join_again, room)
        else:
            self._end_room(room, no)

    def _end_room(self, room: Room, no: Refused) -> None:
        """We do not belong in there any more."""
        self._rooms.pop(room.name, None)
        room.finish(no)
        self._fail([ask for ask in self._asks.values() if ask.room is room], no)

    def _on_joined(self, room: Room, *, same: bool) -> None:
        if room.called_away:
            self.send({"t": "away", "id": self._new_id(), "room": room.name, "away": True})
        mine = [ask for ask in self._asks.values() if ask.room is room]
        if same:
            for ask in mine:
                self._send_ask(ask)
        else:
            self._fail(mine, StartedAnew("the room began anew before this was answered"))

    def _fail(self, asks: list[_Ask], error: Exception) -> None:
        for ask in asks:
            if not ask.answer.done():
                ask.answer.set_exception(error)

    # -- connecting, and connecting again

    async def _open(self) -> "_Carrier":
        if self.transport != "ws":
            return await HttpConnection(self.url, self.transport, max_bytes=MAX_ANSWER_BYTES).open()
        subprotocol = Subprotocol(f"chatd.v1.{self.codec}")
        websocket = await open_websocket(
            self.url,
            subprotocols=[subprotocol],
            compression="deflate" if self.compression else None,
            max_size=MAX_ANSWER_BYTES,
            max_queue=256,
            close_timeout=2,
        )
        if websocket.subprotocol != subprotocol:
            await websocket.close(1002)
            raise NotChatd(f"the server does not speak {subprotocol}")
        return websocket

    async def _run(self, websocket: "_Carrier | None") -> None:
        """Talk, and come back after each break, until the end. Whatever ends it ends every room."""
        try:
            while websocket is not None:
                code = await self._talk(websocket)
                for room in self._rooms.values():
                    room.on_lost(code)
                if not comes_back(code):
                    self._finish(Closed(code))
                    return
                if code == _FULL:
                    self._failures = max(self._failures, 4)  # the server asks for a while, not a moment
                websocket = await self._open_again()
        except NotChatd as error:
            self._finish(error)
        except (KeyError, TypeError, ValueError) as error:
            broken = NotChatd("the server sent a frame that could not be read")
            broken.__cause__ = error
            self._finish(broken)
        except Exception as error:
            self._finish(error)
            raise

    async def _talk(self, websocket: "_Carrier") -> int:
        """One connection, from its first frame to its close code (1006 where there is none)."""
        self._connection += 1
        self._joins.clear()
        outbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._outbox = outbox
        writer = asyncio.create_task(_write(websocket, outbox))
        try:
            for room in self._rooms.values():
                self.join_again(room)
            for ask in self._asks.values():
                if ask.room is None:
                    self._send_ask(ask)
            async with asyncio.timeout(None) as self._deadline:
                async for message in websocket:
                    self._received(message)
        except (ConnectionClosed, TimeoutError):
            pass  # a break; or `going`, and its time has come
        finally:
            self._outbox = self._deadline = None
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            await websocket.close()
        return websocket.close_code or 1006

    async def _open_again(self) -> "_Carrier | None":
        """A new connection, or None where the attempts are used up or the server wants us no more."""
        while True:
            if self.backoff.attempts is not None and self._failures >= self.backoff.attempts:
                self._finish(Unreachable(f"no seat after {self._failures} attempts"))
                return None
            back_at, self._back_at = self._back_at, None
            wait_s = self.backoff.delay_s(self._failures)
            if back_at is not None:
                wait_s = back_at - asyncio.get_running_loop().time()
            await asyncio.sleep(wait_s)
            self._failures += 1
            try:
                websocket = await self._open()
            except InvalidStatus as error:
                if error.response.status_code in NOT_BACK_STATUS:
                    self._finish(Unreachable(_why(error)))
                    return None
                self._back_at = _retry_after(error)
            except (OSError, InvalidHandshake):
                pass  # the network, or a server on its way up: again, and later
            else:
                self.reconnects += 1
                return websocket

    def _finish(self, error: Exception | None) -> None:
        """The end of everything. The first reason stays."""
        if self._end is not None:
            return
        self._end = error or Closed(1000)
        for room in self._rooms.values():
            room.finish(error)
        self._rooms.clear()
        self._fail(list(self._asks.values()), self._end)


async def _write(websocket: "_Carrier", outbox: asyncio.Queue[str | bytes]) -> None:
    while True:
        await websocket.send(await outbox.get())


def _retry_after(error: InvalidStatus) -> float | None:
    """When a full server asks us back, on the loop's clock; None where it does not say, or says too much."""
    said = error.response.headers.get("Retry-After", "")
    if said.isascii() and said.isdecimal() and int(said[:9]) <= MAX_RETRY_AFTER_S:
        return asyncio.get_running_loop().time() + int(said)
    return None


def _why(error: Exception) -> str:
    """Why there is no connection, without the address that an OSError would name."""
    if isinstance(error, InvalidStatus):
        return f"the server answered the handshake with {error.response.status_code}"
    return f"no connection could be made ({type(error).__name__})"
