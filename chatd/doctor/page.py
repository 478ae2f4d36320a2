"""/doctor: the page that finds out what works from where somebody sits, and what it asks the server.

    GET /doctor         the page (web/doctor.html)
    GET /doctor/seen    {"http", "scheme", "forwarded", "via"}: how this request arrived

Of a request it tells only what a proxy did to it: no address, no name, no header field as it stands.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd import api
from chatd.headers import content_policy
from chatd.pages import Pages
from chatd.settings import Settings

DOCTOR_PAGE: Final = "doctor.html"
SCHEMES: Final = ("https", "http")


class Arrived(msgspec.Struct, frozen=True):
    """How a request arrived here."""

    chatd: int = 1
    """That it is chatd that answers, and not a filter's page."""
    http: str = ""
    """The version of HTTP that whoever stands before this server speaks to it."""
    scheme: str = ""
    """Whether they spoke TLS to it: "https" or "http"."""
    forwarded: str = ""
    """The scheme in which they say that they were asked; "" where they do not say."""
    via: bool = False
    """Somebody on the way said that they passed it on (RFC 9110, section 7.6.3)."""


async def seen(request: Request) -> Response:
    """GET /doctor/seen."""
    version = str(request.scope.get("http_version", ""))
    fields = request.headers
    return api.json(
        Arrived(
            http=version if re.fullmatch(r"[0-9](\.[0-9])?", version) else "",
            scheme=request.url.scheme if request.url.scheme in SCHEMES else "",
            forwarded=_forwarded(fields.get("x-forwarded-proto", ""), fields.get("forwarded", "")),
            via="via" in fields,
        )
    )


def _forwarded(plain: str, standard: str) -> str:
    """The first scheme named by X-Forwarded-Proto, else by Forwarded (RFC 7239, section 5.4)."""
    said = plain.split(",", maxsplit=1)[0].strip().lower()
    if not said and (named := re.search(r"\bproto=\"?(https?)\b", standard[:2_000], re.IGNORECASE)):
        said = named[1].lower()
    return said if said in SCHEMES else ""


def doctor_routes(pages: Pages, settings: Settings) -> Sequence[Route]:
    """What `app.py` adds to its own. The page may be shown where rooms may, to look around from there."""
    policy = content_policy(settings, framed_by=settings.embed_origins)

    async def page(request: Request) -> Response:
        answer = pages.page(request, DOCTOR_PAGE)
        answer.headers["content-security-policy"] = policy
        return answer

    return [Route("/doctor", page), Route("/doctor/seen", seen)]
