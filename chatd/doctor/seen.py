"""What can be seen on the way to a server: one value per check of the doctor, and `Seen` for all of them.

Times are in milliseconds unless the name says otherwise; None means that there was none. The page
has the same shapes (web/doctor/judge.js). Values only: measured in `url.py`, judged in
`findings.py`.
"""

import msgspec


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: int | None = None
    chatd: bool = False
    """The answer was chatd's own."""
    version: str = ""
    """The HTTP version in which the request reached the server."""


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scheme: str = "https"
    local: bool = False
    """A loopback address."""
    behind: str = ""
    """The scheme in which the proxy before the server says that it was asked; "" where it does not say."""
    via: bool = False
    seen: bool = False
    """The certificate itself could be looked at: everything below is known."""
    trusted: bool = False
    why: str = "other"
    """Where it is not trusted: a key of `reasons`."""
    public: bool = False
    """It carries proofs of public logging (RFC 9162), as the certificates of public authorities do."""
    inspector: str = ""
    days: int = 0
    fingerprint: str = ""


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    off_s: int | None = None


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    median_ms: int | None = None
    tries: int = 0


class WebSocket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    there: bool = True
    """The browser knows WebSocket at all."""
    opened: bool = False
    echoed: bool = False
    large: bool = False
    ms: int = 0
    status: int | None = None
    """Of a refused handshake; a page is not told."""


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """GET /probe: when the first bytes came, and when `live`. `post` is the status of POST /sse."""

    status: int | None = None
    events: bool = False
    """It is a text/event-stream."""
    first_ms: int | None = None
    live_ms: int | None = None
    post: int | None = None


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: int | None = None
    chatd: bool = False
    """The answer has frames, and is not a filter's page."""
    ms: int = 0


class Sending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The largest body that passed, the smallest that did not; `status` of the latter."""

    passed_kib: int = 0
    lost_kib: int = 0
    status: int | None = None


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One connection on which nobody spoke for `s` seconds; where it was cut, `cut_s` says when."""

    s: int
    held: bool
    cut_s: int | None = None


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`policies` and `options`: Content-Security-Policy and X-Frame-Options of /embed, joined by commas."""

    inside: bool = False
    host: str | None = None
    """The origin of the intranet page; never shown."""
    own: str = ""
    status: int | None = None
    policies: str = ""
    options: str = ""


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    session: bool | None = None
    """None: there is no browser to ask."""


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that was seen; what is None was not looked at yet."""

    products: tuple[str, ...] = ()
    server: Server | None = None
    certificate: Certificate | None = None
    clock: Clock | None = None
    latency: Latency | None = None
    websocket: WebSocket | None = None
    stream: Stream | None = None
    buffering: Stream | None = None
    polling: Answered | None = None
    sending: Sending | None = None
    idle: tuple[Quiet, ...] | None = None
    frame: Frame | None = None
    storage: Storage | None = None
