"""The hub: puts every event of a room in front of every member on this node, in order, once.

    offer(room, epoch, events)     from the local commit, the bus or the log: all one path
      next seq -> place it         older -> drop it         newer -> hold it, mend the hole from the log
    flush()                        once per event-loop turn: join a turn's frames, write once per member

The hub knows rooms, members and sinks. Who may enter is the gateway's business, what may be
said is `rooms.rules`', who is present is the presence replica's.

Opening a room subscribes *before* it reads the log; what arrives meanwhile is kept and merged,
so a member's first frame ends exactly where the live stream begins.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from chatd.bus import Bus
from chatd.histories import Histories
from chatd.live_room import RECENT, LiveRoom, about_bytes
from chatd.metrics import Metrics
from chatd.once import Once
from chatd.sink import Sink
from chatd.spawn import Tasks
from chatd.views import ANYBODY, Viewer, same_for_all, write_private
from rooms.children import belongs
from rooms.events import AnyEvent
from rooms.log import Head, Log, LogError

HOLD_S: Final = 0.05
"""How long a hole may last before it is mended from the log. The bus usually fills it sooner."""
MAX_EARLY: Final = 1_000
"""Events kept while a room is being opened; what is beyond is read from the log afterwards."""
READ: Final = 500
"""Events read from the log at a time."""
KEEP_EMPTY_S: Final = 30.0
"""How long a room without members stays live: somebody reloads, somebody else comes."""
KEEP_READ_S: Final = 1.0
"""How long what was read for somebody who comes back serves those who come back to the same place."""
MAX_READS: Final = 128
MAX_READ_BYTES: Final = 8 << 20
"""So many of them, and so many bytes about, are kept for that time."""
MAX_EARLIER: Final = 20_000
"""Events of a session that are looked through for turns and comings when its room is opened."""
RETRY_S: Final = 0.25
"""Pause before the log is asked again when it was unavailable."""


def room_channel(room: str) -> str:
    """The bus channel of a room."""
    return f"room:{room}"


class EpochGone(Exception):
    """The room was erased while somebody was entering. They start again, in the new epoch."""


class Entry(msgspec.Struct, frozen=True):
    """What a member who enters is shown: `events` (encoded) end at `head`, without a hole."""

    head: int
    recovered: bool
    events: msgspec.Raw


class Hub:
    """All live rooms of one node.

    `on_live(room)` and `on_idle(room)` are told when a room begins and ceases to have members
    here; `on_erased(room, sinks)` when its epoch is gone and with it every seat;
    `on_opened(live)` when a room of a session is live here,
    `on_changed(live, events, moved)` after events were written out that changed a room's rules (`moved`), or
    happened in a room of a session. `clock` is monotonic, in seconds. Everything runs in the event loop's
    thread.
    """

    def __init__(
        self,
        log: Log,
        bus: Bus,
        metrics: Metrics,
        tasks: Tasks,
        *,
        clock: Callable[[], float],
        recover_events: int,
        recover_bytes: int,
        on_live: Callable[[str], None],
        on_idle: Callable[[str], None],
        on_erased: Callable[[str, Sequence[Sink]], None],
        on_opened: Callable[[LiveRoom], None],
        on_changed: Callable[[LiveRoom, Sequence[AnyEvent], bool], None],
    ) -> None:
        self._log = log
        self._bus = bus
        self._metrics = metrics
        self._tasks = tasks
        self._clock = clock
        self._recover_events = recover_events
        self._recover_bytes = recover_bytes
        self._on_live = on_live
        self._on_idle = on_idle
        self._on_erased = on_erased
        self._on_opened = on_opened
        self._on_changed = on_changed
        self._rooms: dict[str, LiveRoom] = {}
        self._opening = Once(self._open, tasks=tasks, name="hub.open", failures=(LogError,))
        self._early: dict[str, list[tuple[str, AnyEvent]]] = {}
        """Of the rooms that are being opened: what the bus brought meanwhile, and of which epoch."""
        self._reads = Once(
            self._read,
            tasks=tasks,
            name="hub.read",
            failures=(LogError,),
            keep_s=KEEP_READ_S,
            most=MAX_READS,
            weigh=lambda read: sum(map(about_bytes, read)),
            most_weight=MAX_READ_BYTES,
        )
        self._histories = Histories()
        self._kept: Counter[str] = Counter()
        """Rooms that somebody needs live who is no member, and how many do."""
        self._mending: set[LiveRoom] = set()
        self._empty: dict[LiveRoom, float] = {}
        self._dirty: dict[LiveRoom, None] = {}
        self._outgoing: list[Sink] = []
        self._scheduled = False
        self._stopped = False
        self._guarded_flush = tasks.guard(self.flush)

    # ---- rooms come and go ---------------------------------------------------------------------

    @property
    def live(self) -> Mapping[str, LiveRoom]:
        """The rooms that have members here, or had a moment ago."""
        return self._rooms

    async def open(self, name: str) -> LiveRoom:
        """The live room `name`, opened now where it is not. `LogError` where it cannot be read.

        It stays live for `KEEP_EMPTY_S` at least, so there is time to take a seat in it.
        """
        live = self._rooms.get(name)
        if live is not None:
            if live in self._empty:
                self._empty[live] = self._clock()
            return live
        return await self._opening.ask(name)

    async def _open(self, name: str) -> LiveRoom:
        early: list[tuple[str, AnyEvent]] = []
        self._early[name] = early
        try:
            await self._bus.subscribe(room_channel(name))
            # Only now: what is asked of other nodes here is answered on the channel.
            self._on_live(name)
            head = await self._log.open_room(name)
            earlier = await self._earlier(name, head)
            recent = await self._log.since(name, head.epoch, max(0, head.head - RECENT), RECENT)
        except LogError:
            self._bus.unsubscribe(room_channel(name))
            self._on_idle(name)
            raise
        finally:
            del self._early[name]
        live = self._rooms[name] = LiveRoom(name, head, recent, self._clock(), earlier)
        self._empty[live] = self._clock()
        self.offer(name, head.epoch, [event for epoch, event in early if epoch == head.epoch])
        if live.belongs or live.state.rules.session is not None:
            self._on_opened(live)
        return live

    async def _earlier(self, name: str, head: Head) -> list[AnyEvent]:
        """Of a session's rooms: what happened before the recent events. Who has been heard, and who may look
        back how far, is in no rules: it is folded from the beginning. `LogError`."""
        end = head.head - RECENT
        events: list[AnyEvent] = []
        if end <= 0 or (head.rules.session is None and not belongs(name)):
            return events
        after = max(0, end - MAX_EARLIER)
        while after < end:
            read = await self._log.since(name, head.epoch, after, min(READ, end - after))
            if not read:
                break
            events += read
            after = read[-1].seq
        return events

    def close_empty(self) -> None:
        """Let go of rooms that have had no member for a while. Call it about once a second."""
        before = self._clock() - KEEP_EMPTY_S
        for live in [live for live, since in self._empty.items() if since < before]:
            if live.name not in self._kept:
                self._drop(live)

    def keep(self, name: str) -> None:
        """Let the room stay live without members, until as many `let_go`. Open it, where it is not; its
        epoch may end all the same, and then it has to be opened again."""
        self._kept[name] += 1

    def let_go(self, name: str) -> None:
        self._kept[name] -= 1
        if self._kept[name] <= 0:
            del self._kept[name]

    def stop(self) -> None:
        """Nothing is mended any more, and no timer runs. The rooms stay as they are."""
        self._stopped = True
        for live in self._rooms.values():
            live.stop_waiting()

    def _drop(self, live: LiveRoom) -> None:
        del self._rooms[live.name]
        self._histories.forget(live.name)
        self._empty.pop(live, None)
        self._dirty.pop(live, None)
        live.stop_waiting()
        self._bus.unsubscribe(room_channel(live.name))
        self._on_idle(live.name)

    # ---- members come and go -------------------------------------------------------------------

    async def enter(
        self,
        live: LiveRoom,
        sink: Sink,
        *,
        epoch: str | None,
        after: int | None,
        history: int,
        viewer: Viewer = ANYBODY,
    ) -> Entry:
        """Make `sink` a member and say what it has missed.

        With `epoch` and `after` it continues there, if that is the room's epoch and no more than
        `recover_events` and `recover_bytes` ago; otherwise it starts clean, with the last `history`
        events. What is placed after this returns reaches the sink by itself. In a session's room that
        is what is for the `viewer`'s eyes. `EpochGone`, `LogError`.
        """
        missed = None
        if epoch == live.state.epoch and (after is None or after + 1 >= viewer.first(live.state)):
            missed = await self._missed(live, after)
        older, start = missed if missed is not None else ([], live.newest(history, self._recover_bytes))
        if missed is None:
            start = max(start, viewer.first(live.state))
        if self._rooms.get(live.name) is not live:
            raise EpochGone
        # No await from here on: what is pending now is in `events`, what comes later is not.
        self._flush_room(live)
        live.add(sink, facilitator=viewer.handle if viewer.facilitator else None)
        self._empty.pop(live, None)
        if same_for_all(live.state):
            events = self._histories.encoded(live, sink.format, start, older)
        else:
            seen = viewer.shown([*older, *live.recent_from(start)], live.state)
            events = msgspec.Raw(sink.format.encode(seen))
        return Entry(live.head, missed is not None, events)

    def begin_anew(self, name: str) -> None:
        """Let go of the room and of everybody in it here: what it was is gone with the room it belongs to."""
        if (live := self._rooms.get(name)) is not None:
            self._begin_epoch(live)

    async def _missed(self, live: LiveRoom, after: int | None) -> tuple[list[AnyEvent], int] | None:
        """What somebody who saw everything up to `after` has missed: events from the log, and the place
        from which the recent ones go on. None where that is too much, or not there: a clean start.

        Nothing is awaited after the last look at the room.
        """
        if after is None:
            return None
        if after > live.head:
            # They have seen more than this node: where they were, events arrived sooner.
            await self.catch_up(live)
        older: list[AnyEvent] = []
        last, withdrawn = after, live.withdrawn
        while last + 1 < live.first_recent and live.head - after <= self._recover_events:
            read = await self._reads.ask((live.name, live.state.epoch, last, live.withdrawn))
            if not read or read[0].seq != last + 1:
                return None
            older += read
            last = read[-1].seq
        if live.withdrawn != withdrawn:
            # Something was taken back meanwhile, and what was read may hold it still: read it anew.
            return await self._missed(live, after)
        if not 0 <= live.head - after <= self._recover_events:
            return None
        # The log may be ahead of what is live here: what lies beyond comes as it comes to everybody.
        older = older[: live.head - after]
        start = min(last, live.head) + 1
        if sum(map(about_bytes, [*older, *live.recent_from(start)])) > self._recover_bytes:
            return None  # the connection could not take it in: it would be cut, come back, and be cut
        return older, start

    async def _read(self, place: tuple[str, str, int, int]) -> list[AnyEvent]:
        """The log from a place on. The last part of `place` counts the room's withdrawals: what is read
        before one is not shown after it."""
        name, epoch, after, _ = place
        return await self._log.since(name, epoch, after, self._recover_events)

    def leave(self, live: LiveRoom, sink: Sink) -> None:
        """`sink` is no member any more. Idempotent."""
        if live.remove(sink) and not live.members and self._rooms.get(live.name) is live:
            self._empty[live] = self._clock()

    # ---- events arrive -------------------------------------------------------------------------

    def offer(self, name: str, epoch: str, events: Iterable[AnyEvent]) -> None:
        """Events of a room, from wherever: placed, held or dropped by their `seq`. Idempotent."""
        live = self._rooms.get(name)
        if live is None:
            early = self._early.get(name)
            if early is not None and len(early) < MAX_EARLY:
                early.extend((epoch, event) for event in events)
            return
        if epoch != live.state.epoch:
            self._mend(live)
            return
        now = self._clock()
        if live.offer(events, now):
            self._dirty[live] = None
            self._schedule()
        if live.held and live.timer is None and not self._stopped:
            loop = asyncio.get_running_loop()
            live.timer = loop.call_later(HOLD_S, self._hold_is_over, live)

    def _hold_is_over(self, live: LiveRoom) -> None:
        live.timer = None
        if live.held:
            self._mend(live)

    def heard_head(self, name: str, epoch: str, head: int) -> None:
        """Somebody says where a room stands. A hint: where we are behind, the log is asked."""
        live = self._rooms.get(name)
        if live is not None and (epoch != live.state.epoch or head > live.head):
            self._mend(live)

    async def compare_with_log(self) -> None:
        """Hold every live room against the log's heads. What the bus lost is mended by this."""
        names = list(self._rooms)
        for start in range(0, len(names), READ):
            try:
                heads = await self._log.heads(names[start : start + READ])
            except LogError:
                return  # the next comparison is soon
            for name, head in heads.items():
                self.heard_head(name, head.epoch, head.head)

    def _mend(self, live: LiveRoom) -> None:
        if live not in self._mending and not self._stopped:
            self._mending.add(live)
            self._tasks.spawn(self._mend_from_log(live), name="hub.mend")

    async def catch_up(self, live: LiveRoom) -> None:
        """Read what the log has beyond what this node has seen. `LogError`."""
        while self._rooms.get(live.name) is live:
            events = await self._log.since(live.name, live.state.epoch, live.head, READ)
            if not events:
                head = await self._log.open_room(live.name)
                if head.epoch != live.state.epoch:
                    self._begin_epoch(live)
                return
            if events[0].seq > live.head + 1:
                # What lies between was trimmed by age while we were away: nobody can have it any more.
                live.skip_to(events[0].seq)
                if (now := (await self._log.heads([live.name])).get(live.name)) is not None:
                    live.state.learn(now.rules, now.rules_version)
            before = live.head
            self.offer(live.name, live.state.epoch, events)
            self._metrics.gaps_mended += max(0, live.head - before)
            if len(events) < READ:
                return

    async def one(self, live: LiveRoom, seq: int) -> AnyEvent | None:
        """The event at one place of the room; None where there is none any more. `LogError`."""
        found = await self._log.since(live.name, live.state.epoch, seq - 1, 1)
        return found[0] if found and found[0].seq == seq else None

    async def settle(self, live: LiveRoom) -> None:
        """Read the rules from the head of the log, where what happened does not tell them. `LogError`.

        Folding the events gives nearly everything: but a vote does not say what for, nor a beginning
        the whole plan.
        """
        while live.state.doubtful and self._rooms.get(live.name) is live:
            head = (await self._log.heads([live.name])).get(live.name)
            if head is None or head.epoch != live.state.epoch:
                return  # the next look at the room notices
            live.state.learn(head.rules, head.rules_version)

    async def _mend_from_log(self, live: LiveRoom) -> None:
        try:
            await self.catch_up(live)
        except LogError:
            if live.timer is None and not self._stopped:
                live.timer = asyncio.get_running_loop().call_later(RETRY_S, self._hold_is_over, live)
        finally:
            self._mending.discard(live)

    def _begin_epoch(self, live: LiveRoom) -> None:
        if self._rooms.get(live.name) is not live:
            return  # another who asked the log at the same time has seen to it
        sinks = list(live.sinks())
        self._drop(live)
        self._on_erased(live.name, sinks)

    # ---- frames go out -------------------------------------------------------------------------

    def reply(self, sink: Sink, frame: msgspec.Struct) -> None:
        """`frame` to this one sink, at the end of the turn, ahead of what its rooms say then."""
        if not sink.outbox:
            self._outgoing.append(sink)
            self._schedule()
        sink.outbox.append(sink.format.frame(frame))

    def hint(self, name: str, frame: msgspec.Struct) -> None:
        """`frame` to all members of a room who keep up. Dropped for those who lag, and above a bound."""
        live = self._rooms.get(name)
        if live is not None and live.members and live.hint(frame):
            self._dirty[live] = None
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._guarded_flush)

    def flush(self) -> None:
        """Write what this turn brought: for each room one join, for each member one write."""
        self._scheduled = False
        dirty, self._dirty = self._dirty, {}
        for live in dirty:
            self._flush_room(live)
        outgoing, self._outgoing = self._outgoing, []
        for sink in outgoing:
            if frames := sink.outbox:
                sink.outbox = []
                sink.write(sink.format.join(frames))

    def _flush_room(self, live: LiveRoom) -> None:
        events, hints = live.pending, live.hints
        if not events and not hints:
            return
        live.pending, live.hints = [], []
        common = events
        if live.private:
            live.private = False
            write_private(live, events)
            common = []
        for format_, group in live.groups.items():
            frames = [format_.frame(event) for event in common]
            batch = format_.join(frames) if frames else None
            hint_frames = [format_.frame(hint) for hint in hints]
            with_hints = format_.join(frames + hint_frames) if hints else None
            # A copy: a sink that is cut while it is written to may leave the group at once.
            for sink in list(group):
                if sink.outbox:
                    sink.outbox.extend(frames)
                    sink.outbox.extend(hint_frames)
                elif with_hints is not None and not sink.congested():
                    sink.write(with_hints)
                elif batch is not None:
                    sink.write(batch)
        self._metrics.deliveries += len(events) * live.members
        moved = live.state.version != live.shown
        if moved or live.belongs or live.state.rules.session is not None or live.state.doubtful:
            live.shown = live.state.version
            self._on_changed(live, events, moved)
