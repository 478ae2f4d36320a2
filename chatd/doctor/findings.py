"""From what was seen on the way to a server to findings: what it means, and what IT must change.

    Seen (numbers and yes or no)  ->  judge  ->  findings in a fixed order, and a verdict  ->  text

The page does the same in web/doctor/judge.js. Limits and product names are in a file that both read
(web/doctor/findings.json), as the sentences are (web/words/en/findings.json), and both are held to
tests/web/doctor_vectors.json. Pure. What it quotes comes from those files: no address, no name and no
header field of anybody.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

import web
from chatd.doctor.framing import framed_by
from chatd.doctor.seen import (
    Answered,
    Certificate,
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

State: TypeAlias = Literal["ok", "slow", "blocked", "unknown"]
Values: TypeAlias = Mapping[str, str | int]
Outcome: TypeAlias = tuple[str, Values]

MARKS: Final[Mapping[State, str]] = {"ok": "[ok]", "slow": "[~~]", "blocked": "[XX]", "unknown": "[??]"}
"""The same width, and different without any colour."""


# ---- the words ---------------------------------------------------------------------------------


class Limits(msgspec.Struct, frozen=True):
    """Bounds and thresholds, the same for page and terminal."""

    answer_s: int
    budget_s: int
    clock_s: int
    days: int
    first_byte_s: int
    live_s: int
    idle_s: int
    idle_most_s: int
    slow_ms: int
    tries: int


class Product(msgspec.Struct, frozen=True):
    name: str
    marks: tuple[str, ...]
    """What its name looks like in header fields and in issuers, in lower case."""
    settings: dict[str, str]
    """By check: the setting to look at."""


class Words(msgspec.Struct, frozen=True):
    """What the doctor knows, with its sentences."""

    limits: Limits
    states: dict[State, str]
    checks: tuple[tuple[str, str], ...]
    verdicts: dict[str, tuple[State, str]]
    findings: dict[str, tuple[State, str, str]]
    reasons: dict[str, str]
    way: str
    products: tuple[Product, ...]


class Known(msgspec.Struct, frozen=True):
    """web/doctor/findings.json: everything but the sentences."""

    limits: Limits
    states: tuple[State, ...]
    checks: tuple[str, ...]
    verdicts: dict[str, State]
    findings: dict[str, State]
    reasons: tuple[str, ...]
    products: tuple[Product, ...]


@cache
def words() -> Words:
    """The two files, read once. A terminal says it in English; web/doctor/words.js does the same in each."""
    assert web.__file__ is not None
    folder = Path(web.__file__).parent
    known = msgspec.json.decode((folder / "doctor/findings.json").read_bytes(), type=Known)
    said = msgspec.json.decode((folder / "words/en/findings.json").read_bytes(), type=dict[str, str])

    def finding(name: str) -> tuple[State, str, str]:
        key = name.replace(".", "_")
        return known.findings[name], said[key], said[f"{key}_it"]

    return Words(
        limits=known.limits,
        states={state: said[f"state_{state}"] for state in known.states},
        checks=tuple((check, said[f"check_{check}"]) for check in known.checks),
        verdicts={name: (state, said[f"verdict_{name}"]) for name, state in known.verdicts.items()},
        findings={name: finding(name) for name in known.findings},
        reasons={why: said[f"reason_{why.replace('-', '_')}"] for why in known.reasons},
        way=said["way"],
        products=known.products,
    )


class Finding(msgspec.Struct, frozen=True):
    """One check's outcome: `says` is for whoever wants to come in, `it` for who can change something."""

    check: str
    title: str
    outcome: str
    state: State
    says: str
    it: str


class Report(msgspec.Struct, frozen=True):
    verdict: str
    """The way in: "websocket", "stream", "polling", "none", or "looking" while it cannot be told."""
    state: State
    sentence: str
    findings: tuple[Finding, ...]


# ---- judging -----------------------------------------------------------------------------------


def judge(seen: Seen) -> Report:
    """What `seen` means, in the order of the checks."""
    found = []
    for check, title in words().checks:
        what = getattr(seen, check)
        if what is not None:
            name, values = _JUDGES[check](what)
            found.append(_finding(check, title, name, values, seen.products))
    verdict = _verdict({finding.check: finding.outcome for finding in found})
    state, sentence = words().verdicts[verdict]
    return Report(verdict, state, sentence, tuple(found))


