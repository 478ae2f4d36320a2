"""What is somebody's own in a room: to see all that is kept of them, and to take all of it back.

    mine          counted from the log and the rules, as they stand at this moment
    withdraw_all  one withdrawal for each of their posts and reactions, as if they had done it one by one

In a session's room both go on to the rooms that belong to it. What is taken back is overwritten as by any
`withdraw`; a part at a time goes into one commit, so others have their turn between, and to say it again
after a break goes on where it was. Touches the log, through the commits where it writes.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Final

from chatd import wire
from chatd.commits import Commits
from chatd.connection import Seated
from chatd.door import Door, Refused
from chatd.epochs.renewals import Renewals
from chatd.hub import Hub
from chatd.live_room import LiveRoom
from chatd.wire import ErrorCode
from rooms import children
from rooms.command import CommandId
from rooms.commands import Withdraw
from rooms.events import AnyEvent
from rooms.log import Appended, Draft, Log, Stale
from rooms.mine import Kept, stands, to_withdraw
from rooms.periods import kept_s
from rooms.posting_rules import withdraw

READ: Final = 200
"""Events read at a time, and withdrawn in one commit at most."""
ROOMS: Final = 100
TRIES: Final = 20
"""Decisions on one part before giving up: in a session a whole group may change the rules at one moment."""
RETRY_S: Final = 2.0


class Own:
    """Asked on one node. `wall` gives Unix seconds."""

    def __init__(
        self,
        *,
        log: Log,
        hub: Hub,
        commits: Commits,
        door: Door,
        renewals: Renewals,
        wall: Callable[[], float],
    ) -> None:
        self._log = log
        self._hub = hub
        self._commits = commits
        self._door = door
        self._renewals = renewals
        self._wall = wall

    async def mine(self, id_: CommandId, seated: Seated) -> wire.Mine:
        """What is kept of whoever sits here. `Refused`, `LogError`."""
        live, handle, kept = seated.live, seated.who.handle, Kept()
        for room in await self._rooms(seated):
            async for events in self._by(room, handle):
                kept.add(events)
        parent = seated.parent or live
        await self._hub.settle(parent)
        session = parent.state.rules.session
        spec = await self._door.room(parent.name)
        anew_in_s = self._renewals.anew_in_s(spec, parent.state)
        return wire.Mine(
            id=id_,
            room=live.name,
            handle=handle,
            posts=kept.posts,
            reactions=kept.reactions,
            withdrawn=kept.withdrawn,
            waiting=kept.waiting,
            other=kept.other,
            since=kept.since,
            stands=list(stands(session, handle)),
            erase_at=session.erase_at
            if session is not None
            else None
            if anew_in_s is None
            else math.ceil(self._wall() + anew_in_s),
            kept_s=kept_s(spec),
        )

    async def withdraw_all(self, id_: CommandId, seated: Seated) -> wire.Ok:
        """Take back every post and reaction of whoever sits here. `Refused`, `LogError`: some may be taken
        back already; ask again."""
        count = 0
        for room in await self._rooms(seated):
            async for events in self._by(room, seated.who.handle):
                if seqs := to_withdraw(events):
                    live = seated.live if room == seated.live.name else await self._hub.open(room)
                    count += await self._withdraw(live, seated, seqs)
        return wire.Ok(id=id_, count=count)

    async def _rooms(self, seated: Seated) -> list[str]:
        """The room, and where it is a session's those that belong to it. `LogError`."""
        found = [seated.live.name]
        if seated.live.state.rules.session is None:
            return found
        begins = after = children.prefix(seated.live.name)
        while names := await self._log.rooms(after, ROOMS):
            found += (ours := [name for name in names if name.startswith(begins)])
            if len(ours) < len(names):
                break
            after = names[-1]
        return found

    async def _by(self, room: str, handle: str) -> AsyncIterator[list[AnyEvent]]:
        """All events by `handle` that the room has now, in parts. `LogError`."""
        head = (await self._log.heads([room])).get(room)
        after = 0
        while head is not None and after < head.head:
            events = await self._log.by(room, head.epoch, handle, after, READ)
            events = [event for event in events if event.seq <= head.head]
            if not events:
                return
            yield events
            after = events[-1].seq

    async def _withdraw(self, live: LiveRoom, seated: Seated, seqs: list[int]) -> int:
        """How many of these were taken back by this. `Refused`, `LogError`."""
        count = 0
        for _ in range(TRIES):
            if not seqs:
                return count
            await self._hub.settle(live)
            if seqs[-1] > live.state.head:
                await self._hub.catch_up(live)  # said on another node a moment ago, and not heard of here
            drafts = [
                draft
                for seq in seqs
                if isinstance(
                    draft := withdraw(Withdraw(id=0, room=live.name, seq=seq), seated.who, live.state), Draft
                )
            ]
            outcomes = await asyncio.gather(*map(self._commits.submit_own, drafts))
            count += sum(isinstance(outcome, Appended) for outcome in outcomes)
            seqs = [
                draft.withdraws
                for draft, outcome in zip(drafts, outcomes, strict=True)
                if isinstance(outcome, Stale) and draft.withdraws is not None
            ]
            if seqs and self._hub.live.get(live.name) is not live:
                raise Refused(ErrorCode.NOT_JOINED)  # erased meanwhile, and all of it with it
            if seqs:
                await self._hub.catch_up(live)
        raise Refused(ErrorCode.BUSY, RETRY_S)
