"""Which counts may be shown: no cell from 1 to 10 is, and none can be worked out from what is. Pure.

The rule is that of health statistics (CMS cell size suppression policy: nothing from 1 to 10, shown or
derivable from other cells; zero does not break it). The first half is easy, `figure`. The second half is
complementary suppression: of a table whose cells add up, hiding the small ones is not enough, because total
minus the rest gives the last one away. What we give up in its place is the **total**, and not another cell:

- A cell is shown or hidden by its own value alone. So the cells by themselves tell of a hidden one that
  it is hidden, and nothing else, even to somebody who knows this program.
- The total is shown only where each hidden cell may still be *anything* that a hidden cell can be. Not
  merely "not pinned": two hidden cells that add up to 20 are both 10, and three that add up to 29 are
  9 or 10 each. Otherwise there is `at_least`, the sum of what is shown, which tells nothing new.
- Somebody may know a part of the cells anyway: who led a group has counted it. So a total over several groups
  is shown only where the same holds for what is left after any one group is taken away, whatever its cells
  are. (In practice: three series or more, none of them with half of the hidden sessions.)

**Zero.** About things that happen in the hour (nobody wrote for five minutes) it is shown: it says that of
the hour, and the minute of quiet was meant to be one. About people, and what they say of themselves, it is
hidden like 1 to 10: "nobody said that they were well" says something about each of them (group disclosure).

**Windows.** Totals over time are of whole calendar months in UTC, `month_of`. Two such windows never overlap,
so there is no pair of them whose difference is a session. A figure that was given once is never worked out
again from more data (`reports.py` keeps the first): before and after would differ by what came late.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

K: Final = 11
"""The least count that is shown."""
MOST_HIDDEN: Final = K - 1

HIDDEN: Final = "fewer_than_11"
Figure: TypeAlias = int | Literal["fewer_than_11"]
"""A count of `K` or more (or zero, where that may be shown), or that it is hidden."""


class Total(msgspec.Struct, frozen=True):
    """`exact`: it is `at_least`. Otherwise `at_least` is the sum of what is shown, and the rest is hidden."""

    at_least: int
    exact: bool


class Part(NamedTuple):
    """One cell of a total that is taken over several groups."""

    value: int
    group: str = ""
    """Whose cell it is: somebody may know all cells of one group."""
    known_least: int = 0
    """What anybody knows from elsewhere that it is at least."""


class Table(msgspec.Struct, frozen=True):
    """Cells that add up, as they may be shown."""

    cells: tuple[Figure, ...]
    total: Total


def figure(count: int, *, zero: bool) -> Figure:
    """`count` as it may be shown; `zero`: whether 0 may be."""
    return count if count >= K or (zero and count == 0) else HIDDEN


def table(counts: Sequence[int], *, zero: bool) -> Table:
    """Cells of one group, and their sum."""
    cells = tuple(figure(count, zero=zero) for count in counts)
    return Table(cells, total_of([Part(count) for count in counts], zero=zero))


def total_of(parts: Sequence[Part], *, zero: bool) -> Total:
    """The sum of `parts`, each of which is shown somewhere as `figure(part.value, zero=zero)`.

    Whether it is exact depends on nothing but the sum itself and what is shown anyway. It may not depend on a
    hidden value: that it is exact would then tell of that value, to somebody who knows this program.
    """
    hidden = [part for part in parts if figure(part.value, zero=zero) == HIDDEN]
    shown = sum(part.value for part in parts) - sum(part.value for part in hidden)
    rest = sum(part.value for part in hidden)
    if not hidden or _may_be_known(hidden, rest, zero=zero):
        return Total(shown + rest, True)
    return Total(shown, False)


def _may_be_known(hidden: Sequence[Part], rest: int, *, zero: bool) -> bool:
    """Whether `rest`, the sum of `hidden`, tells nothing: to nobody, nor to whoever knows one group's cells,
    whatever those may be."""
    if not _keep_their_secret(hidden, rest, rest, zero=zero):
        return False
    groups = {part.group for part in hidden}
    for group in groups if len(groups) > 1 else ():
        known = [part for part in hidden if part.group == group]
        others = [part for part in hidden if part.group != group]
        at_least = rest - MOST_HIDDEN * len(known)
        at_most = rest - sum(_least(part, zero=zero) for part in known)
        if not _keep_their_secret(others, at_least, at_most, zero=zero):
            return False
    return True


def _keep_their_secret(hidden: Sequence[Part], at_least: int, at_most: int, *, zero: bool) -> bool:
    """Whether each of these may be whatever a hidden cell can be, for every sum of them in that range.

    Each is from its least to `MOST_HIDDEN`. One of them reaches its end where the others can make up what is
    left of the sum. Sums of whole numbers from ranges have no holes, so the two ends are all there is to see.
    """
    least = [_least(part, zero=zero) for part in hidden]
    widest = MOST_HIDDEN - min(least)
    # A sum from 1 to 10 is itself such a cell.
    return at_least >= max(K, sum(least) + widest) and at_most <= MOST_HIDDEN * len(hidden) - widest


def _least(part: Part, *, zero: bool) -> int:
    return max(part.known_least, 1 if zero else 0)


# ---- windows -----------------------------------------------------------------------------------

MONTH: Final = re.compile(r"\A2[01][0-9]{2}-(0[1-9]|1[0-2])\Z")


def month_of(occurrence: str) -> str:
    """The month, "2026-12", in which a session is counted: that of its planned start in UTC."""
    return f"{occurrence[:4]}-{occurrence[4:6]}"