def _finding(check: str, title: str, name: str, values: Values, products: Sequence[str]) -> Finding:
    state, says, it = words().findings[name]
    lines = [_filled(it, values)]
    if check == "server" and products:
        lines.append(_filled(words().way, {"products": ", ".join(products)}))
    if state in ("slow", "blocked"):
        known = {product.name: product.settings.get(check) for product in words().products}
        lines += [f"{product}: {setting}" for product in products if (setting := known.get(product))]
    return Finding(check, title, name, state, _filled(says, values), " ".join(lines))


def _filled(sentence: str, values: Values) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: str(values[match[1]]), sentence)


def _verdict(outcomes: Mapping[str, str]) -> str:
    """The first way that works. A way is given up only when it was looked at."""
    if outcomes.get("websocket") in ("websocket.ok", "websocket.large"):
        return "websocket"
    if not {"websocket", "stream", "buffering", "polling", "sending"} <= outcomes.keys():
        return "looking"
    if outcomes["sending"] in ("sending.ok", "sending.short"):
        if outcomes["stream"] == "stream.ok":
            return "stream"
        if outcomes["polling"] == "polling.ok":
            return "polling"
    return "none"


def _said(status: int | None) -> Values:
    return {"status": "none" if status is None else status, "limit": words().limits.answer_s}


def _server(seen: Server) -> Outcome:
    if seen.chatd:
        return "server.old" if seen.version == "1.0" else "server.ok", {"version": seen.version or "?"}
    return "server.none" if seen.status is None else "server.other", _said(seen.status)


def _certificate(seen: Certificate) -> Outcome:
    if seen.scheme != "https":
        if seen.local:
            return "certificate.local", {}
        return "certificate.stripped" if seen.behind == "https" else "certificate.plain", {}
    if not seen.seen:
        return "certificate.via" if seen.via else "certificate.unseen", {}
    if not seen.fingerprint:
        return "certificate.none", {}
    if seen.inspector:
        return "certificate.opened", {"inspector": seen.inspector}
    if not seen.trusted:
        return "certificate.untrusted", {"reason": words().reasons[seen.why]}
    values: Values = {"days": seen.days, "fingerprint": seen.fingerprint}
    if seen.days < words().limits.days:
        return "certificate.ending", values
    return "certificate.public" if seen.public else "certificate.private", values


def _clock(seen: Clock) -> Outcome:
    if seen.off_s is None:
        return "clock.none", {}
    limit = words().limits.clock_s
    values: Values = {"off": abs(seen.off_s), "limit": limit}
    return "clock.off" if abs(seen.off_s) > limit else "clock.ok", values


def _latency(seen: Latency) -> Outcome:
    if seen.median_ms is None:
        return "latency.none", {}
    limit = words().limits.slow_ms
    values: Values = {"ms": seen.median_ms, "tries": seen.tries, "limit": limit}
    return "latency.slow" if seen.median_ms > limit else "latency.ok", values


def _websocket(seen: WebSocket) -> Outcome:
    if not seen.there:
        return "websocket.missing", {}
    if seen.opened:
        if not seen.echoed:
            return "websocket.silent", {}
        return "websocket.ok" if seen.large else "websocket.large", {"ms": seen.ms}
    if seen.status in (400, 426):
        return "websocket.upgrade", _said(seen.status)
    if seen.status == 403:
        return "websocket.origin", {}
    return "websocket.failed" if seen.status is None else "websocket.refused", _said(seen.status)


def _late(seen: Stream) -> bool:
    """Not what a page waits for after the first bytes: then it asks for messages instead."""
    return seen.live_ms is None or seen.live_ms - (seen.first_ms or 0) > words().limits.live_s * 1000


def _whole(seen: Stream) -> bool:
    """Already the first bytes, padded as they are, came only with all others."""
    return (seen.first_ms or 0) > words().limits.live_s * 1000


def _stream(seen: Stream) -> Outcome:
    if seen.first_ms is None:
        refused = seen.status is not None and not (seen.status == 200 and seen.events)
        return "stream.refused" if refused else "stream.silent", _said(seen.status)
    if seen.post == 403:
        return "stream.origin", {}
    if seen.post != 200:
        return "stream.post", _said(seen.post)
    return "stream.late" if _late(seen) or _whole(seen) else "stream.ok", {"ms": seen.first_ms}


