"""HTTP for the doctor in the terminal: small requests and streams, timed, through the proxy of this machine.

    reach = Reach.to("https://chat.example.org")       # also a room's address
    answer = reach.ask("POST", "/probe", {...})        # never raises for what a network can do
    reach.listen("/probe?for_s=2", ...)                # server-sent events, as they arrive

Only the standard library, and blocking: the doctor gives each check a thread. A proxy is taken from the
environment, as browsers take it from the system. Sends nothing about anybody.
"""

import http.client
import json
import math
import ssl
import time
import urllib.request
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

MAX_BODY_BYTES: Final = 256 * 1024
"""What is read of one answer; the doctor asks for nothing larger."""
FAILURES: Final = (OSError, http.client.HTTPException, ValueError, zlib.error)
"""What a path can do to a request; ssl.SSLError and TimeoutError are kinds of the first."""
HAIR_S: Final = 0.1
"""What is left to an answer that is asked for after the end."""
FIRST: Final = "first bytes"
"""What `listen` calls the beginning; no event is called like that."""


class Answer(msgspec.Struct, frozen=True):
    """`status` is None where none came. `fields` has names in lower case, and repeated ones joined."""

    status: int | None = None
    ms: float = 0.0
    fields: dict[str, str] = {}
    body: bytes = b""

    def json(self) -> Any:
        """The body; None where it is no JSON object."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return read if isinstance(read, dict) else None


class Reach(msgspec.Struct, frozen=True):
    """How to get to one server. `trust` is for TLS; None where the address has none."""

    scheme: str
    host: str
    port: int
    base: str
    trust: ssl.SSLContext | None
    ends_at: float = math.inf
    """When the whole look is over (`time.monotonic`): as it comes nearer, an answer has less time."""

    @classmethod
    def to(cls, url: str) -> "Reach":
        """`ValueError` where `url` is no address of http or https."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("an address that begins with http:// or https:// is needed")
        base = parts.path.partition("/room/")[0].partition("/embed/")[0].partition("/doctor")[0].rstrip("/")
        trust = ssl.create_default_context() if parts.scheme == "https" else None
        port = parts.port or (443 if trust else 80)
        return cls(parts.scheme, parts.hostname, port, base, trust)

    def trusting(self, trust: ssl.SSLContext) -> "Reach":
        """The same, with other trust."""
        return msgspec.structs.replace(self, trust=trust)

    def ending(self, ends_at: float) -> "Reach":
        """The same, with an end over all."""
        return msgspec.structs.replace(self, ends_at=ends_at)

    def within(self, bound_s: float) -> float:
        """`bound_s`, or what is left until the end: never nothing, so that a step fails as steps do."""
        return min(bound_s, max(HAIR_S, self.ends_at - time.monotonic()))

    @property
    def origin(self) -> str:
        """As the browser of a person who opened the page would send it."""
        usual = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{self._authority(usual)}"

    @property
    def websocket(self) -> str:
        return f"ws{self.origin[4:]}{self.base}/ws"

    @property
    def local(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """A connection, not opened yet, to the server or to the proxy before it."""
        proxy = self.proxy()
        host, port = (self.host, self.port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
        if self.trust is None:
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        secure = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self.trust)
        if proxy is not None:
            secure.set_tunnel(self.host, self.port, headers=_authorized(proxy))
        return secure

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, within_s: float, origin: bool = True
    ) -> Answer:
        """One request and its whole answer. `Answer()` where none came in time."""
        begun = time.monotonic()
        try:
            with closing(self.connection(within_s)) as connection:
                response = self.send(connection, method, path, body, origin=origin)
                read = _read(response, connection, begun + within_s)
                read = _unpacking(response)(read)
                return Answer(response.status, (time.monotonic() - begun) * 1000, _fields(response), read)
        except FAILURES:
            return Answer(ms=(time.monotonic() - begun) * 1000)

    def send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        origin: bool = True,
    ) -> http.client.HTTPResponse:
        """One request; the head of the answer. Raises what is in `FAILURES`."""
        headers = {"accept": "*/*", "cache-control": "no-cache", "user-agent": "chatd-doctor"}
        if body is None:
            headers["accept-encoding"] = "gzip"  # as browsers do: who compresses a stream holds it back
        else:
            headers["content-type"] = "application/json"
            if origin:
                headers["origin"] = self.origin
        target, proxy = self.base + path, self.proxy()
        if proxy is not None and self.trust is None:
            target = f"{self.origin}{target}"
            headers |= _authorized(proxy)
        connection.request(method, target, body, headers)
        return connection.getresponse()

    def listen(
        self,
        path: str,
        heard: Callable[[str, float], bool],
        *,
        within_s: float,
        body: bytes | None = None,
    ) -> Answer:
        """Tell `heard` of each event and of when it came (ms), until it returns True, or the stream ends.
        Before all others, of the first bytes (`FIRST`), which need not be a whole event.

        `Answer.body` is left empty; `ms` is when it was over. A stream that breaks ends like one that
        does not: the events tell. `status` None where not even a head came.
        """
        begun = time.monotonic()
        head: http.client.HTTPResponse | None = None
        with suppress(*FAILURES), closing(self.connection(within_s)) as connection:
            connection.connect()
            sock = connection.sock
            head = self.send(connection, "GET" if body is None else "POST", path, body)
            for name in _events(head, lambda: sock.settimeout(_left(begun + within_s))):
                if heard(name, (time.monotonic() - begun) * 1000):
                    break
        return Answer(
            None if head is None else head.status,
            (time.monotonic() - begun) * 1000,
            {} if head is None else _fields(head),
        )

    def _authority(self, usual: int) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == usual else f"{host}:{self.port}"

    def proxy(self) -> SplitResult | None:
        """What this machine is told to go through; as with browsers, not to itself."""
        if self.local or urllib.request.proxy_bypass(self.host):
            return None
        url = urllib.request.getproxies().get(self.scheme, "")
        parts = urlsplit(url if "//" in url else f"//{url}")
        return parts if parts.hostname else None


