"""`chatd doctor --url`: tries every way to a server from this machine, and says what works and what does not.

    Seen  <-  measure: one thread per lane, every step with a bound      judge  ->  what is printed

The same checks in the same order as the page /doctor, which says what a browser can say. Nothing is
joined and nothing is left behind: rooms are only asked for what they refuse. What is printed holds no
address and no name.
"""

import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from chatd.doctor.findings import (
    Report,
    State,
    as_text,
    judge,
    products,
    quiet_times,
    rounded,
    words,
)
from chatd.doctor.framing import origin_of
from chatd.doctor.http import FAILURES, FIRST, Answer, Reach
from chatd.doctor.seen import (
    Answered,
    Clock,
    Frame,
    Latency,
    Quiet,
    Seen,
    Sending,
    Server,
    Storage,
    Stream,
    WebSocket,
)
from chatd.doctor.tls import look

T = TypeVar("T")

ROOM: Final = "doctor"
JOIN: Final = {"t": "join", "id": 1, "room": ROOM, "seat": ROOM}
"""Refused by every server: by most because there is no such room, by all because this is no seat."""
SENT: Final = json.dumps({"frames": [{"t": "leave", "id": 1, "room": ROOM}]}).encode()
"""Something to send: nobody leaves who has not come."""
ECHO: Final = "doctor-äß€-" + "0123456789" * 5
"""An id that comes back as it went, unless somebody rewrites what passes; 61 characters of at most 64."""
LONG_TEXT: Final = "\N{WHITE HEART}" * 4_000
"""The longest post there may be: 16 KiB in one message."""
SIZES_KIB: Final = (1, 16, 60)
STREAM_FOR_S: Final = 3
"""How long the stream goes on that shows what is held back: longer than a page waits (`live_s`)."""
GRACE_S: Final = 2.0
"""How much later than due something may come."""
STYLES: Final[dict[State, str]] = {"ok": "green", "slow": "yellow", "blocked": "bold red", "unknown": "dim"}
BROKEN: Final = (*FAILURES, InvalidHandshake, InvalidURI, ConnectionClosed)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`idle_s`: how long to keep connections quiet. `framed_by`: the address of an intranet page."""

    url: str
    framed_by: str | None = None
    idle_s: int | None = None


def run(options: Options, console: Console) -> int:
    """Look, and print; 0 where the rooms can be used from here, otherwise 1.

    `ValueError`, with a sentence, where the options make no sense.
    """
    reach = Reach.to(options.url)
    if options.framed_by is not None and origin_of(options.framed_by) is None:
        raise ValueError("name the intranet page by its address, with https:// in front")
    with console.status(words().verdicts["looking"][1]):
        report = judge(measure(reach, options))
    if console.is_terminal:
        show(report, console)
    else:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        console.print(Text(as_text(report, day=day, seen_with="terminal")), soft_wrap=True, end="")
    return 1 if report.verdict == "none" else 0


def show(report: Report, console: Console) -> None:
    """The report for a person: what it comes to first, then the checks with their words."""
    console.print(Text(report.sentence, style="bold"))
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for finding in report.findings:
        said = Text(finding.says)
        said.append(f"\nIT: {finding.it}", style="italic")
        table.add_row(Text(words().states[finding.state], style=STYLES[finding.state]), finding.title, said)
    console.print(table)


def measure(reach: Reach, options: Options) -> Seen:
    """Everything that can be seen from a terminal, within `budget_s` unless `idle_s` asks for more."""
    limits = words().limits
    ends_at = time.monotonic() + limits.budget_s + (options.idle_s or 0)
    within_s = float(limits.answer_s)
    reach, certificate = look(reach.ending(ends_at), within_s=within_s)
    before = time.time()
    first = reach.ask("GET", "/doctor/seen", within_s=within_s)
    arrived = first.json() or {}
    ours = first.status == 200 and arrived.get("chatd") == 1
    left_s = int(ends_at - time.monotonic() - GRACE_S - 1)
    quiet_s = options.idle_s or min(limits.idle_s, left_s)

    with ThreadPoolExecutor(8, "doctor") as lanes:

        def start(step: Callable[..., T], *arguments: Any) -> "Future[T]":
            return lanes.submit(step, reach, *arguments)

        quiet = [start(keep_quiet, silent_s) for silent_s in quiet_times(quiet_s)]
        socket, stream = start(try_websocket, quiet_s), start(try_stream)
        polling, frame = start(try_polling), start(try_frame, options)
        latency, sending = start(try_speed_and_sending).result()
        websocket, quiet_socket = socket.result()
        streamed = stream.result()
        idle = [quiet_socket, *(one.result() for one in quiet)]
        return Seen(
            products=products(first.fields),
            server=Server(first.status, ours, str(arrived.get("http", ""))[:3] if ours else ""),
            certificate=msgspec.structs.replace(
                certificate,
                behind=str(arrived.get("forwarded", "")),
                via=arrived.get("via") is True or "via" in first.fields,
            ),
            clock=Clock(_off_s(first, before)),
            latency=latency,
            websocket=websocket,
            stream=streamed,
            buffering=streamed,
            polling=polling.result(),
            sending=sending,
            idle=tuple(one for one in idle if one is not None),
            frame=frame.result(),
            storage=Storage(),
        )


# ---- the steps: each with a bound, none raises for what a network can do -------------------------


def _off_s(answer: Answer, before: float) -> int | None:
    """How far this clock is ahead of the server's. A Date has whole seconds: it is half a second older."""
    try:
        said = parsedate_to_datetime(answer.fields.get("date", "")).timestamp()
    except ValueError:
        return None
    return rounded(before + answer.ms / 2000 - said - 0.5)


