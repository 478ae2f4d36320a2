"""The picture of an hour: messages per five minutes as bars, the phases under them. SVG, as text. Pure.

Drawn from a `Report`, which is suppressed already. A hidden count has no height: its bar is a dashed outline,
the same for each, and the legend says "fewer than 11". A screen reader is told the same in words. The colours
follow the reader's light or dark; minutes count from the planned start, so that there is no time zone in it.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from rooms.report import Report, Span
from rooms.session import Phase
from rooms.suppression import HIDDEN, Figure, K

WIDTH: Final = 720
LEFT: Final = 44
RIGHT: Final = 12
TOP: Final = 40
BARS: Final = 120
"""Height of the tallest bar."""
OUTLINE: Final = 14
"""Height of the outline of a hidden count: the same for each, whatever the scale."""
PHASES_AT: Final = TOP + BARS + 26
PHASE: Final = 22
HEIGHT: Final = PHASES_AT + PHASE + 30
CHAR: Final = 8
"""About how wide a letter is: a phase that is too narrow for its name has it in the description only."""

NAMES: Final[dict[Phase, str]] = {
    "scheduled": "planned",
    "lobby": "lobby",
    "opening": "opening",
    "open": "open",
    "paused": "paused",
    "winding_down": "winding down",
    "closing_round": "closing round",
    "closed": "closed",
    "cancelled": "cancelled",
}

STYLE: Final = (
    "svg{color:#2b2622;background:#fbf8f4}"
    "text{fill:currentColor;font:13px system-ui,sans-serif}"
    ".bar{fill:#2f6f73}"
    ".few{fill:none;stroke:currentColor;stroke-dasharray:3 3}"
    ".line{stroke:currentColor}"
    ".phase{fill:#e9e1d6;stroke:#fbf8f4}"
    ".paused{fill:#d8c9b4}"
    "@media(prefers-color-scheme:dark){"
    "svg{color:#ece5dc;background:#1d1a18}"
    ".bar{fill:#7fc4c6}"
    ".phase{fill:#3a342f;stroke:#1d1a18}"
    ".paused{fill:#57493a}"
    "}"
)
STYLE_HASH: Final = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""What a Content-Security-Policy calls the style (CSP Level 3, section 6.6.2.3)."""

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not (section 2.2)."""


def picture(report: Report) -> str:
    """The whole SVG document."""
    title = f"{report.title}: messages and phases"
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" ',
            'aria-labelledby="title desc">',
            f'<title id="title">{_text(title)}</title>',
            f'<desc id="desc">{_text(in_words(report))}</desc>',
            f"<style>{STYLE}</style>",
            *_legend(report),
            *_bars(report),
            *_phases(report),
            "</svg>\n",
        )
    )


def in_words(report: Report) -> str:
    """What the picture shows, for somebody who cannot see it."""
    if not report.opened:
        return "This session did not open."
    every = report.window_s // 60
    counts = ", ".join(
        f"from minute {_minute(report, report.windows_from + number * report.window_s)} {_said(count)}"
        for number, count in enumerate(report.windows)
    )
    phases = ", ".join(
        f"{_name(span)} from minute {_minute(report, span.since)} to {_minute(report, span.until)}"
        for span in report.phases
        if span.phase not in ("scheduled", "closed", "cancelled")
    )
    return (
        f"Messages per {every} minutes, counted from the planned start: {counts}. "
        f"{_sum_said(report)} Phases: {phases}."
    )


def _said(count: Figure) -> str:
    return "fewer than 11" if count == HIDDEN else "none" if count == 0 else str(count)


def _sum_said(report: Report) -> str:
    total = report.messages
    if total.exact:
        return f"{total.at_least} in all."
    return f"At least {total.at_least} in all." if total.at_least else "Fewer than 11 each."


def _name(span: Span) -> str:
    return "paused for want of a facilitator" if span.why == "no_facilitator" else NAMES[span.phase]


def _minute(report: Report, at: int) -> int:
    return (at - report.planned_start) // 60


def _end(report: Report) -> int:
    return report.windows_from + max(1, len(report.windows)) * report.window_s


def _x(report: Report, at: int) -> float:
    from_, end = report.windows_from, _end(report)
    return LEFT + (WIDTH - LEFT - RIGHT) * (min(max(at, from_), end) - from_) / (end - from_)


def _legend(report: Report) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="18">Messages per {report.window_s // 60} minutes</text>'
    if HIDDEN in report.windows:
        x = WIDTH - RIGHT - 128
        yield f'<rect class="few" x="{x}.5" y="7.5" width="22" height="{OUTLINE}"/>'
        yield f'<text x="{x + 30}" y="18">fewer than 11</text>'


def _bars(report: Report) -> Iterator[str]:
    base = TOP + BARS
    highest = max((count for count in report.windows if count != HIDDEN), default=0)
    if highest:
        yield f'<text x="{LEFT - 6}" y="{TOP + 5}" text-anchor="end">{highest}</text>'
    yield f'<path class="line" d="M{LEFT} {base + 0.5}H{WIDTH - RIGHT}"/>'
    scale = max(highest, 2 * K)
    for number, count in enumerate(report.windows):
        since = report.windows_from + number * report.window_s
        x, wide = _x(report, since) + 2, _x(report, since + report.window_s) - _x(report, since) - 4
        if count == HIDDEN:
            high: float = OUTLINE
            sort = "few"
        else:
            high = BARS * count / scale
            sort = "bar"
        if high:
            yield (
                f'<rect class="{sort}" x="{x:.1f}" y="{base - high:.1f}" '
                f'width="{max(wide, 1):.1f}" height="{high:.1f}"/>'
            )


def _phases(report: Report) -> Iterator[str]:
    for span in report.phases:
        left, right = _x(report, span.since), _x(report, span.until)
        if right - left < 1:
            continue
        sort = "phase paused" if span.phase == "paused" else "phase"
        name = NAMES[span.phase]
        yield (
            f'<rect class="{sort}" x="{left:.1f}" y="{PHASES_AT}" '
            f'width="{right - left:.1f}" height="{PHASE}"/>'
        )
        if len(name) * CHAR < right - left:
            middle = (left + right) / 2
            yield f'<text x="{middle:.1f}" y="{PHASES_AT + 15}" text-anchor="middle">{name}</text>'
    for minute in range(0, _minute(report, _end(report)) + 1, 15):
        x = _x(report, report.planned_start + 60 * minute)
        yield f'<path class="line" d="M{x:.1f} {TOP + BARS}v5"/>'
        yield f'<text x="{x:.1f}" y="{TOP + BARS + 18}" text-anchor="middle">{minute}</text>'
    yield f'<text x="{LEFT}" y="{HEIGHT - 8}">Minutes from the planned start</text>'


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
