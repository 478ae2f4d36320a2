"""What becomes of drafts and claims: the decisions every log backend shares. Pure; does no I/O.

A backend brings what the store says (`Standing`, the kept keys, the events to withdraw), all of
it read under the rooms' locks, and then does what the `Plan` says in the same transaction. So
order, exactly-once and "decided under the rules in force" are decided once, here.

A backend may bring no keys at first and hope that nothing was sent twice, which is nearly
always so: `known_all=False`. Then it must look the keys up and plan again where `Plan.doubtful`
says so or where the store's unique index refuses a row.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from secrets import token_urlsafe

import msgspec

from rooms.events import AnyEvent, Posted, Reacted, Rules
from rooms.log import Appended, Claim, Draft, Duplicate, NotFound, NotYours, Outcome, Stale
from rooms.session_events import Decided, Held

MINUTE_S = 60

DIGEST_BYTES = 12

UUID7 = re.compile(r"(p:[0-9a-f]{8})-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""A post's key (`rules.py` puts `p:` before it) that is a UUIDv7 (RFC 9562, section 5.7). Its first
eight digits are the upper 32 of the 48 bits that count milliseconds."""

EPOCH_BYTES = 12
"""An epoch's name is this many random bytes in URL-safe base 64: 16 characters."""

Key = tuple[str, str, bytes]
"""(room, handle, `digest_of` the client's key): what may be in a room's epoch once."""

Place = tuple[str, int]
"""(room, seq)."""

STALE = Stale()
NOT_FOUND = NotFound()
NOT_YOURS = NotYours()


class Standing(msgspec.Struct):
    """Where a room stands, as the backend read it under lock. `id` is the backend's own."""

    id: int
    epoch: str
    head: int
    tail: int
    rules_version: int
    rules: Rules | None = None
    """The room's new rules, where the plan changes them; None leaves them as they are."""


class Kept(msgspec.Struct, frozen=True):
    """An event that is in the store, and its key where it still holds one."""

    event: AnyEvent
    key: bytes | None


class Placed(msgspec.Struct):
    """An event with its place, ready to be stored. `key` is None where a reaction gave it back."""

    room_id: int
    epoch: str
    event: AnyEvent
    key: bytes | None


class Plan(msgspec.Struct):
    """What to answer and what to store: `placed` to insert, `withdrawn` to overwrite first.

    `rooms` are the standings to write back, those that changed and no others.
    """

    outcomes: list[Outcome]
    placed: list[Placed]
    withdrawn: list[Placed]
    rooms: dict[str, Standing]
    doubtful: bool
    """Something was refused that may have been kept before under its key: look all keys up."""


def new_epoch() -> str:
    return token_urlsafe(EPOCH_BYTES)


def minute(now_s: float) -> int:
    """Unix seconds rounded down to the minute: nothing finer is kept (`rooms/events.py` says why)."""
    return int(now_s) // MINUTE_S * MINUTE_S


def digest_of(draft: Draft) -> bytes:
    """What is kept of a draft's key: enough to know it again, and not the same in another epoch.

    A digest, since a key may say anything: a client may put a name or a word of the text into it.
    Where it is a UUIDv7, its first digits go before the digest and keep what is new together in
    the index. They tell the time to 65 seconds, about what `at` tells; the rest of the key would
    tell the millisecond.
    """
    whole = blake2b(f"{draft.epoch} {draft.key}".encode(), digest_size=DIGEST_BYTES).digest()
    grows = UUID7.fullmatch(draft.key)
    return whole if grows is None else grows[1].encode() + whole


def rooms_of(drafts: Sequence[Draft]) -> set[str]:
    """The rooms whose standings a backend must bring to `plan`, read under lock."""
    named = {draft.event.room for draft in drafts}
    for draft in drafts:
        if draft.also:
            named.update(room for room, _, _ in draft.also)
    return named


def withdrawals(drafts: Sequence[Draft]) -> set[Place]:
    """The places whose events a backend must bring to `plan`."""
    return {(draft.event.room, draft.withdraws) for draft in drafts if draft.withdraws is not None}


def plan(
    drafts: Sequence[Draft],
    standings: Mapping[str, Standing],
    targets: Mapping[Place, Kept],
    known: Mapping[Key, int],
    *,
    known_all: bool,
    at: int,
) -> Plan:
    """Decide every draft in the order given, each in the light of those before it.

    `standings` holds the rooms that have a log, `targets` what is kept at `withdrawals(drafts)`,
    `known` the `seq` of keys that are in the rooms' present epochs: all of those the drafts
    name where `known_all`. None of the arguments is changed.
    """
    batch = _Batch(standings, targets, known, at)
    outcomes = [batch.decide(draft) for draft in drafts]
    rooms = {name: room for name, room in batch.rooms.items() if room.head != standings[name].head}
    return Plan(
        outcomes, list(batch.places.values()), batch.withdrawn, rooms, batch.refused and not known_all
    )


