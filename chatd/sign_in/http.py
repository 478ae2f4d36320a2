"""Requests to the single sign-on provider: its description, its keys, a token.

Standard library, blocking: who calls gives it a thread. It trusts whom the machine trusts, and takes the way
that the machine takes (SSL_CERT_FILE, HTTPS_PROXY), so a hospital's own authority and proxy need no setting.
Follows no redirect, reads no more than it has to, and quotes nothing of an answer.
"""

import http.client
import ipaddress
import urllib.error
import urllib.request
from typing import Final
from urllib.parse import urlsplit

import msgspec

WAIT_S: Final = 10.0
MAX_BODY_BYTES: Final = 256 * 1024
MAX_URL_CHARS: Final = 2000


class Away(Exception):
    """The provider did not answer, or not as it should. The text is a sentence for the operator."""


class Fetched(msgspec.Struct, frozen=True):
    status: int
    body: bytes


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None of its addresses moves without the operator or its metadata saying so."""
        return


_OPENER: Final = urllib.request.build_opener(_StayHere)


def is_usable(url: str, *, loopback: bool = True) -> bool:
    """Whether secrets may go to this address: by TLS or, where `loopback`, to this very machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  reading it is the check: ValueError where it is no port
    except ValueError:
        return False
    plain = not parts.fragment and parts.username is None and len(url) <= MAX_URL_CHARS and url.isascii()
    if not (plain and url.isprintable() and parts.hostname):
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or a number without brackets, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def fetch(url: str, *, form: bytes | None = None, headers: dict[str, str] | None = None) -> Fetched:
    """GET `url`, or POST `form` to it (application/x-www-form-urlencoded). `Away`."""
    if not is_usable(url):
        raise Away("It names an address that is not https.")
    given = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
    request = urllib.request.Request(url, data=form, headers=given)  # noqa: S310  `is_usable` knows the scheme
    try:
        with _OPENER.open(request, timeout=WAIT_S) as answer:
            return _read(answer.status, answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return _read(refused.code, refused)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Away(f"It does not answer ({type(error).__name__}).") from None


def _read(status: int, answer: http.client.HTTPResponse | urllib.error.HTTPError) -> Fetched:
    body = answer.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Away(f"It answers with more than {MAX_BODY_BYTES // 1024} KiB.")
    return Fetched(status, body)
