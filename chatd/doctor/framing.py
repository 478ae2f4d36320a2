"""Whether a browser would show our page inside another one: frame-ancestors, read as a browser does.

Pure. The page does the same in web/doctor/framing.js; both are held to tests/web/doctor_vectors.json.
"""

import re
from collections.abc import Iterator
from typing import Final

_SOURCE: Final = re.compile(
    r"\A(?:([a-z][a-z0-9+.-]*)://)?(\*|(?:\*\.)?[a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d+|\*))?/?\Z"
)
_ORIGIN: Final = re.compile(r"\A(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d+))?\Z")
_ADDRESS: Final = re.compile(
    r"\A\s*(https?)://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::(\d{1,5}))?(?:[/?#]|\s*\Z)",
    re.IGNORECASE,
)
_PORTS: Final = {"http": "80", "https": "443"}


def framed_by(policies: str, options: str, host: str, own: str) -> list[bool]:
    """Whether a page of origin `host` may frame an answer of origin `own`: what each of its rules says.

    `policies`, `options`: the fields Content-Security-Policy and X-Frame-Options, joined by commas. All
    have to allow it; where there is no rule, all may. CSP Level 3, section 6.4.2: where a policy has
    frame-ancestors, X-Frame-Options counts no more. Sources match as in section 6.7.2.8, without paths.
    """
    rules = [any(_matches(source, host, own) for source in sources) for sources in _ancestors(policies)]
    if rules:
        return rules
    option = options.strip().upper()
    return [host == own] if option == "SAMEORIGIN" else [False] if option == "DENY" else []


def _ancestors(policies: str) -> Iterator[list[str]]:
    for policy in policies[:10_000].lower().split(","):
        for directive in policy.split(";"):
            name, _, sources = directive.strip().partition(" ")
            if name == "frame-ancestors":
                yield sources.split()
                break  # the first one of a policy counts


def _matches(source: str, host: str, own: str) -> bool:
    if source == "'self'":
        return _matches(own, host, own)
    asked = _ORIGIN.match(host)
    if asked is None or source == "'none'":
        return False
    scheme, name, port = asked[1], asked[2], asked[3] or _PORTS[asked[1]]
    if source == "*":
        return True
    if source in ("http:", "https:"):
        return scheme in (source[:-1], "https")
    wanted = _SOURCE.match(source)
    if wanted is None:
        return False
    needed = wanted[1] or own.partition("://")[0]
    if scheme not in (needed, "https") or needed not in _PORTS:
        return False
    pattern = wanted[2]
    if not (pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))):
        return False
    # The port of a source that names none is its scheme's; http may become https (section 6.7.2.11).
    allowed = wanted[3] or _PORTS[needed]
    return allowed in ("*", port) or (allowed == "80" and port == "443")


def origin_of(address: str) -> str | None:
    """The origin of a page's address as a browser writes it; None where it is none of http or https."""
    found = _ADDRESS.match(address)
    if found is None:
        return None
    scheme, name, port = found[1].lower(), found[2].lower(), found[3]
    return f"{scheme}://{name}" + (f":{port}" if port and port != _PORTS[scheme] else "")