def try_websocket(reach: Reach, quiet_s: int) -> tuple[WebSocket, Quiet | None]:
    """A handshake, an echo, a long message; and then the same connection kept quiet."""
    within_s = reach.within(words().limits.answer_s)
    try:
        with connect(
            reach.websocket,
            ssl=reach.trust,
            proxy=True if reach.proxy() else None,
            origin=Origin(reach.origin),  # as the page would: whether that is welcome is part of it
            subprotocols=[Subprotocol("chatd.v1.json")],
            compression=None,
            open_timeout=within_s,
            ping_interval=None,
            close_timeout=1,
        ) as socket:
            try:
                rounds = [_echo_ms(reach, socket) for _ in range(words().limits.tries)]
            except BROKEN:
                return WebSocket(opened=True), None
            ms = rounded(statistics.median(rounds))
            try:
                text = {"t": "post", "id": 2, "room": ROOM, "key": ROOM, "text": LONG_TEXT}
                _answer(reach, socket, text, 2)
            except BROKEN:
                return WebSocket(opened=True, echoed=True, ms=ms), None
            return WebSocket(opened=True, echoed=True, large=True, ms=ms), _kept_quiet(reach, socket, quiet_s)
    except InvalidStatus as error:
        return WebSocket(status=error.response.status_code), None
    except BROKEN:
        return WebSocket(), None


def _answer(reach: Reach, socket: ClientConnection, frame: dict[str, Any], id_: int | str) -> None:
    """Return when the frame with this id came back. TimeoutError where it does not in time."""
    socket.send(json.dumps(frame, ensure_ascii=False))
    deadline = time.monotonic() + reach.within(words().limits.answer_s)
    while True:
        heard = json.loads(socket.recv(timeout=max(0.0, deadline - time.monotonic())))
        if heard.get("id") == id_:
            return


def _echo_ms(reach: Reach, socket: ClientConnection) -> float:
    """There and back, with a command that is answered from memory: nobody leaves who has not come."""
    begun = time.monotonic()
    _answer(reach, socket, {"t": "leave", "id": ECHO, "room": ROOM}, ECHO)
    return (time.monotonic() - begun) * 1000


def _kept_quiet(reach: Reach, socket: ClientConnection, quiet_s: int) -> Quiet | None:
    """Nothing said for `quiet_s`, and then an echo. None where the server itself ended it."""
    try:
        _answer(reach, socket, {"t": "draw", "id": 3, "room": ROOM}, 3)  # who draws may stay without a room
        begun = time.monotonic()
        quiet_s = int(reach.within(quiet_s))
        if not quiet_s:
            return None  # what came before took all the time there was
        try:
            while True:
                socket.recv(timeout=max(0.0, begun + quiet_s - time.monotonic()))
        except TimeoutError:
            pass
        except ConnectionClosed as error:
            said_goodbye = error.rcvd is not None
            return None if said_goodbye else _cut(quiet_s, time.monotonic() - begun)
        _echo_ms(reach, socket)
    except BROKEN:
        return Quiet(quiet_s, held=False)
    return Quiet(quiet_s, held=True)


