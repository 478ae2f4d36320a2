"""Draws the table of `phases.py` for the documents: `python -m rooms.phases_svg` writes docs/phases.svg.

Every line of the table is an arrow, so the picture cannot say anything but what the code says; a test notices
when it is stale. Touches that one file.
"""

from html import escape
from pathlib import Path
from typing import Final, get_args

from rooms.phases import HOUR, TABLE, Transition
from rooms.session import Phase

PATH: Final = Path(__file__).parents[1] / "docs" / "phases.svg"

WIDTH: Final = 980
ROW: Final = 210
"""Where the row of the phases in their order stands; pause and cancellation stand below it."""
BELOW: Final = 372
BOX: Final = (122, 44)
_COLUMNS: Final[tuple[Phase, ...]] = ("scheduled", "lobby", *HOUR, "closed")
_STEP: Final = (WIDTH - 40) / len(_COLUMNS)

_STYLE: Final = """<style>
    .ground { fill: #fbf9f6 } .phase { fill: #ffffff; stroke: #9a8f82 }
    .end { fill: #f1ece5; stroke: #9a8f82 } .quiet { fill: #dcebe7; stroke: #2f6f63 }
    .both { fill: none; stroke: #2f6f63; stroke-width: 1.8; marker-end: url(#both) }
    .hand { fill: none; stroke: #8a5a2b; stroke-width: 1.5; stroke-dasharray: 6 4; marker-end: url(#hand) }
    .both-tip { fill: #2f6f63 } .hand-tip { fill: #8a5a2b }
    text { font: 14px system-ui, sans-serif; fill: #2b2622 } .small { font-size: 13px; fill: #5d544b }
    .name { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #191715 } .phase { fill: #2f2b27; stroke: #7c7267 }
      .end { fill: #24211e; stroke: #7c7267 } .quiet { fill: #1f3a34; stroke: #6fb8a8 }
      .both { stroke: #6fb8a8 } .both-tip { fill: #6fb8a8 }
      .hand { stroke: #d3a06a } .hand-tip { fill: #d3a06a }
      text { fill: #ece6df } .small { fill: #b8aea2 }
    }
  </style>"""

_MARKER: Final = (
    '<marker id="{0}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="{0}-tip" d="M0 0 10 5 0 10z"/></marker>'
)