def _buffering(seen: Stream) -> Outcome:
    if seen.first_ms is None:
        # Where the answer had begun, and nothing came of it, that is what a scanner looks like.
        return "buffering.whole" if seen.status == 200 and seen.events else "buffering.none", {}
    if _whole(seen):
        return "buffering.whole", {}
    if _late(seen) or seen.live_ms is None:
        return "buffering.small", {}
    return "buffering.ok", {"ms": max(0, seen.live_ms - seen.first_ms - LIVE_AFTER_MS)}


LIVE_AFTER_MS: Final = 250
"""How long after the first bytes the server sends `live` (docs/protocol.md)."""


def _polling(seen: Answered) -> Outcome:
    if seen.status == 200 and seen.chatd:
        return "polling.ok", {"ms": seen.ms}
    if seen.status == 403:
        return "polling.origin", {}
    return "polling.silent" if seen.status is None else "polling.refused", _said(seen.status)


def _sending(seen: Sending) -> Outcome:
    if seen.passed_kib:
        values: Values = {"kib": seen.passed_kib, "lost": seen.lost_kib}
        return "sending.short" if seen.lost_kib else "sending.ok", values
    if seen.status == 403:
        return "sending.origin", {}
    return "sending.silent" if seen.status is None else "sending.refused", _said(seen.status)


def _idle(seen: Sequence[Quiet]) -> Outcome:
    if not seen:
        return "idle.none", {}
    cuts = [quiet.cut_s for quiet in seen if quiet.cut_s is not None]
    if cuts:
        return "idle.cut", {"s": min(cuts)}
    lost = [quiet.s for quiet in seen if not quiet.held]
    if lost:
        return "idle.silent", {"s": min(lost)}
    return "idle.ok", {"s": max(quiet.s for quiet in seen)}


def _frame(seen: Frame) -> Outcome:
    if seen.host is None:
        return "frame.inside" if seen.inside else "frame.unasked", {}
    if seen.status != 200:
        return "frame.none", _said(seen.status)
    rules = framed_by(seen.policies, seen.options, seen.host, seen.own)
    if all(rules):
        return "frame.allowed", {}
    # chatd sends one policy, and no X-Frame-Options: what else is there was added behind it.
    added = any(rules) or "frame-ancestors" not in seen.policies.lower()
    return "frame.added" if added else "frame.refused", {}


def _storage(seen: Storage) -> Outcome:
    if seen.session is None:
        return "storage.unasked", {}
    return "storage.ok" if seen.session else "storage.none", {}


_JUDGES: Final[Mapping[str, Callable[..., Outcome]]] = {
    "server": _server,
    "certificate": _certificate,
    "clock": _clock,
    "latency": _latency,
    "websocket": _websocket,
    "stream": _stream,
    "buffering": _buffering,
    "polling": _polling,
    "sending": _sending,
    "idle": _idle,
    "frame": _frame,
    "storage": _storage,
}


# ---- small questions ---------------------------------------------------------------------------


def products(fields: Mapping[str, str]) -> tuple[str, ...]:
    """The known products that these header fields name, by their names here; nothing else is quoted."""
    telling = ("server", "via", "x-via", "x-cache", "x-powered-by", "x-squid-error", "x-bluecoat-via")
    text = " ".join([*(fields.get(name, "") for name in telling), *fields]).lower()
    return tuple(product.name for product in words().products if _marked(product, text))


def inspector(issuer: str) -> str:
    """The product that signs with this issuer's name; "" where none is known to."""
    text = f"{issuer.lower()} "
    return next(
        (
            product.name
            for product in words().products
            if "certificate" in product.settings and _marked(product, text)
        ),
        "",
    )


def _marked(product: Product, text: str) -> bool:
    return any(re.search(rf"\b{re.escape(mark)}", text) for mark in product.marks)


def quiet_times(longest_s: int) -> tuple[int, ...]:
    """How long to keep quiet, each on a connection of its own: a path that forgets is found in between."""
    return (*(s for s in (30, 60) if s < longest_s), longest_s)


def rounded(value: float) -> int:
    """As `Math.round` of the page: halves go up."""
    return math.floor(value + 0.5)


def as_text(report: Report, *, day: str, seen_with: str) -> str:
    """The report to hand to IT: no address, no name, no time of day."""
    lines = [f"chatd doctor, {day}, {seen_with}", report.sentence, ""]
    for finding in report.findings:
        lines.append(f"{MARKS[finding.state]} {finding.title}: {finding.says}")
        lines.append(f"     IT: {finding.it}")
    return "\n".join([*lines, ""])
