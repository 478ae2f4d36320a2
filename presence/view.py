"""The view: one room over all nodes, and what its members on this node have been shown of it.

    put, drop, replace, forget   what a node holds there: this one's seats and copies of others'
    best, count                  the truth as known now, by distinct handle
    show                         what is to be shown now, as the difference to what was shown
    roster                       what was shown, for who comes in

A handle that two nodes hold is one person: it goes only when the last node drops it, so who
moves from node to node shows neither leave nor join. Pure.
"""

from bisect import insort
from collections.abc import Iterable
from typing import Final

from presence.messages import MAX_MEMBERS, Held
from presence.pace import Pace
from presence.roster import CROWD_ENDS, Member, Roster, Show, ordered, place

NOBODY: Final[dict[str, Held]] = {}


class View:
    __slots__ = (
        "_copies",
        "_crowd",
        "_in_crowd",
        "_roster",
        "_said",
        "_shown",
        "_there",
        "_unshown",
        "_version",
        "pace",
        "room",
    )

    def __init__(self, room: str, pace: Pace, crowd: int) -> None:
        self.room = room
        self.pace = pace
        self._crowd = crowd
        self._in_crowd = False
        self._copies: dict[str, dict[str, Held]] = {}
        self._there: dict[str, int] = {}
        """How many nodes hold each handle."""
        self._shown: dict[str, Member] = {}
        self._unshown: dict[str, None] = {}
        self._said = 0
        """The count that was shown last."""
        self._version = 0
        self._roster: Roster | None = None

    def put(self, node: str, held: Held) -> None:
        """`node` holds this handle, so."""
        copy = self._copies.setdefault(node, {})
        was = copy.get(held.handle)
        if was == held:
            return
        if was is None:
            if len(copy) >= MAX_MEMBERS:
                return
            self._there[held.handle] = self._there.get(held.handle, 0) + 1
        copy[held.handle] = held
        self._unshown[held.handle] = None

    def drop(self, node: str, handle: str) -> None:
        """`node` holds this handle no more."""
        if self._copies.get(node, NOBODY).pop(handle, None) is None:
            return
        left = self._there[handle] - 1
        if left:
            self._there[handle] = left
        else:
            del self._there[handle]
        self._unshown[handle] = None

    def replace(self, node: str, held: Iterable[Held]) -> None:
        """`node` holds these handles and no others."""
        new = {each.handle: each for each in held}
        for handle in [handle for handle in self._copies.get(node, NOBODY) if handle not in new]:
            self.drop(node, handle)
        for each in new.values():
            self.put(node, each)

    def forget(self, node: str) -> None:
        """`node` holds nobody here."""
        self.replace(node, ())
        self._copies.pop(node, None)

    def best(self, handle: str) -> Held | None:
        """The newest word that any node has about `handle`, the same on every node that knows
        the same; at equal turns, "back" counts more than "away"."""
        found: Held | None = None
        for copy in self._copies.values():
            held = copy.get(handle)
            if held is not None and (found is None or _rank(held) > _rank(found)):
                found = held
        return found

    @property
    def count(self) -> int:
        """Distinct handles, as known now."""
        return len(self._there)

    @property
    def pending(self) -> bool:
        """Whether `show` might have something to say."""
        return bool(self._unshown)

    def show(self) -> Show | None:
        """Everything that has changed since the last call is shown from now on; None where it
        cancelled out, or where a crowd counts as many as before."""
        joined: list[Member] = []
        left: list[str] = []
        away: list[str] = []
        back: list[str] = []
        for handle in self._unshown:
            was, best = self._shown.get(handle), self.best(handle)
            if best is None:
                if was is not None:
                    del self._shown[handle]
                    left.append(handle)
                continue
            member = Member(handle, best.role, best.away)
            if member == was:
                continue
            self._shown[handle] = member
            if was is None or was.role != member.role:
                joined.append(member)
            else:
                (away if member.away else back).append(handle)
        self._unshown.clear()
        if not (joined or left or away or back):
            return None
        self._roster = None
        self._version += 1
        count = len(self._shown)
        was_crowd = self._in_crowd
        self._in_crowd = count > (self._crowd * CROWD_ENDS if was_crowd else self._crowd)
        said, self._said = self._said, count
        if self._in_crowd:
            return Show(self.room, (), (), (), (), count) if count != said or not was_crowd else None
        if was_crowd:
            return Show(self.room, ordered(self._shown), (), (), (), count)
        return Show(self.room, tuple(joined), tuple(left), tuple(away), tuple(back), count)

    def roster(self, handle: str | None) -> Roster:
        """What was shown, with `handle`, who has just come in, whether shown yet or not."""
        if self._roster is None or (self._in_crowd and self._roster.count != self.count):
            members = () if self._in_crowd else ordered(self._shown)
            count = self.count if self._in_crowd else len(self._shown)
            self._roster = Roster(members, count, self._version)
        if self._in_crowd or handle is None or handle in self._shown:
            return self._roster
        best = self.best(handle)
        if best is None:
            return self._roster
        named = list(self._roster.members)
        insort(named, Member(handle, best.role, best.away), key=place)
        return Roster(tuple(named), len(named), self._version)


def _rank(held: Held) -> tuple[int, bool, str]:
    return held.turn, not held.away, held.role or ""
