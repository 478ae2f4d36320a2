"""No cell from 1 to 10 is shown or can be derived: an attacker tries who knows the program by heart.

The attacker makes every world there could be, lets the program publish each, and keeps those that look
exactly like what was published. What a hidden cell is in all of them together is all that can be known of it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import suppression
from rooms.suppression import HIDDEN, MONTH, Figure, Part, Table, Total, figure, month_of, table, total_of

World = tuple[int, ...]


def seen(worlds: Iterable[World], publish: Callable[[World], object]) -> list[list[World]]:
    """Worlds that look alike, together."""
    alike: defaultdict[object, list[World]] = defaultdict(list)
    for world in worlds:
        alike[publish(world)].append(world)
    return list(alike.values())


def possible(worlds: Sequence[World], cell: int) -> set[int]:
    return {world[cell] for world in worlds}


@pytest.fixture(params=[(3, 4), (4, 4), (5, 3), (11, 2), (11, 3)], ids=lambda p: f"k{p[0]}-{p[1]}cells")
def cells(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """(k, how many cells): small ones, so that every world there is can be looked at; and the real one."""
    k, count = request.param
    monkeypatch.setattr(suppression, "K", k)
    monkeypatch.setattr(suppression, "MOST_HIDDEN", k - 1)
    return k, count


# ---- one table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "zero", "shown"),
    [
        (0, True, 0),
        (0, False, HIDDEN),
        (1, True, HIDDEN),
        (10, True, HIDDEN),
        (10, False, HIDDEN),
        (11, False, 11),
    ],
)
def test_what_is_shown_of_one_count(count: int, zero: bool, shown: Figure) -> None:
    assert figure(count, zero=zero) == shown


def test_the_attacker_succeeds_where_only_small_cells_are_hidden() -> None:
    """What everybody does first. It proves that the attack is one."""

    def careless(world: World) -> object:
        return tuple(figure(count, zero=True) for count in world), sum(world)

    pinned = {
        world
        for alike in seen(product(range(14), repeat=2), careless)
        for world in alike
        for cell in range(2)
        if 1 <= world[cell] <= 10 and len(possible(alike, cell)) == 1
    }
    assert (5, 12) in pinned  # total minus the rest
    assert (10, 10) in pinned  # 20 in two cells of at most 10 each
    assert (1, 1) in pinned


@pytest.mark.parametrize("zero", [True, False])
def test_of_a_hidden_cell_nothing_is_known_but_that_it_is_hidden(cells: tuple[int, int], zero: bool) -> None:
    k, count = cells
    everything = set(range(1 if zero else 0, k))
    for alike in seen(product(range(k + 2), repeat=count), lambda world: table(world, zero=zero)):
        published = table(alike[0], zero=zero)
        for cell, shown in enumerate(published.cells):
            assert possible(alike, cell) == (everything if shown == HIDDEN else {shown})
        if published.total.exact and HIDDEN in published.cells:  # what is hidden together is a cell, too
            assert published.total.at_least - sum(each for each in published.cells if each != HIDDEN) >= k


@given(counts=st.lists(st.integers(0, 45), min_size=1, max_size=40), zero=st.booleans())
def test_of_a_long_table_neither(counts: list[int], zero: bool) -> None:
    """Too many worlds to look at each: which sums can the other hidden cells make up?"""
    published = table(counts, zero=zero)
    shown = [cell for cell in published.cells if cell != HIDDEN]
    assert all(cell >= 11 or (zero and cell == 0) for cell in shown)
    assert published.total.at_least >= sum(shown)
    if not published.total.exact:
        assert published.total.at_least == sum(shown)
        return
    assert published.total.at_least == sum(counts)
    hidden, rest = len(counts) - len(shown), sum(counts) - sum(shown)
    values = range(1 if zero else 0, 11)
    others = {0}
    for _ in range(hidden - 1):
        others = {had + value for had in others for value in values}
    if hidden:
        assert rest >= 11
        assert all(rest - value in others for value in values)


def test_totals_that_are_safe_are_shown() -> None:
    """Or hiding every total would pass all of this."""
    assert table([12, 14, 30], zero=True).total == Total(56, True)
    assert table([12, 0, 30], zero=True).total == Total(42, True)
    assert table([5, 6, 4, 7, 40], zero=True).total == Total(62, True)
    assert table([5, 40], zero=True).total == Total(40, False)
    assert table([5, 5], zero=False).total == Total(0, False)
    assert table([9, 10, 10], zero=True) == Table((HIDDEN,) * 3, Total(0, False))


# ---- a total over groups, by somebody who knows one of them --------------------------------------------


@pytest.mark.parametrize("least", [0, 1])
@pytest.mark.parametrize("groups", ["aab", "abc", "aabb", "abcde", "aabcde"])
@pytest.mark.parametrize("insider", ["", "a", "b"])
def test_whoever_led_one_group_cannot_tell_the_others(
    monkeypatch: pytest.MonkeyPatch, groups: str, insider: str, least: int
) -> None:
    """Every session's own report is known, too: what it shows, and what a hidden one is at least."""
    k = 4
    monkeypatch.setattr(suppression, "K", k)
    monkeypatch.setattr(suppression, "MOST_HIDDEN", k - 1)

    def publish(world: World) -> Total:
        parts = [Part(each, group, least) for each, group in zip(world, groups, strict=True)]
        return total_of(parts, zero=False)

    def view(world: World) -> object:
        own = tuple(each for each, group in zip(world, groups, strict=True) if group == insider)
        return own, tuple(figure(each, zero=False) for each in world), publish(world)

    exact = 0
    for alike in seen(product(range(least, k + 1), repeat=len(groups)), view):
        published = publish(alike[0])
        for cell, group in enumerate(groups):
            if group == insider or figure(alike[0][cell], zero=False) != HIDDEN:
                continue
            left = possible(alike, cell)
            assert len(left) > 1
            if published.exact:
                assert left == set(range(least, k))
                exact += 1
    if len(groups) > 4 and least == 0:
        assert exact, "a rule that never shows a total is no rule"


def test_a_month_of_some_series_has_a_total() -> None:
    weekly = [Part(7, series, 3) for series in "aaaabbbbcccc"]
    assert total_of(weekly, zero=False) == Total(84, True)
    assert total_of([*weekly, Part(12, "d")], zero=False) == Total(96, True)
    assert total_of(weekly[:8], zero=False) == Total(0, False)  # who led a would know the sum of b
    assert total_of(weekly[:4], zero=False) == Total(28, True)  # who led a knows it anyway


# ---- windows -----------------------------------------------------------------------------------


def test_a_session_is_in_one_month_whenever_it_was() -> None:
    assert month_of("20261231T235900Z") == "2026-12"
    assert month_of("20270101T000000Z") == "2027-01"


@pytest.mark.parametrize(
    "window", ["2026", "2026-12-01", "2026-W50", "2026-00", "2026-13", "2026-1", "2026-12\n"]
)
def test_there_is_no_other_window(window: str) -> None:
    assert MONTH.match(window) is None
