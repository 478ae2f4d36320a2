"""Small groups: who goes where, so that nobody is left alone in one. Pure."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from rooms.session import Breakouts

Groups: TypeAlias = tuple[tuple[str, ...], ...]

FEWEST: Final = 2
"""People in a group, and groups in a split: one alone is none."""
MAX_GROUPS: Final = 7


def by_size(members: Sequence[str], size: int) -> Groups | None:
    """Groups of about `size`, as equal as they can be; never smaller than `FEWEST`. None: too few people.

    Neighbours in the roster come into different groups: they may have come together.
    """
    count = min(round(len(members) / size), len(members) // FEWEST, MAX_GROUPS)
    if count < FEWEST:
        return None
    return tuple(tuple(members[first::count]) for first in range(count))


def by_hand(members: Sequence[str], wanted: Groups) -> Groups | None:
    """The groups as a facilitator made them; who is in none joins the smallest. None: somebody is alone,
    twice, or not a member, or it is no split at all."""
    named = [handle for group in wanted for handle in group]
    if len(set(named)) != len(named) or not set(named) <= set(members):
        return None
    groups = tuple(group for group in wanted if group)
    if not FEWEST <= len(groups) <= MAX_GROUPS:
        return None
    for handle in members:
        if handle not in named:
            groups = _joined(groups, handle)
    return groups if all(len(group) >= FEWEST for group in groups) else None


def with_latecomer(split: Breakouts | None, handle: str) -> Breakouts | None:
    """Who comes while the group is split joins the smallest group."""
    if split is None or any(handle in group for group in split.groups):
        return split
    return replace(split, groups=_joined(split.groups, handle))


def without(split: Breakouts | None, handle: str) -> Breakouts | None:
    """`handle` is gone. Whoever is left alone by that goes to the smallest other group; where there is none,
    the split is over. Groups keep their places, since their rooms are named after them: one may be empty."""
    if split is None or not any(handle in group for group in split.groups):
        return split
    groups = tuple(tuple(other for other in group if other != handle) for group in split.groups)
    for alone in [group for group in groups if len(group) == 1]:
        groups = tuple(() if group == alone else group for group in groups)
        if not any(groups):
            return None
        groups = _joined(groups, alone[0])
    return replace(split, groups=groups) if any(groups) else None


def _joined(groups: Groups, handle: str) -> Groups:
    """`handle` in the smallest group that is one; of several, the first."""
    n = min((n for n, group in enumerate(groups) if group), key=lambda n: len(groups[n]))
    return (*groups[:n], (*groups[n], handle), *groups[n + 1 :])
