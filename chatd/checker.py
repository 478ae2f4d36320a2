"""Is this history legal? Given what every client sent, was acked and saw, it decides. Pure.

    check(records) -> Verdict          or          checker.see(record) ...; checker.verdict()

The replay, the stateful tests and the tests with killed processes are all judged here, and it
knows nothing of how chatd works: only what was promised.

- **One order.** All agree on what stands at each place (`seq`) of an epoch, and a place given
  after another was acked comes after it.
- **No hole.** A view (from `Started` on) sees each place once, ascending, without a gap; one
  that says it `recovered` continues exactly where its client was; one that `Ended` has seen
  everything up to `through`.
- **Acked is kept.** What was acked stands at its place for everybody who watched that place, and
  in the final log, where `Kept` gives it.
- **Exactly once.** One key has one place, one place has one key.
- **Nothing invented.** What was seen was sent; what was refused for good was not seen.

Records come in the order in which they happened, as far as one clock can tell (`one_clock`);
of one client always. `mark` stands for the content of an event: a digest of its author and
text, for example. None is "the content is gone" (withdrawn) and agrees with everything. Marks
may repeat, as people do: then what nobody was acked for is told apart by number only.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

MAX_PROBLEMS: Final = 50
MAX_MISSING: Final = 1_000_000
"""Missing places remembered for one view."""

ClientName: TypeAlias = Hashable


# ---- what happened -----------------------------------------------------------------------------


class Sent(NamedTuple):
    """A client asks for a place for `mark` under `key`. Sending it again is not a second `Sent`."""

    client: ClientName
    room: str
    key: str
    mark: str


class Acked(NamedTuple):
    """The server says that `key` has this place."""

    client: ClientName
    room: str
    epoch: str
    key: str
    seq: int


class Refused(NamedTuple):
    """The server said no to `key`, for certain, and the client asks no more. Nobody may ever see it."""

    client: ClientName
    room: str
    key: str


class Started(NamedTuple):
    """A view begins: the first place it will see is `after + 1`. `recovered`: it continues the last one."""

    client: ClientName
    room: str
    epoch: str
    after: int
    recovered: bool


class Saw(NamedTuple):
    """In its view the client sees `mark` at this place."""

    client: ClientName
    room: str
    epoch: str
    seq: int
    mark: str | None


class Ended(NamedTuple):
    """The view ends; the client was there long enough to have seen everything up to `through`."""

    client: ClientName
    room: str
    epoch: str
    through: int


class Killed(NamedTuple):
    """The client died, or its time was up, before it could see everything: its view promises no more.

    Whoever comes back under its name with `Started(recovered=True)` continues that view.
    """

    client: ClientName
    room: str


class Kept(NamedTuple):
    """At the end the log itself has `mark` at this place. Give all places of an epoch, or none."""

    room: str
    epoch: str
    seq: int
    mark: str | None


Record: TypeAlias = Sent | Acked | Refused | Started | Saw | Ended | Killed | Kept


@dataclass(frozen=True, slots=True)
class Verdict:
    """`ok`: everything promised was kept. The counts say what was not; `problems` are in words.

    sent, acked: keys. delivered: sights of a place, the first by each view. gaps: places that a
    view missed. doubles: places seen twice by a view, and contents that have a place too many.
    lost: acked, and not there. reordered: places about which two disagree, or that came late.
    """

    ok: bool
    sent: int
    acked: int
    delivered: int
    gaps: int
    doubles: int
    lost: int
    reordered: int
    invented: int
    problems: tuple[str, ...]


# ---- the judgement -----------------------------------------------------------------------------


@dataclass(slots=True)
class _View:
    """What one client has seen of one epoch: everything from `first` to `last`, but for `missing`."""

    epoch: str
    first: int
    last: int
    missing: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Key:
    mark: str
    floor: dict[str, int]
    """By epoch: the highest place acked, to anybody or to this client, when it was sent."""
    places: set[tuple[str, int]] = field(default_factory=set)
    refused: bool = False


class _Epoch:
    """What is known of one epoch of one room."""

    __slots__ = ("acked", "highest_acked", "kept", "marks")

    def __init__(self) -> None:
        self.marks: dict[int, str | None] = {}
        self.acked: dict[int, tuple[ClientName, str]] = {}
        self.kept: dict[int, str | None] | None = None
        self.highest_acked = 0


class Checker:
    """Takes records one by one. Costs memory for the places and the keys, not for every sight."""

    def __init__(self, *, one_clock: bool = True) -> None:
        self._one_clock = one_clock
        self._epochs: dict[tuple[str, str], _Epoch] = {}
        self._views: dict[tuple[ClientName, str], _View] = {}
        self._past: list[tuple[ClientName, str, _View]] = []
        self._keys: dict[tuple[ClientName, str, str], _Key] = {}
        self._floors: dict[tuple[ClientName | None, str], dict[str, int]] = {}
        self._acks = 0
        self._delivered = 0
        self._counts: Counter[str] = Counter()
        self._problems: list[str] = []

    def see(self, record: Record) -> None:
        match record:
            case Saw():
                self._saw(record)
            case Sent(client, room, key, mark):
                self._sent(client, room, key, mark)
            case Acked():
                self._acked(record)
            case Refused(client, room, key):
                if (entry := self._keys.get((client, room, key))) is not None:
                    entry.refused = True
            case Started():
                self._started(record)
            case Ended(client, room, epoch, through):
                self._ended(client, room, epoch, through)
            case Killed():
                pass  # its view stays open: nothing is promised to it, and it may yet come back
            case Kept(room, epoch, seq, mark):
                place = self._epoch(room, epoch)
                place.kept = {} if place.kept is None else place.kept
                place.kept[seq] = mark

    def verdict(self) -> Verdict:
        """The judgement on what was seen so far. May be asked more than once."""
        counts, problems = self._counts.copy(), list(self._problems)
        try:
            self._judge_views()
            self._judge_epochs()
            self._judge_keys()
            return Verdict(
                ok=not self._counts,
                sent=len(self._keys),
                acked=self._acks,
                delivered=self._delivered,
                gaps=self._counts["gap"],
                doubles=self._counts["double"],
                lost=self._counts["lost"],
                reordered=self._counts["reordered"],
                invented=self._counts["invented"],
                problems=tuple(self._problems),
            )
        finally:
            self._counts, self._problems = counts, problems

    # -- as it happens

    def _sent(self, client: ClientName, room: str, key: str, mark: str) -> None:
        if (client, room, key) in self._keys:
            return
        floors = self._floors.get((None if self._one_clock else client, room), {})
        self._keys[client, room, key] = _Key(mark, dict(floors))

    def _acked(self, ack: Acked) -> None:
        entry = self._keys.get((ack.client, ack.room, ack.key))
        if entry is None:
            self._blame("invented", f"{ack.room}: place {ack.seq} was acked for a key that nobody sent")
            return
        if (ack.epoch, ack.seq) in entry.places:
            return
        if entry.places:
            self._blame("double", f"{ack.room}: one key was acked at place {ack.seq} and at another")
        else:
            self._acks += 1
        entry.places.add((ack.epoch, ack.seq))
        entry.refused = False
        if ack.seq <= entry.floor.get(ack.epoch, 0):
            self._blame("reordered", f"{ack.room}: place {ack.seq} was given after a later one was acked")
        place = self._epoch(ack.room, ack.epoch)
        if place.acked.setdefault(ack.seq, (ack.client, ack.key)) != (ack.client, ack.key):
            self._blame("lost", f"{ack.room}: place {ack.seq} was acked for two keys")
        for who in (None, ack.client):
            floor = self._floors.setdefault((who, ack.room), {})
            floor[ack.epoch] = max(floor.get(ack.epoch, 0), ack.seq)

    def _started(self, start: Started) -> None:
        before = self._views.get((start.client, start.room))
        if start.recovered:
            if before is None or before.epoch != start.epoch:
                self._blame("gap", f"{start.room}: a view recovered what its client never saw")
            else:
                # The places in between are missed, or seen again; `Saw` will tell which.
                if start.after > before.last:
                    self._blame(
                        "gap", f"{start.room}: a view recovered beyond what it saw", start.after - before.last
                    )
                    before.last = start.after
                return
        self._close(start.client, start.room)
        self._views[start.client, start.room] = _View(start.epoch, start.after + 1, start.after)

    def _saw(self, saw: Saw) -> None:
        view = self._views.get((saw.client, saw.room))
        if view is None or view.epoch != saw.epoch:
            self._blame("invented", f"{saw.room}: place {saw.seq} was seen outside of any view of its epoch")
            return
        self._agree(saw)
        if saw.seq == view.last + 1:
            view.last = saw.seq
        elif saw.seq > view.last:
            self._skip(saw.room, view, saw.seq)
            view.last = saw.seq
        elif saw.seq in view.missing:
            view.missing.discard(saw.seq)
            self._blame("reordered", f"{saw.room}: place {saw.seq} was seen after a later one")
        elif saw.seq < view.first:
            self._blame(
                "reordered", f"{saw.room}: place {saw.seq} was seen, before the beginning of its view"
            )
            return
        else:
            self._blame("double", f"{saw.room}: place {saw.seq} was seen twice")
            return
        self._delivered += 1

    def _agree(self, saw: Saw) -> None:
        marks = self._epoch(saw.room, saw.epoch).marks
        known = marks.get(saw.seq)
        if known is None:
            marks[saw.seq] = saw.mark
        elif saw.mark is not None and saw.mark != known:
            self._blame("reordered", f"{saw.room}: two views disagree on what stands at place {saw.seq}")

    def _ended(self, client: ClientName, room: str, epoch: str, through: int) -> None:
        view = self._views.get((client, room))
        if view is None or view.epoch != epoch:
            if through > 0:
                self._blame("gap", f"{room}: a view that is said to have ended never began")
        elif view.last < through:
            self._skip(room, view, through + 1)
        self._close(client, room)

    def _skip(self, room: str, view: _View, to: int) -> None:
        """The view goes on at `to`. What it left out is missed, unless it still comes."""
        if len(view.missing) + to - view.last > MAX_MISSING:
            self._blame("gap", f"{room}: a view misses more than can be told one by one", to - 1 - view.last)
        else:
            view.missing.update(range(view.last + 1, to))
        view.last = to - 1

    def _close(self, client: ClientName, room: str) -> None:
        view = self._views.pop((client, room), None)
        if view is not None:
            self._past.append((client, room, view))

    # -- at the end

    def _judge_views(self) -> None:
        views = [(room, view) for _, room, view in self._past]
        views += [(room, view) for (_, room), view in self._views.items()]
        for room, view in views:
            if view.missing:
                example = min(view.missing)
                self._blame("gap", f"{room}: a view misses places, {example} for one", len(view.missing))
            acked = self._epoch(room, view.epoch).acked
            for seq in sorted(view.missing & acked.keys()):
                self._blame("lost", f"{room}: place {seq} was acked and did not reach everybody", 1)

    def _judge_epochs(self) -> None:
        for (room, _), place in self._epochs.items():
            if place.kept is None:
                continue
            for seq in place.acked.keys() - place.kept.keys():
                self._blame("lost", f"{room}: place {seq} was acked and is not in the log")
            for seq, mark in place.marks.items():
                if seq not in place.kept:
                    self._blame("invented", f"{room}: place {seq} was seen and is not in the log")
                elif None not in {mark, place.kept[seq]} and mark != place.kept[seq]:
                    self._blame("reordered", f"{room}: the log and a view disagree on place {seq}")

    def _judge_keys(self) -> None:
        """Match what stands at the places with what was sent: by the acks, and the rest by number."""
        unacked: dict[str, Counter[str]] = {}
        sent: dict[str, set[str]] = {}
        for (_, room, _), entry in self._keys.items():
            if entry.refused:
                continue
            sent.setdefault(room, set()).add(entry.mark)
            if not entry.places:
                unacked.setdefault(room, Counter())[entry.mark] += 1
        for (room, _), place in self._epochs.items():
            spare = unacked.get(room, Counter())
            for seq in sorted(place.marks.keys() | (place.kept or {}).keys()):
                mark = place.marks.get(seq) or (place.kept or {}).get(seq)
                if mark is None:
                    continue
                owner = place.acked.get(seq)
                if owner is not None:
                    entry = self._keys[owner[0], room, owner[1]]
                    if entry.mark != mark:
                        self._blame(
                            "lost", f"{room}: something else stands at place {seq} than was acked there"
                        )
                elif spare[mark] > 0:
                    spare[mark] -= 1
                elif mark in sent.get(room, ()):
                    self._blame(
                        "double", f"{room}: what stands at place {seq} has a place already, or was refused"
                    )
                else:
                    self._blame(
                        "invented", f"{room}: what stands at place {seq} was never sent, or was refused"
                    )

    def _epoch(self, room: str, epoch: str) -> _Epoch:
        place = self._epochs.get((room, epoch))
        if place is None:
            place = self._epochs[room, epoch] = _Epoch()
        return place

    def _blame(self, what: str, words: str, times: int = 1) -> None:
        self._counts[what] += times
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(f"{what}: {words}")


def check(records: Iterable[Record], *, one_clock: bool = True) -> Verdict:
    """The verdict on a whole history."""
    checker = Checker(one_clock=one_clock)
    for record in records:
        checker.see(record)
    return checker.verdict()
