"""Marks: the small drawing beside a handle, so that a room of twelve reads like twelve people.

The one reason to exist: recognising each other without reading. A mark follows from the handle
alone; the page draws the same one in JavaScript (`tests/presence/marks.json` holds both to it).
Shape is the second channel beside colour, and the cut inside it the third. Pure.

The algorithm, for whoever draws it elsewhere:

    h = 0x811c9dc5                                FNV-1a, 32 bits, over the handle's ASCII bytes
    for byte in handle:
        h = ((h ^ byte) * 0x01000193) mod 2**32   JavaScript: Math.imul(h ^ byte, 0x01000193) >>> 0
    h = h ^ (h >> 16)                             JavaScript: (h ^ (h >>> 16)) >>> 0
    colour = h % 8                                then h = floor(h / 8)
    figure = h % 12                               then h = floor(h / 12)
    cut    = h % 8                                then h = floor(h / 8)
    turn   = h % 4                                quarter turns, clockwise

and one path in a box of 32 by 32: FIGURES[figure] followed by CUTS[cut], filled with the even-odd
rule (so the cut shows the ground) in `var(--mark-COLOUR)`, rotated by 90 * turn about the middle.
`LIGHT` and `DARK` are the values of `--mark-0` to `--mark-7`: told apart with protanopia,
deuteranopia and tritanopia, and at 3:1 or more against the ground, #faf7f2 and #171513.
"""

from typing import Final

import msgspec

LIGHT: Final = ("#6b2603", "#915807", "#788d2e", "#048672", "#1b5c8d", "#3c3177", "#af6db3", "#5c5149")
DARK: Final = ("#a7523d", "#b3841b", "#92c06a", "#35a386", "#1c7489", "#8c79cd", "#d49aca", "#d6c9bf")

FIGURES: Final = (
    # circle
    "M16 3a13 13 0 1 0 0 26a13 13 0 1 0 0-26z",
    # square
    (
        "M10 4.5h12a5.5 5.5 0 0 1 5.5 5.5v12a5.5 5.5 0 0 1-5.5 5.5h-12a5.5 5.5 0 0 1-5.5-5.5v-12"
        "a5.5 5.5 0 0 1 5.5-5.5z"
    ),
    # diamond
    "M13.2 3.7a4 4 0 0 1 5.6 0l9.5 9.5a4 4 0 0 1 0 5.6l-9.5 9.5a4 4 0 0 1-5.6 0l-9.5-9.5a4 4 0 0 1 0-5.6z",
    # leaf
    "M4 4h11a13 13 0 0 1 13 13v11h-11a13 13 0 0 1-13-13z",
    # drop
    "M16 4h12v12a12 12 0 1 1-12-12z",
    # dome
    "M4.5 16a11.5 11.5 0 0 1 23 0v9a2.5 2.5 0 0 1-2.5 2.5h-18a2.5 2.5 0 0 1-2.5-2.5z",
    # triangle
    "M13 4.6a3.5 3.5 0 0 1 6 0l10.2 17.6a3.5 3.5 0 0 1-3 5.3h-20.4a3.5 3.5 0 0 1-3-5.3z",
    # clover
    "M9.5 9.5a6.5 6.5 0 0 1 13 0a6.5 6.5 0 0 1 0 13a6.5 6.5 0 0 1-13 0a6.5 6.5 0 0 1 0-13z",
    # tile
    "M9 4h14a5 5 0 0 0 5 5v14a5 5 0 0 0-5 5h-14a5 5 0 0 0-5-5v-14a5 5 0 0 0 5-5z",
    # capsule
    "M11 8h10a8 8 0 0 1 0 16h-10a8 8 0 0 1 0-16z",
    # star
    "M16 1.5q3.5 11 14.5 14.5q-11 3.5-14.5 14.5q-3.5-11-14.5-14.5q11-3.5 14.5-14.5z",
    # bowl
    "M4.5 9h23a1.5 1.5 0 0 1 1.5 1.5v.5a13 13 0 0 1-26 0v-.5a1.5 1.5 0 0 1 1.5-1.5z",
)
CUTS: Final = (
    # none
    "",
    # dot
    "M16 12a4 4 0 1 0 0 8a4 4 0 1 0 0-8z",
    # bar
    "M12.5 14.2h7a1.8 1.8 0 0 1 0 3.6h-7a1.8 1.8 0 0 1 0-3.6z",
    # two bars
    "M13.5 11.5v9h-2.5v-9zM21 11.5v9h-2.5v-9z",
    # half disc
    "M11 14a5 5 0 0 0 10 0z",
    # ring
    "M16 11a5 5 0 1 0 0 10a5 5 0 1 0 0-10zM16 13.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5z",
    # diamond
    "M16 11l5 5-5 5-5-5z",
    # three dots
    (
        "M16 10.5a1.9 1.9 0 1 0 0 3.8a1.9 1.9 0 1 0 0-3.8z"
        "M12.6 16.5a1.9 1.9 0 1 0 0 3.8a1.9 1.9 0 1 0 0-3.8z"
        "M19.4 16.5a1.9 1.9 0 1 0 0 3.8a1.9 1.9 0 1 0 0-3.8z"
    ),
)


class Mark(msgspec.Struct, frozen=True):
    """What to draw: indices into `--mark-N`, `FIGURES` and `CUTS`, and 0 to 3 quarter turns."""

    hash: int
    colour: int
    figure: int
    cut: int
    turn: int


def mark(handle: str) -> Mark:
    """The mark of `handle`, the same for ever. Any text has one; handles are ASCII."""
    h = 0x811C9DC5
    for byte in handle.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    h ^= h >> 16
    rest, colour = divmod(h, len(LIGHT))
    rest, figure = divmod(rest, len(FIGURES))
    rest, cut = divmod(rest, len(CUTS))
    return Mark(h, colour, figure, cut, rest % 4)


def svg(handle: str, size: int) -> str:
    """The mark as an SVG element of `size` by `size` CSS pixels, without the handle in it.

    It says nothing to a screen reader: the handle stands beside it in words.
    """
    m = mark(handle)
    turned = f' transform="rotate({90 * m.turn} 16 16)"' if m.turn else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 32 32"'
        f' aria-hidden="true" focusable="false"><path fill="var(--mark-{m.colour})" fill-rule="evenodd"'
        f'{turned} d="{FIGURES[m.figure]}{CUTS[m.cut]}"/></svg>'
    )
