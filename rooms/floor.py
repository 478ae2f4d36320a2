"""The floor: who has a hand up, who is next, whose turn it is, and rounds. Pure.

One person at most has the floor: the one at the head of a running round, or else the one it was given to.
Each function takes a floor and returns one; what it says of handles that it does not know is: nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from rooms.session import Floor, Round, Session, Turn

CLOSED: Final = Floor(queue_open=False)
"""The floor of a session that is over."""


def speaker(floor: Floor) -> str | None:
    """Who has the floor; None: nobody, or whoever likes."""
    if floor.round is not None:
        return floor.round.todo[0] if floor.round.todo else None
    return floor.turn.handle if floor.turn is not None else None


def queue(floor: Floor, heard: Mapping[str, int]) -> tuple[str, ...]:
    """The raised hands in the order that counts: first come first, or first those who were not heard yet.

    `heard`: turns per handle. What counts is whether somebody was heard, not how often: who was, once, does
    not lose their place to somebody quieter who came later.
    """
    if not floor.unheard_first:
        return floor.hands
    return tuple(sorted(floor.hands, key=lambda handle: bool(heard.get(handle))))


def unheard(session: Session, heard: Mapping[str, int]) -> tuple[str, ...]:
    """The members who have not said anything yet."""
    return tuple(handle for handle in session.members if not heard.get(handle))


# ---- hands ---------------------------------------------------------------------------------------


def raised(floor: Floor, handle: str) -> Floor:
    return floor if handle in floor.hands else replace(floor, hands=(*floor.hands, handle))


def lowered(floor: Floor, handle: str) -> Floor:
    if handle not in floor.hands:
        return floor
    return replace(floor, hands=tuple(other for other in floor.hands if other != handle))


# ---- turns ---------------------------------------------------------------------------------------


def given(floor: Floor, to: str | None, since: int, until: int | None) -> Floor:
    """`to` has the floor; in a round they go next, and the round goes on after them."""
    if to is None:
        return replace(floor, turn=None)
    floor = lowered(floor, to)
    if floor.round is not None:
        todo = (to, *(handle for handle in floor.round.todo if handle != to))
        return replace(floor, round=replace(floor.round, todo=todo))
    return replace(floor, turn=Turn(to, since, until))


def ended(floor: Floor, whose: str, passed: bool) -> Floor:
    """`whose` turn is over. A round whose last turn this was is over too."""
    round_ = floor.round
    if round_ is not None and whose in round_.todo:
        todo = tuple(handle for handle in round_.todo if handle != whose)
        done = round_.done if passed else (*round_.done, whose)
        passes = (*round_.passed, whose) if passed else round_.passed
        return replace(floor, round=replace(round_, todo=todo, done=done, passed=passes) if todo else None)
    if floor.turn is not None and floor.turn.handle == whose:
        return replace(floor, turn=None)
    return floor


# ---- rounds --------------------------------------------------------------------------------------


def started(floor: Floor, prompt: str, order: Iterable[str]) -> Floor:
    """Everybody in `order` once. A turn that was given ends by it. Nobody there: no round."""
    todo = tuple(order)
    return replace(floor, turn=None, round=Round(prompt, todo) if todo else None)


def stopped(floor: Floor) -> Floor:
    return replace(floor, round=None)


# ---- people come and go --------------------------------------------------------------------------


def joined(floor: Floor, handle: str) -> Floor:
    """Who comes during a round has their turn at its end."""
    round_ = floor.round
    if round_ is None or handle in (*round_.todo, *round_.done, *round_.passed):
        return floor
    return replace(floor, round=replace(round_, todo=(*round_.todo, handle)))


def without(floor: Floor, handle: str) -> Floor:
    """`handle` is gone, or may not speak: no hand, no turn, and no place in what is left of a round."""
    floor = lowered(floor, handle)
    if floor.turn is not None and floor.turn.handle == handle:
        floor = replace(floor, turn=None)
    round_ = floor.round
    if round_ is not None and handle in round_.todo:
        todo = tuple(other for other in round_.todo if other != handle)
        floor = replace(floor, round=replace(round_, todo=todo) if todo else None)
    return floor
