"""From a command to its place in the log, and from there to everybody: what the log answers.

    submit(ask) -> rooms.rules.decide -> group commit -> settled: ok to the author,
                                                         hub.offer and the bus to everybody

A batch that is on disk is also a delivery batch. A draft whose rules have moved on is judged
again under the new ones, a few times; whoever gets no place is told why, and what to do.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from chatd import wire
from chatd.answers import RETRY_LOG_S, Answers
from chatd.connection import Connection, Seated
from chatd.hub import Hub
from chatd.metrics import Metrics
from chatd.spawn import Tasks
from chatd.wire import ErrorCode
from rooms.commands import Post, RoomCommand
from rooms.events import AnyEvent
from rooms.group_commit import GroupCommit
from rooms.log import Appended, Draft, Duplicate, Log, LogError, NotFound, NotYours, Outcome
from rooms.rules import FACILITATOR, Refusal, decide

TRIES: Final = 3
"""Decisions on one command before giving up: the rules rarely move twice within a commit."""
RETRY_BUSY_S: Final = 2.0


class Ask(msgspec.Struct, frozen=True):
    """Who asked for what, on its way through the log."""

    connection: Connection
    seated: Seated
    command: RoomCommand
    tries: int = 1


class Commits:
    """The way of every post, reaction, withdrawal and change of rules on one node.

    `publish(room, epoch, events)` tells the other nodes. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        *,
        log: Log,
        hub: Hub,
        answers: Answers,
        metrics: Metrics,
        tasks: Tasks,
        clock: Callable[[], float],
        publish: Callable[[str, str, Sequence[AnyEvent]], None],
        max_queued: int,
    ) -> None:
        self._log = log
        self._hub = hub
        self._answers = answers
        self._metrics = metrics
        self._tasks = tasks
        self._clock = clock
        self._publish = publish
        self._group: GroupCommit[Draft, Ask, Outcome] = GroupCommit(
            self._append,
            settled=self._settled,
            failed=self._failed,
            failure=LogError,
            max_queued=max_queued,
        )

    def __len__(self) -> int:
        """How many wait for a commit."""
        return len(self._group)

    @property
    def pending(self) -> bool:
        """Whether anything submitted has not been answered yet."""
        return self._group.pending

    async def run(self) -> None:
        """Commit batch after batch, until cancelled. One task for the life of the node."""
        await self._group.run()

    def drained(self) -> Awaitable[None]:
        """Wait until everything submitted so far is answered."""
        return self._group.drained()

    def submit(self, ask: Ask) -> None:
        """Judge under the rules as this node knows them, and let the log hold us to them."""
        now = self._clock()
        state = ask.seated.live.state
        draft = decide(ask.command, ask.seated.who, state, now)
        if isinstance(draft, Refusal):
            self._refuse(ask, ErrorCode(draft.why), draft.retry_after_s)
        elif not self._group.submit(draft, ask):
            self._refuse(ask, ErrorCode.BUSY, RETRY_BUSY_S)
        elif state.rules.slow_mode_s and type(ask.command) is Post and ask.seated.who.role != FACILITATOR:
            state.spoke(ask.seated.who.handle, ask.command.key, now)

    async def _append(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        started = self._clock()
        outcomes = await self._log.append(drafts)
        self._metrics.commit_seconds.observe(self._clock() - started)
        self._metrics.batch_events.observe(len(drafts))
        return outcomes

    def _settled(self, batch: Sequence[tuple[Draft, Ask]], outcomes: Sequence[Outcome]) -> None:
        """A batch is on disk: answer its authors, and put it before everybody, here and elsewhere."""
        placed: dict[tuple[str, str], list[AnyEvent]] = {}
        kept = 0
        reply = self._hub.reply
        for (draft, ask), outcome in zip(batch, outcomes, strict=True):
            if type(outcome) is Appended:
                event = outcome.event
                # Ahead of the event itself, so that the author knows it when it comes.
                reply(ask.connection.sink, wire.Ok(id=ask.command.id, seq=event.seq))
                placed.setdefault((event.room, draft.epoch), []).append(event)
                kept += 1
            elif type(outcome) is Duplicate:
                self._metrics.duplicates += 1
                reply(ask.connection.sink, wire.Ok(id=ask.command.id, seq=outcome.seq))
            elif type(outcome) is NotYours:
                self._refuse(ask, ErrorCode.NOT_YOURS)
            elif type(outcome) is NotFound:
                self._refuse(ask, ErrorCode.NOT_FOUND)
            else:
                self._tasks.spawn(self._decide_again(ask), name="commits.again")
        for (room, epoch), events in placed.items():
            self._hub.offer(room, epoch, events)
            self._publish(room, epoch, events)
        self._metrics.posts += kept
        self._metrics.log_healthy.set(1)
        self._hub.flush()

    async def _decide_again(self, ask: Ask) -> None:
        """The rules moved on while this was on its way: learn the new ones, judge anew."""
        if ask.tries >= TRIES:
            self._refuse(ask, ErrorCode.BUSY, RETRY_BUSY_S)
            return
        try:
            await self._hub.catch_up(ask.seated.live)
        except LogError:
            self._refuse(ask, ErrorCode.LOG_UNAVAILABLE, RETRY_LOG_S)
            return
        if ask.connection.seats.get(ask.command.room) is ask.seated:
            self.submit(msgspec.structs.replace(ask, tries=ask.tries + 1))
        else:
            self._refuse(ask, ErrorCode.NOT_JOINED)

    def _failed(self, batch: Sequence[tuple[Draft, Ask]], error: Exception) -> None:
        self._metrics.commit_failures += 1
        self._metrics.log_healthy.set(0)
        for _, ask in batch:
            self._refuse(ask, ErrorCode.LOG_UNAVAILABLE, RETRY_LOG_S)

    def _refuse(self, ask: Ask, code: ErrorCode, retry_after_s: float | None = None) -> None:
        self._answers.refuse(ask.connection, ask.command.id, code, retry_after_s)