def svg() -> str:
    """The picture: phases from left to right, an arrow for each transition, and below when each happens."""
    arrows = [_arrow(line) for line in TABLE]
    boxes = [_box(phase) for phase in get_args(Phase)]
    said = _said()
    height = BELOW + 106 + 22 * ((len(said) + 1) // 2)
    return (
        "\n  ".join(
            [
                (
                    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
                    'aria-labelledby="title desc">'
                ),
                '<title id="title">The phases of a session</title>',
                f'<desc id="desc">{escape(_described())}</desc>',
                _STYLE,
                f"<defs>{_MARKER.format('both')}{_MARKER.format('hand')}</defs>",
                f'<rect class="ground" width="{WIDTH}" height="{height}" rx="14"/>',
                *arrows,
                *boxes,
                *_legend(said),
            ]
        )
        + "\n</svg>\n"
    )


def _named(phase: Phase) -> str:
    return phase.replace("_", " ")


def _described() -> str:
    lines = []
    for phase in get_args(Phase):
        clock = [_named(line.to) for line in TABLE if line.of == phase and "clock" in line.by]
        hand = [_named(line.to) for line in TABLE if line.of == phase and "clock" not in line.by]
        if clock or hand:
            by_hand = f"; by a facilitator alone to {', '.join(hand)}" if hand else ""
            lines.append(f"From {_named(phase)} to {', '.join(clock)}{by_hand}.")
    return " ".join(lines)


def _said() -> list[str]:
    """When each phase begins by itself, once each."""
    whens: dict[tuple[str, str], None] = {}
    for line in TABLE:
        if line.when:
            to = "the hour goes on" if line.to in HOUR else _named(line.to)
            whens[to, line.when] = None
    return [f"{to}, by the clock: {when}" for to, when in whens]


def _x(phase: Phase) -> float:
    """The middle of a phase's box."""
    if phase == "paused":
        return sum(map(_x, HOUR)) / len(HOUR)
    if phase == "cancelled":
        return (_x("scheduled") + _x("lobby")) / 2
    return 20 + _STEP * (_COLUMNS.index(phase) + 0.5)


def _box(phase: Phase) -> str:
    width, height = BOX
    y = ROW
    kind = "end" if phase in ("closed", "cancelled") else "phase"
    if phase == "paused":
        kind, width, y = "quiet", int(_x(HOUR[-1]) - _x(HOUR[0])) + width, BELOW
    elif phase == "cancelled":
        y = BELOW
    x = _x(phase)
    return (
        f'<rect class="{kind}" x="{x - width / 2:.1f}" y="{y}" width="{width}" height="{height}" rx="10"/>'
        f'<text class="name" x="{x:.1f}" y="{y + 27}" text-anchor="middle">{_named(phase)}</text>'
    )


def _arrow(line: Transition) -> str:
    kind = "both" if "clock" in line.by else "hand"
    return f'<path class="{kind}" d="{_path(line)}"><title>{escape(_title(line))}</title></path>'


def _title(line: Transition) -> str:
    by = "the clock, or a facilitator" if "clock" in line.by else "a facilitator"
    return f"{_named(line.of)} to {_named(line.to)}: {by}"


def _path(line: Transition) -> str:
    """Straight to a neighbour, in an arc above further on, below back; to and from the pause down and up."""
    width, height = BOX
    a, b = _x(line.of), _x(line.to)
    if line.of == line.to:
        right = _x(HOUR[-1]) + width / 2
        return f"M{right - 60:.1f} {BELOW + height} c0 34 44 34 44 2"
    if line.to == "cancelled":
        return f"M{a:.1f} {ROW + height} L{b + (a - b) / 4:.1f} {BELOW - 2}"
    if line.to == "paused":
        return f"M{a - 40:.1f} {ROW + height} V{BELOW - 2}"
    if line.of == "paused" and line.to == "closed":
        return f"M{_x(HOUR[-1]) + width / 2:.1f} {BELOW + height / 2:.1f} H{b:.1f} V{ROW + height + 2}"
    if line.of == "paused":
        return f"M{b + 40:.1f} {BELOW} V{ROW + height + 2}"
    far = abs(_COLUMNS.index(line.to) - _COLUMNS.index(line.of))
    if b < a:
        y = ROW + height
        return (
            f"M{a - 22:.1f} {y} C{a - 40:.1f} {y + 26 * far} {b + 40:.1f} {y + 26 * far} {b + 22:.1f} {y + 2}"
        )
    if far == 1:
        return f"M{a + width / 2:.1f} {ROW + height / 2:.1f} H{b - width / 2 - 2:.1f}"
    lift = ROW - 48 * far
    return f"M{a + 16:.1f} {ROW} C{a + 40:.1f} {lift} {b - 40:.1f} {lift} {b - 16:.1f} {ROW - 2}"


def _legend(said: list[str]) -> list[str]:
    y = BELOW + BOX[1] + 44
    parts = [
        (
            f'<path class="both" d="M28 {y} h44"/>'
            f'<text class="small" x="84" y="{y + 4}">the clock, or a facilitator</text>'
            f'<path class="hand" d="M330 {y} h44"/>'
            f'<text class="small" x="386" y="{y + 4}">a facilitator alone</text>'
        )
    ]
    for n, sentence in enumerate(said):
        x, line = 28 + 470 * (n % 2), y + 36 + 22 * (n // 2)
        parts.append(f'<text class="small" x="{x}" y="{line}">{escape(sentence)}</text>')
    return parts


if __name__ == "__main__":
    PATH.write_text(svg(), "utf-8")
