"""Marks: the same in Python and on the page, told apart by colour-blind eyes, seen on both grounds."""

import json
import math
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.handles import candidates
from presence.marks import CUTS, DARK, FIGURES, LIGHT, mark, svg

VECTORS = json.loads(Path(__file__).with_name("marks.json").read_text("utf-8"))

Colour: TypeAlias = tuple[float, float, float]
Matrix: TypeAlias = tuple[Colour, Colour, Colour]

SIGHTS: dict[str, Matrix] = {
    "typical": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Machado, Oliveira, Fernandes 2009, severity 1.0, in linear RGB."""


def linear(colour: str) -> Colour:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))

    def undo(x: float) -> float:
        return x / 12.92 if x <= 0.04045 else float(((x + 0.055) / 1.055) ** 2.4)

    return undo(red), undo(green), undo(blue)


def times(matrix: Matrix, colour: Colour) -> Colour:
    a, b, c = (sum(k * x for k, x in zip(row, colour, strict=True)) for row in matrix)
    return a, b, c


def oklab(colour: Colour) -> Colour:
    """https://bottosson.github.io/posts/oklab/"""
    long, medium, short = times(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        colour,
    )
    return times(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        (math.cbrt(long), math.cbrt(medium), math.cbrt(short)),
    )


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.11."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("vector", VECTORS["marks"], ids=lambda vector: str(vector["handle"]))
def test_marks_are_what_the_vectors_say(vector: dict[str, int | str]) -> None:
    drawn = mark(str(vector["handle"]))
    assert {
        "handle": vector["handle"],
        "hash": drawn.hash,
        "colour": drawn.colour,
        "figure": drawn.figure,
        "cut": drawn.cut,
        "turn": drawn.turn,
    } == vector


def test_the_vectors_hold_the_drawings_too() -> None:
    assert VECTORS["figures"] == list(FIGURES)
    assert VECTORS["cuts"] == list(CUTS)
    assert (VECTORS["light"], VECTORS["dark"]) == (list(LIGHT), list(DARK))
    assert {vector["figure"] for vector in VECTORS["marks"]} == set(range(len(FIGURES)))


def test_the_hash_is_fnv_1a() -> None:
    """http://www.isthe.com/chongo/tech/comp/fnv/: "foobar" is 0xbf9cf968; its halves are folded once."""
    assert mark("foobar").hash == 0xBF9CF968 ^ 0xBF9C
    assert mark("").hash == 0x811C9DC5 ^ 0x811C


@pytest.mark.parametrize(
    ("palette", "grounds"),
    [(LIGHT, ("#faf7f2", "#fffdf8", "#efe9de")), (DARK, ("#171513", "#1e1b18", "#100e0d"))],
    ids=["light", "dark"],
)
def test_every_colour_is_seen_on_every_ground(palette: tuple[str, ...], grounds: tuple[str, ...]) -> None:
    assert len(set(palette)) == 8
    assert [colour for colour in palette for ground in grounds if contrast(colour, ground) < 3] == []


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_are_told_apart(palette: tuple[str, ...], sight: str) -> None:
    """0.08 in Oklab is four times what is just seen side by side."""
    seen = [oklab(times(SIGHTS[sight], linear(colour))) for colour in palette]
    assert min(math.dist(one, other) for one, other in combinations(seen, 2)) > 0.08


def test_a_room_of_twelve_reads_like_twelve_people() -> None:
    """In 500 rooms: the same drawing twice in 4 of 100 at most, and seven colours of eight used mostly."""
    doubles = colours = 0
    for room in range(500):
        drawn = [mark(handle) for handle in candidates(room.to_bytes(4, "big"), 12)]
        doubles += len({(each.colour, each.figure, each.cut) for each in drawn}) < 12
        colours += len({each.colour for each in drawn})
    assert doubles / 500 < 0.12
    assert colours / 500 > 6


def test_marks_are_spread_evenly() -> None:
    """Chi-square over 20,000 handles: colour with figure, and cut with turn, within five deviations."""
    drawn = [mark(candidates(number.to_bytes(4, "big"), 1)[0]) for number in range(20_000)]
    for often, kinds in (
        (Counter((each.colour, each.figure) for each in drawn), len(LIGHT) * len(FIGURES)),
        (Counter((each.cut, each.turn) for each in drawn), len(CUTS) * 4),
    ):
        expected = len(drawn) / kinds
        chi_square = sum((n - expected) ** 2 / expected for n in often.values())
        assert len(often) == kinds
        assert abs(chi_square - (kinds - 1)) < 5 * (2 * (kinds - 1)) ** 0.5


@given(st.text(max_size=70), st.integers(1, 400))
def test_svg_is_one_path_without_the_handle(text: str, size: int) -> None:
    root = ElementTree.fromstring(svg(text, size))
    (path,) = root
    drawn = mark(text)
    assert root.attrib["width"] == root.attrib["height"] == str(size)
    assert root.attrib["aria-hidden"] == "true"
    assert path.attrib["fill"] == f"var(--mark-{drawn.colour})"
    assert path.attrib.get("transform", "rotate(0 16 16)") == f"rotate({90 * drawn.turn} 16 16)"
    assert path.attrib["d"] == FIGURES[drawn.figure] + CUTS[drawn.cut]


def test_the_drawings_say_only_what_a_path_may() -> None:
    assert all(re.fullmatch(r"[MmHhVvLlQqAaZz0-9. -]*", path) for path in (*FIGURES, *CUTS))