def _authorized(proxy: SplitResult) -> Mapping[str, str]:
    if proxy.username is None:
        return {}
    word = b64encode(f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()).decode()
    return {"proxy-authorization": f"Basic {word}"}


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read(
    response: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float
) -> bytes:
    body = bytearray()
    while len(body) < MAX_BODY_BYTES:
        if connection.sock is not None:
            connection.sock.settimeout(_left(deadline))
        part = response.read1(16_384)
        if not part:
            break
        body += part
    return bytes(body)


def _fields(response: http.client.HTTPResponse) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in response.getheaders():
        before = fields.get(name.lower())
        fields[name.lower()] = value if before is None else f"{before}, {value}"
    return fields


def _unpacking(response: http.client.HTTPResponse) -> Callable[[bytes], bytes]:
    """What makes plain bytes of the parts of a body. `zlib.error` where they are none."""
    if response.getheader("content-encoding", "").lower() != "gzip":
        return lambda part: part
    packed = zlib.decompressobj(wbits=31)
    return lambda part: packed.decompress(part, MAX_BODY_BYTES)


def _events(response: http.client.HTTPResponse, before_each: Callable[[], None]) -> Iterator[str]:
    """The names of the events of a stream (WHATWG HTML, section 9.2.6), "message" where one has none."""
    if response.status != 200 or "text/event-stream" not in (response.getheader("content-type") or ""):
        return
    kept = b""
    unpack = _unpacking(response)
    for turn in range(10_000):
        before_each()
        part = response.read1(16_384)
        if not part:
            return
        if turn == 0:
            yield FIRST
        *whole, kept = (kept + unpack(part)).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(kept) > MAX_BODY_BYTES:
            return
        for event in whole:
            lines = [line for line in event.split(b"\n") if line and not line.startswith(b":")]
            names = [line[6:].strip() for line in lines if line.startswith(b"event:")]
            if lines:
                yield names[-1].decode("ascii", "replace") if names else "message"
