"""What a facilitator writes for themselves after a session, and how much there was of it lately.

Sealed under a key that needs who they are (`sealing.py`), so that nobody else reads it, and nobody asks. Of a
debrief only this leaves: among all facilitators of a month, how many had a heavy session, where that may be
shown (`rooms/suppression.py`).
"""

import time
from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from chatd.sessions.afterwards import Afterwards, begins_at, month_from, starts_at
from chatd.sessions.sealing import Owner
from rooms.command import RoomName
from rooms.reports import Debrief
from rooms.session import Words
from rooms.suppression import month_of

HEAVY: Final = 7
"""From here on a session counts as heavy, of 0 to 10."""
WEEKS: Final = 4
WEEK_S: Final = 7 * 24 * 3600
EARLY_S: Final = 3600
"""How long before its planned start a session may be written about: a facilitator may open it early."""
OWN_KEY: Final = "own key\0"
"""Begins a person that a browser made up for itself. A space stands in no issuer's name, so that such a key
is never taken for somebody whom a ticket names."""
MAX_KEPT: Final = 500
"""Debriefs of one facilitator: three a day, all the months that they are kept."""

Occurrence: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9]{8}T[0-9]{6}Z\Z")]
Heaviness: TypeAlias = Annotated[int, Meta(ge=0, le=10)]


class Written(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A debrief, for the one who wrote it alone."""

    room: RoomName
    occurrence: Occurrence
    heavy: Heaviness
    """How heavy it was."""
    next: Words = ""
    """What the next one should know."""
    colleague: bool = False
    """"I need a colleague to talk to." It stays here: the page answers by saying whom to call."""


class Week(msgspec.Struct, frozen=True):
    sessions: int
    heavy: int


class Load(msgspec.Struct, frozen=True):
    """One's own last four weeks, by the debriefs one wrote: the server does not note who led what."""

    since: int
    sessions: int
    heavy: int
    weeks: tuple[Week, ...]
    """Each of seven days, the last one first."""


class NotNow(Exception):
    """The session is not over, or so long ago that nothing about it is kept."""


class TooMany(Exception):
    """More debriefs of one facilitator than are kept."""


class Debriefs:
    def __init__(
        self,
        afterwards: Afterwards,
        secret: bytes,
        *,
        months: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._afterwards = afterwards
        self._reports = afterwards.reports
        self._secret = secret
        self._months = months
        self._clock = clock

    async def write(self, person: str, written: Written) -> None:
        """Keep it, in the place of what `person` wrote of this session before. `NotNow`, `TooMany`."""
        try:
            start = starts_at(written.occurrence)
        except ValueError:
            raise NotNow from None
        if start - EARLY_S > self._clock():
            raise NotNow
        expires_at = begins_at(month_from(start, self._months))
        if expires_at <= self._clock():
            raise NotNow
        owner = Owner(self._secret, person)
        slot = owner.slot(written.room, written.occurrence)
        kept = await self._reports.debriefs(owner.mark, MAX_KEPT)
        if len(kept) >= MAX_KEPT and slot not in {each.slot for each in kept}:
            raise TooMany
        body = owner.sealed.seal(msgspec.json.encode(written), slot)
        await self._reports.put_debrief(Debrief(owner.mark, slot, expires_at, body))
        await self._count(person, month_of(written.occurrence))

    async def of(self, person: str) -> list[Written]:
        """All that `person` wrote and that is still kept, the latest session first."""
        return await self._of(Owner(self._secret, person))

    async def drop(self, person: str, room: str, occurrence: str) -> bool:
        """Forget one; whether there was one."""
        owner = Owner(self._secret, person)
        gone = await self._reports.drop_debrief(owner.mark, owner.slot(room, occurrence))
        if gone:
            await self._count(person, month_of(occurrence))
        return gone

    async def load(self, person: str) -> Load:
        now = self._clock()
        weeks: list[list[Written]] = [[] for _ in range(WEEKS)]
        for each in await self.of(person):
            ago_s = max(0, now - starts_at(each.occurrence))
            if ago_s < WEEKS * WEEK_S:
                weeks[int(ago_s // WEEK_S)].append(each)
        shown = tuple(Week(len(week), sum(each.heavy >= HEAVY for each in week)) for week in weeks)
        return Load(
            since=int(now) - WEEKS * WEEK_S,
            sessions=sum(week.sessions for week in shown),
            heavy=sum(week.heavy for week in shown),
            weeks=shown,
        )

    async def _of(self, owner: Owner) -> list[Written]:
        found = []
        for each in await self._reports.debriefs(owner.mark, MAX_KEPT):
            words = owner.sealed.open(each.body, each.slot)
            if words is not None and each.expires_at > self._clock():
                found.append(msgspec.json.decode(words, type=Written))
        return sorted(found, key=lambda written: (written.occurrence, written.room), reverse=True)

    async def _count(self, person: str, month: str) -> None:
        """Bring the month's tally in line with what there is now of this facilitator.

        Not of a browser's own key: one person could make ten, and what the month tells of ten more is then
        what it must not tell of one.
        """
        if person.startswith(OWN_KEY):
            return
        owner = Owner(self._secret, person)
        of_month = [each for each in await self._of(owner) if month_of(each.occurrence) == month]
        heavy = any(each.heavy >= HEAVY for each in of_month)
        await self._afterwards.count(month, owner.mark_of(month), wrote=bool(of_month), heavy=heavy)
