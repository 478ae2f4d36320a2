"""The log: the truth about what happened in a room, and the interface its backends keep.

    append   -> the event has a place (`seq`) and survives `kill -9`
    since    -> what a member or a hub missed
    before   -> what a person scrolls back to
    heads    -> where every room stands, in one question

Guarantees, which `tests/contracts/test_log.py` holds every backend to:

- **Order.** Within one epoch `seq` is 1, 2, 3 ... without a hole, over all processes that share
  the store. What one `append` call is given for one room gets ascending places in the order given.
- **Durability.** When `append` returns, the events are on disk (`synchronous=FULL`). An error
  means that *none* of the call's drafts was kept, or that this cannot be known: send the same
  drafts again, the keys make that safe.
- **Exactly once.** A draft whose (room, epoch, handle, key) is in the log is answered with
  `Duplicate` and the first `seq`.
- **Decided under the rules in force.** A draft decided under another `rules_version` than the
  room's present one, or for another epoch, is answered with `Stale` and nothing is kept of it. The same
  goes for every other room that it names in `also`.
- **Own things only.** A draft with `withdraws` is kept only where the event at that place is by
  the same handle and not withdrawn already (a `Decided`: where it is a `Held`); then, in the same
  transaction, that event's content is overwritten (`text=""` or `kind=""`, `withdrawn=True`). A
  post's key stays known, so that a late resend cannot bring its text back; a reaction's is free
  again. Of no key more than a digest is kept.
- **Reads see whole commits only**, and never an older state than one already seen by the caller.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from rooms.events import AnyEvent, Rules


class Head(msgspec.Struct, frozen=True):
    """Where a room's log stands.

    `epoch` is random text, new at every erasure: a client that names an old one gets a clean
    start. `head` is the last `seq` (0: nothing yet), `tail` the first one that is still kept
    (`head + 1` when nothing is). `began_at`: when the epoch began, in Unix seconds; 0 where nobody knows.
    """

    epoch: str
    head: int
    tail: int
    rules_version: int
    rules: Rules
    began_at: int = 0


class Draft(msgspec.Struct, frozen=True):
    """An event that wants a place, with what must still be true when it gets one."""

    event: AnyEvent
    epoch: str
    rules_version: int
    key: str
    withdraws: int | None = None
    rules: Rules | None = None
    """The room's new rules, where this event changes them."""
    also: tuple[tuple[str, str, int], ...] = ()
    """Other rooms that it was decided under: name, epoch and version of the rules. Of a room that belongs to
    a session, the session's own."""


class Appended(msgspec.Struct, frozen=True):
    """Kept. `event` is the draft's, with `seq` and `at` filled in."""

    event: AnyEvent


class Duplicate(msgspec.Struct, frozen=True):
    """Kept before, at `seq`, under the same key."""

    seq: int


class Stale(msgspec.Struct, frozen=True):
    """The rules or the epoch have moved on. Read the room's head and decide again."""


class NotFound(msgspec.Struct, frozen=True):
    """`withdraws` names no event that is there to withdraw."""


class NotYours(msgspec.Struct, frozen=True):
    """`withdraws` names somebody else's event."""


Outcome: TypeAlias = Appended | Duplicate | Stale | NotFound | NotYours


class Claim(msgspec.Struct, frozen=True):
    """Somebody wants a handle in an epoch.

    `owner` is 16 bytes that stand for a pseudonym (an HMAC of it under the epoch's key: it ties
    to nobody once that key is gone). `candidates` are the handles they would take, best first.
    """

    room: str
    epoch: str
    owner: bytes
    candidates: tuple[str, ...]


class LogError(Exception):
    """The root of what a log raises. The caller keeps its drafts and may try again."""


class LogUnavailable(LogError):
    """The store cannot be written or read just now (disk full, database away, file locked)."""


class LogCorrupt(LogError):
    """The store holds something that this log did not write. Says which file and what to do."""


class Log(Protocol):
    async def open_room(self, room: str) -> Head:
        """The room's head; a room that has no log gets one, with a fresh epoch. Idempotent."""
        ...

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """One durable transaction for all drafts, of any rooms; one outcome each, same order.

        Callers batch (see `group_commit.py`); a call costs one fsync however many it carries.
        Every room named must have been opened before: unknown rooms are answered `Stale`.
        """
        ...

    async def since(self, room: str, epoch: str, after: int, limit: int) -> list[AnyEvent]:
        """Events with `seq > after`, ascending, contiguous, at most `limit`.

        Empty where there are none, or where the epoch is not the room's present one. Where
        `after + 1 < tail` what it returns starts at `tail`: look at the first `seq`.
        """
        ...

    async def before(self, room: str, epoch: str, before: int, limit: int) -> list[AnyEvent]:
        """The last `limit` events with `seq < before`, ascending. Empty as for `since`."""
        ...

    async def by(self, room: str, epoch: str, handle: str, after: int, limit: int) -> list[AnyEvent]:
        """Events by `handle` with `seq > after`, ascending, at most `limit`. Empty as for `since`."""
        ...

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        """The heads of those of `rooms` that have a log."""
        ...

    async def rooms(self, after: str, limit: int) -> Sequence[str]:
        """The first `limit` names greater than `after`, ascending, of rooms that have a log."""
        ...

    async def claim(self, claims: Sequence[Claim]) -> list[str | None]:
        """One durable transaction; for each claim the handle its owner has in that epoch.

        An owner who has one gets that one, whatever the candidates. Otherwise the first
        candidate that nobody has; None where all are taken (draw more) or the epoch is gone.
        """
        ...

    async def erase(self, room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        """Forget everything of the room's epoch, handles and rules too, and begin a new one: at `began_at`
        (Unix seconds), where the caller's clock counts and not the log's.

        With `epoch`: only where that is the room's present one, so that of two who would erase the same
        thing the second wipes nothing that has begun since. Either way the head is the one that holds
        now, and of what was forgotten nothing is readable any more.
        """
        ...

    async def drop(self, room: str, epoch: str) -> bool:
        """Forget that the room has a log at all, where nothing has happened in it in this epoch, its present
        one; whether it is gone. Who still writes to it is answered with `Stale`, and may open it again."""
        ...

    async def begin_anew(self, room: str) -> Head:
        """Give what the room has a new epoch: whatever anybody holds of the old one is void.

        Events stay at their places, rules as they are, and it began when it did. Handles stay taken, by
        nobody who comes (an owner is of an epoch), so that no newcomer gets one that somebody spoke under.
        """
        ...

    async def trim(self, room: str, before_at: int) -> int:
        """Forget the room's events up to the last one with `at < before_at`; how many went.

        `seq` goes on as it was. What is left has no hole, even where a clock was set back.
        """
        ...

    async def spend(self, token: bytes, expires_at: int) -> bool:
        """True the first time `token` (16 bytes, a digest) is shown, False ever after.

        Kept until `expires_at` (Unix seconds) at least; that is how a link is used only once.
        """
        ...

    async def spent(self, token: bytes) -> bool:
        """Whether `token` was spent, and is not past its time. Spends nothing: it may be spent next."""
        ...

    async def close(self) -> None: ...
