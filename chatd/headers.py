"""What goes on every HTTP answer, and what is refused before any route sees it.

An ASGI wrapper: adds the security headers where an answer has none of its own, and turns away requests
with a long URL or a body (few routes take one: `POSTED`). Touches the messages that pass, nothing else.
"""

from collections.abc import Iterable
from typing import Final

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatd.settings import Settings
from chatd.sign_in.cookies import CALLBACK

MAX_URL_BYTES: Final = 2_048
MAX_ANSWER_BYTES: Final = 8_192
"""The same where a sign-in provider sends people back: what it puts into the address is its own business."""
MAX_BODY_BYTES: Final = 16 * 1024
POSTED: Final = frozenset({"/sse", "/poll", "/send", "/probe"})
"""Routes that take a body, and see to its size themselves (`posting.py`)."""
SERIES: Final = "/api/series"
"""And those under this one."""

FOR_DOCUMENTS: Final = frozenset(
    {b"content-security-policy", b"permissions-policy", b"cross-origin-opener-policy"}
)
"""Headers that say what a document may do. A script or a style sheet is none, and a page loads thirty."""
PARTS: Final = (b"text/javascript", b"text/css")

Headers = list[tuple[bytes, bytes]]


def content_policy(settings: Settings, *, framed_by: Iterable[str] = ()) -> str:
    """What a page may do. It needs nothing from anywhere but this server, and may be shown in a frame by this
    server's own pages and by those of the origins `framed_by` (CSP Level 3, section 6.4.2).

    `connect-src` names the socket's origin where it is known: 'self' covers it in the standard
    (CSP Level 3, section 6.7.2.8), but not in every browser still in use. And the issuer of staff passes,
    where that is another server.
    """
    connect = "connect-src 'self'"
    if settings.public_url:
        scheme, _, host = settings.public_url.rstrip("/").partition("://")
        connect += f" {'wss' if scheme == 'https' else 'ws'}://{host}"
    if settings.pass_issuer:
        connect += f" {settings.pass_issuer.rstrip('/')}"
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        connect,
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        " ".join(("frame-ancestors 'self'", *framed_by)),
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(policy)


def security_headers(settings: Settings) -> Headers:
    """The headers of every answer that does not set them itself."""
    unused = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer")
    headers = {
        "content-security-policy": content_policy(settings),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "permissions-policy": ", ".join(f"{name}=()" for name in (*unused, "microphone", "payment", "usb")),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if settings.public_url and settings.public_url.startswith("https://"):
        headers["strict-transport-security"] = "max-age=31536000"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def guard(app: Starlette, settings: Settings) -> None:
    """Put headers and bounds around all that `app` answers, what Starlette says of a crash included."""
    build = app.build_middleware_stack

    def guarded() -> ASGIApp:
        return Guarded(build(), settings)

    app.build_middleware_stack = guarded  # type: ignore[method-assign]  # the one hook outside ServerErrorMiddleware


class Guarded:
    """`app` behind the headers and the bounds."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own: Headers = list(message.get("headers", ()))
                named = {name.lower() for name, _ in own}
                if _is_part(own):
                    named |= FOR_DOCUMENTS
                missing = (header for header in self._headers if header[0] not in named)
                message = {**message, "headers": [*own, *missing]}
            await send(message)

        longest = MAX_ANSWER_BYTES if scope["path"] == CALLBACK else MAX_URL_BYTES
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > longest:
            await _refuse(send_guarded, 414, b"This address is too long.\n")
        elif not _takes_body(scope["path"]) and _body_bytes(scope) > MAX_BODY_BYTES:
            await _refuse(send_guarded, 413, b"This is more than the server takes.\n")
        else:
            await self._app(scope, receive, send_guarded)


def _is_part(headers: Headers) -> bool:
    """Whether this answer is a part of a page that no browser ever shows as a document of its own."""
    return any(name.lower() == b"content-type" and value.startswith(PARTS) for name, value in headers)


def _takes_body(path: str) -> bool:
    return path in POSTED or path.startswith(SERIES)


def _body_bytes(scope: Scope) -> int:
    """What the request says its body has; more than the bound where it does not say."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 12 else MAX_BODY_BYTES + 1
        if name == b"transfer-encoding":
            return MAX_BODY_BYTES + 1
    return 0


async def _refuse(send: Send, status: int, sentence: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(sentence)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence})