def _cut(quiet_s: int, after_s: float) -> Quiet:
    return Quiet(quiet_s, held=False, cut_s=max(1, rounded(after_s)))


def try_stream(reach: Reach) -> Stream:
    """What comes of a stream, and when; then whether the one that rooms use is let through."""
    limits, came = words().limits, dict[str, float]()

    def heard(name: str, ms: float) -> bool:
        came.setdefault(name, ms)
        return "live" in came

    within_s = reach.within(STREAM_FOR_S + limits.first_byte_s)
    head = reach.listen(f"/probe?for_s={STREAM_FOR_S}", heard, within_s=within_s)
    seen = Stream(
        status=head.status,
        events="text/event-stream" in head.fields.get("content-type", ""),
        first_ms=rounded(came[FIRST]) if FIRST in came else None,
        live_ms=rounded(came["live"]) if "live" in came else None,
    )
    if seen.first_ms is None:
        return seen
    post = reach.ask("POST", "/sse", json.dumps(JOIN).encode(), within_s=reach.within(limits.answer_s))
    return msgspec.structs.replace(seen, post=post.status)


def keep_quiet(reach: Reach, silent_s: int) -> Quiet | None:
    """A stream on which nothing is said for `silent_s`. None where there was none to begin with."""
    came: list[tuple[str, float]] = []

    def heard(name: str, ms: float) -> bool:
        came.append((name, ms))
        return name == "tick"

    path = f"/probe?for_s={silent_s}&every_s={silent_s}"
    over = reach.listen(path, heard, within_s=silent_s + GRACE_S)
    if not came:
        return None
    if came[-1][0] == "tick":
        return Quiet(silent_s, held=True)
    if over.ms >= (silent_s + GRACE_S) * 1000:
        return Quiet(silent_s, held=False)
    return _cut(silent_s, (over.ms - came[-1][1]) / 1000)


def try_polling(reach: Reach) -> Answered:
    body = json.dumps({"join": JOIN, "wait_s": 1}).encode()
    answer = reach.ask("POST", "/poll", body, within_s=reach.within(words().limits.answer_s))
    return Answered(answer.status, "frames" in (answer.json() or {}), rounded(answer.ms))


def try_speed_and_sending(reach: Reach) -> tuple[Latency, Sending]:
    """Small bodies on one connection, as a page sends them; then larger ones."""
    limits = words().limits
    rounds: list[float] = []
    try:
        with closing(reach.connection(reach.within(limits.answer_s))) as connection:
            for _ in range(limits.tries):
                begun = time.monotonic()
                reach.send(connection, "POST", "/probe", b"{}").read()
                rounds.append((time.monotonic() - begun) * 1000)
    except FAILURES:
        rounds.clear()
    median = rounded(statistics.median(rounds)) if rounds else None
    return Latency(median, len(rounds)), _try_sending(reach)


def _try_sending(reach: Reach) -> Sending:
    passed = 0
    for kib in SIZES_KIB:
        # Space between the parts of JSON means nothing, so any size is a message that can be read.
        body = SENT[:-1].ljust(kib * 1024 - 1) + SENT[-1:]
        answer = reach.ask("POST", "/send", body, within_s=reach.within(words().limits.answer_s))
        if answer.status != 200 or "frames" not in (answer.json() or {}):
            return Sending(passed, kib, answer.status)
        passed = kib
    return Sending(passed)


def try_frame(reach: Reach, options: Options) -> Frame:
    """What the page that is put into frames says about who may do so."""
    host = None if options.framed_by is None else origin_of(options.framed_by)
    if host is None:
        return Frame()
    room = urlsplit(options.url).path.partition("/room/")[2].partition("/")[0] or ROOM
    answer = reach.ask("GET", f"/embed/{room}", within_s=reach.within(words().limits.answer_s))
    return Frame(
        host=host,
        own=reach.origin,
        status=answer.status,
        policies=answer.fields.get("content-security-policy", ""),
        options=answer.fields.get("x-frame-options", ""),
    )