class _Batch:
    """The rooms as they stand after the drafts decided so far."""

    def __init__(
        self,
        standings: Mapping[str, Standing],
        targets: Mapping[Place, Kept],
        known: Mapping[Key, int],
        at: int,
    ) -> None:
        self.rooms = {name: msgspec.structs.replace(room) for name, room in standings.items()}
        self.seqs = dict(known)
        self.kept = dict(targets)
        self.at = at
        self.places: dict[Place, Placed] = {}
        self.withdrawn: list[Placed] = []
        self.refused = False

    def decide(self, draft: Draft) -> Outcome:
        event = draft.event
        room = self.rooms.get(event.room)
        if room is None or room.epoch != draft.epoch:
            return STALE
        digest = digest_of(draft)
        key = (event.room, event.handle, digest)
        seq = self.seqs.get(key)
        if seq is not None:
            return Duplicate(seq)
        refusal: Outcome | None = None
        if draft.rules_version != room.rules_version or (draft.also and not self.in_force(draft)):
            refusal = STALE
        elif draft.withdraws is not None:
            refusal = self.withdraw((event.room, draft.withdraws), event)
        if refusal is not None:
            self.refused = True
            return refusal

        room.head = self.seqs[key] = seq = room.head + 1
        if draft.rules is not None:
            room.rules = draft.rules
            room.rules_version = seq
        event = msgspec.structs.replace(event, seq=seq, at=self.at)
        self.places[event.room, seq] = Placed(room.id, room.epoch, event, digest)
        return Appended(event)

    def in_force(self, draft: Draft) -> bool:
        """Whether the other rooms that `draft` was decided under stand as it says."""
        for name, epoch, version in draft.also:
            other = self.rooms.get(name)
            if other is None or other.epoch != epoch or other.rules_version != version:
                return False
        return True

    def withdraw(self, place: Place, by: AnyEvent) -> Outcome | None:
        """Take back what is at `place`, here or in the store, for `by`; or why that cannot be."""
        room = self.rooms[place[0]]
        kept = self.kept.get(place)
        row = self.places.get(place)
        if row is not None:
            kept = Kept(row.event, row.key)
        if kept is None:
            return NOT_FOUND
        event: AnyEvent
        if isinstance(by, Decided) and isinstance(kept.event, Held):
            event, key = msgspec.structs.replace(kept.event, text=""), kept.key
        elif not isinstance(kept.event, Posted | Reacted):
            return NOT_FOUND
        elif kept.event.handle != by.handle:
            return NOT_YOURS
        elif kept.event.withdrawn:
            return NOT_FOUND
        else:
            event, key = blanked(kept.event), kept.key
        if isinstance(event, Reacted) and key is not None:
            # A post's key stays, so that a late resend cannot bring its text back. A reaction's is
            # free again: the same person may react again.
            self.seqs.pop((event.room, event.handle, key), None)
            key = None
        if row is not None:
            row.event, row.key = event, key
        else:
            self.kept[place] = Kept(event, key)
            self.withdrawn.append(Placed(room.id, room.epoch, event, key))
        return None


def blanked(event: Posted | Reacted) -> Posted | Reacted:
    """What stays in the place of a withdrawn event: that something was there, and by whom."""
    if isinstance(event, Posted):
        return msgspec.structs.replace(event, text="", withdrawn=True)
    return msgspec.structs.replace(event, kind="", withdrawn=True)


Owner = tuple[str, bytes]
"""(room, owner)."""

Taken = tuple[str, str]
"""(room, handle)."""


def assign(
    claims: Sequence[Claim],
    epochs: Mapping[str, str],
    owned: Mapping[Owner, str],
    taken: set[Taken],
) -> tuple[list[str | None], list[Claim]]:
    """Who gets which handle, and the claims to store (with the one handle as its only candidate).

    `epochs` are the rooms' present ones, `owned` and `taken` what is stored about the claims'
    owners and candidates there.
    """
    owned = dict(owned)
    taken = set(taken)
    handles: list[str | None] = []
    new: list[Claim] = []
    for claim in claims:
        if epochs.get(claim.room) != claim.epoch:
            handles.append(None)
            continue
        owner = (claim.room, claim.owner)
        handle = owned.get(owner)
        if handle is None:
            handle = next((each for each in claim.candidates if (claim.room, each) not in taken), None)
            if handle is not None:
                owned[owner] = handle
                taken.add((claim.room, handle))
                new.append(msgspec.structs.replace(claim, candidates=(handle,)))
        handles.append(handle)
    return handles, new
