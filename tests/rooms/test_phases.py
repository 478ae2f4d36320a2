"""The table of phases: what follows what, and the picture that is drawn from it."""

from itertools import pairwise
from typing import get_args
from xml.etree import ElementTree

import pytest

from rooms import phases, phases_svg
from rooms.phases import FINAL, HOUR, TABLE, allowed, onward
from rooms.session import Phase

EVERY = get_args(Phase)


def test_the_way_of_an_hour_is_in_the_table_and_the_clock_may_go_it() -> None:
    way: tuple[Phase, ...] = ("scheduled", "lobby", *HOUR, "closed")
    for of, to in pairwise(way):
        assert allowed(of, to, "clock")
        assert allowed(of, to, "facilitator")


@pytest.mark.parametrize("final", sorted(FINAL))
def test_what_is_over_is_over(final: Phase) -> None:
    assert not any(line.of == final for line in TABLE)


def test_the_clock_never_goes_back() -> None:
    order = ("scheduled", "lobby", *HOUR, "closed")
    for line in TABLE:
        if "clock" in line.by and line.of in order and line.to in order:
            assert order.index(line.of) < order.index(line.to)


def test_a_facilitator_may_do_what_the_clock_may_and_go_back_within_the_hour() -> None:
    assert all("facilitator" in line.by for line in TABLE)
    back = {(line.of, line.to) for line in TABLE if "clock" not in line.by}
    assert back == {(b, a) for n, a in enumerate(HOUR) for b in HOUR[n + 1 :]}


def test_every_phase_is_reached_and_every_other_one_left() -> None:
    assert {line.to for line in TABLE} == set(EVERY) - {"scheduled"}
    assert {line.of for line in TABLE} == set(EVERY) - FINAL


def test_each_transition_stands_in_it_once() -> None:
    assert len({(line.of, line.to) for line in TABLE}) == len(TABLE)


def test_an_agenda_that_goes_back_does_not_take_the_clock_with_it() -> None:
    assert onward("open", "winding_down") == "winding_down"
    assert onward("closing_round", "open") == "closing_round"
    assert onward("open", "open") == "open"


def test_the_picture_is_not_stale() -> None:
    assert phases_svg.PATH.read_text("utf-8") == phases_svg.svg(), "run: python -m rooms.phases_svg"


def test_the_picture_has_an_arrow_for_each_transition_and_a_box_for_each_phase() -> None:
    picture = ElementTree.fromstring(phases_svg.svg())  # drawn here, from our own table
    space = "{http://www.w3.org/2000/svg}"
    titles = [title.text for path in picture.iter(f"{space}path") for title in path.iter(f"{space}title")]
    assert len(titles) == len(TABLE)
    names = {text.text for text in picture.iter(f"{space}text")}
    assert {phase.replace("_", " ") for phase in EVERY} <= names
    assert set(HOUR) == phases.TALKING
