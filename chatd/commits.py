"""From a command to its place in the log, and from there to everybody: what the log answers.

    submit(ask) -> rooms.rules.decide -> group commit -> settled: ok to the author,
                                                         hub.offer and the bus to everybody
    submit_own(draft)  what the server itself has to say, on the same way

A batch that is on disk is also a delivery batch. A draft whose rules have moved on is judged
again under the new ones, a few times; whoever gets no place is told why, and what to do.

What is asked in a session may become a draft for another room: a held post goes to the facilitators'. It is
made one of that room, and still holds only while the session is as it was when it was decided.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from chatd import wire
from chatd.answers import RETRY_LOG_S, Answers
from chatd.connection import Connection, Seated
from chatd.hub import Hub
from chatd.live_room import LiveRoom
from chatd.metrics import Metrics
from chatd.spawn import Tasks
from chatd.wire import ErrorCode
from rooms.aftermath import approved
from rooms.children import staff_room
from rooms.commands import Post, RoomCommand
from rooms.events import AnyEvent
from rooms.group_commit import GroupCommit
from rooms.log import (
    Appended,
    Draft,
    Duplicate,
    Log,
    LogError,
    LogUnavailable,
    NotFound,
    NotYours,
    Outcome,
    Stale,
)
from rooms.rules import FACILITATOR, Refusal, Verdict, decide, decide_ordinary
from rooms.session_apply import draft as drafted
from rooms.session_apply import rehomed
from rooms.session_events import Decided, Held

TRIES: Final = 3
"""Decisions on one command before giving up: the rules rarely move twice within a commit."""
TRIES_IN_SESSION: Final = 40
"""The same in a session's rooms, where a whole group may vote or accept at one moment, and each of them
changes the rules for the next."""
RETRY_BUSY_S: Final = 2.0


class Ask(msgspec.Struct, frozen=True):
    """Who asked for what, on its way through the log."""

    connection: Connection
    seated: Seated
    command: RoomCommand
    tries: int = 1


class Own(msgspec.Struct, frozen=True):
    """What the server says itself; `answer`: who waits for it, if anybody does."""

    answer: asyncio.Future[Outcome] | None = None


class Commits:
    """The way of every post, reaction, withdrawal and change of rules on one node.

    `publish(room, epoch, events)` tells the other nodes. `clock` is monotonic, in seconds; `wall` gives Unix
    seconds. `line(room, epoch, handle)` names the line of somebody in a session.
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
        wall: Callable[[], float],
        publish: Callable[[str, str, Sequence[AnyEvent]], None],
        line: Callable[[str, str, str], str],
        max_queued: int,
    ) -> None:
        self._log = log
        self._hub = hub
        self._answers = answers
        self._metrics = metrics
        self._tasks = tasks
        self._clock = clock
        self._wall = wall
        self._publish = publish
        self._line = line
        self._group: GroupCommit[Draft, Ask | Own, Outcome] = GroupCommit(
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
        seated = ask.seated
        state = seated.live.state
        verdict: Verdict
        if state.rules.session is None and seated.parent is None:
            verdict = decide_ordinary(ask.command, seated.who, state, now)
        else:
            verdict = self._decide_in_session(ask, now)
        if isinstance(verdict, Refusal):
            self._refuse(ask, ErrorCode(verdict.why), verdict.retry_after_s)
        elif isinstance(verdict, Duplicate):
            self._hub.reply(ask.connection.sink, wire.Ok(id=ask.command.id, seq=verdict.seq))
        elif isinstance(verdict, Stale):
            self._tasks.spawn(self._decide_again(ask), name="commits.again")
        elif verdict.event.room != seated.live.name or isinstance(verdict.event, Decided):
            self._tasks.spawn(self._across(ask, verdict), name="commits.across")
        elif not self._group.submit(verdict, ask):
            self._refuse(ask, ErrorCode.BUSY, RETRY_BUSY_S)
        elif (
            type(ask.command) is Post
            and seated.who.role != FACILITATOR
            and (paced := seated.paced).rules.slow_mode_s
        ):
            paced.spoke(seated.who.handle, ask.command.key, now)

    def _decide_in_session(self, ask: Ask, now: float) -> Verdict:
        seated = ask.seated
        parent = seated.parent
        of = (parent or seated.live).state
        return decide(
            ask.command,
            seated.who,
            seated.live.state,
            now,
            unix_now=int(self._wall()),
            parent=parent.state if parent is not None else None,
            whose=seated.whose or None,
            line=self._line((parent or seated.live).name, of.epoch, seated.who.handle),
        )

    async def submit_own(self, draft: Draft) -> Outcome:
        """What becomes of a draft of the server's own. `LogError`, also where the queue is full."""
        own = Own(asyncio.get_running_loop().create_future())
        if own.answer is None or not self._group.submit(draft, own):
            raise LogUnavailable("Too much waits for the log.")
        return await own.answer

    async def place(self, live: LiveRoom, event: AnyEvent, key: str) -> bool:
        """Put `event` into the room's log, under the rules as they are. True where it was placed by this;
        False where it was there, or the rules have moved on: look again. `LogError`."""
        await self._hub.settle(live)
        outcome = await self.submit_own(drafted(live.state, event, key))
        if isinstance(outcome, Stale):
            await self._hub.catch_up(live)
        return isinstance(outcome, Appended)

    async def _across(self, ask: Ask, draft: Draft) -> None:
        """Submit a draft that concerns two rooms, each as it stands."""
        made: Sequence[tuple[Draft, Ask | Own]]
        try:
            if isinstance(draft.event, Decided):
                made = await self._let_through(ask, draft, draft.event)
            else:
                live = await self._hub.open(draft.event.room)
                await self._hub.settle(live)
                rehomed_ = rehomed(draft, live.state, (ask.seated.parent or ask.seated.live).name)
                if isinstance(rehomed_, Refusal):
                    self._refuse(ask, ErrorCode(rehomed_.why), rehomed_.retry_after_s)
                    return
                made = ((rehomed_, ask),)
        except LogError:
            self._refuse(ask, ErrorCode.LOG_UNAVAILABLE, RETRY_LOG_S)
            return
        if not self._group.submit_together(made):
            self._refuse(ask, ErrorCode.BUSY, RETRY_BUSY_S)

    async def _let_through(self, ask: Ask, draft: Draft, event: Decided) -> Sequence[tuple[Draft, Ask | Own]]:
        """The decision on a held post, and the post where it goes through: under the same versions of all
        rooms, and in one write, so that both are kept, or neither."""
        seated = ask.seated
        parent = seated.parent
        held = await self._hub.one(seated.live, event.target) if event.yes else None
        if parent is None or not isinstance(held, Held):
            return ((draft, ask),)
        post = approved(held, parent.name)
        live = await self._hub.open(post.room)
        await self._hub.settle(live)
        said = drafted(live.state, post, f"p:{held.key}")
        # The split that the small group is of may end meanwhile.
        group = () if live is parent else ((parent.name, parent.state.epoch, parent.state.version),)
        staff = (seated.live.name, draft.epoch, draft.rules_version)
        there = (post.room, said.epoch, said.rules_version)
        # First, since the decision makes another version of the staff's rules.
        return (
            (msgspec.structs.replace(said, also=(staff, *group)), Own()),
            (msgspec.structs.replace(draft, also=(there, *group)), ask),
        )

    async def _append(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        started = self._clock()
        outcomes = await self._log.append(drafts)
        self._metrics.commit_seconds.observe(self._clock() - started)
        self._metrics.batch_events.observe(len(drafts))
        return outcomes

    def _settled(self, batch: Sequence[tuple[Draft, Ask | Own]], outcomes: Sequence[Outcome]) -> None:
        """A batch is on disk: answer its authors, and put it before everybody, here and elsewhere."""
        placed: dict[tuple[str, str], list[AnyEvent]] = {}
        kept = 0
        reply = self._hub.reply
        told: list[tuple[asyncio.Future[Outcome], Outcome]] = []
        for (draft, ask), outcome in zip(batch, outcomes, strict=True):
            if type(outcome) is Appended:
                event = outcome.event
                placed.setdefault((event.room, draft.epoch), []).append(event)
                kept += 1
                if draft.rules is not None:
                    self._learn(draft, event.seq)
                if type(ask) is Ask:
                    # Ahead of the event itself, so that the author knows it when it comes.
                    reply(ask.connection.sink, _ok(ask.command, event, event.seq))
                    continue
            if isinstance(ask, Ask):
                self._not_placed(ask, draft, outcome)
            elif ask.answer is not None:
                told.append((ask.answer, outcome))
        for (room, epoch), events in placed.items():
            self._hub.offer(room, epoch, events)
            self._publish(room, epoch, events)
        self._metrics.posts += kept
        self._metrics.log_healthy.set(1)
        self._hub.flush()
        for answer, outcome in told:
            if not answer.done():
                answer.set_result(outcome)

    def _not_placed(self, ask: Ask, draft: Draft, outcome: Outcome) -> None:
        """Nothing new is in the log: it was there already, or cannot be, or must be decided again."""
        if type(outcome) is Duplicate:
            self._metrics.duplicates += 1
            self._hub.reply(ask.connection.sink, _ok(ask.command, draft.event, outcome.seq))
        elif type(outcome) is NotYours:
            self._refuse(ask, ErrorCode.NOT_YOURS)
        elif type(outcome) is NotFound:
            self._refuse(ask, ErrorCode.NOT_FOUND)
        else:
            self._tasks.spawn(self._decide_again(ask), name="commits.again")

    def _learn(self, draft: Draft, seq: int) -> None:
        """Rules that this node wrote are known here as they stand in the log, votes and all."""
        live = self._hub.live.get(draft.event.room)
        if live is not None and live.state.epoch == draft.epoch and draft.rules is not None:
            live.state.learn(draft.rules, seq)

    async def _decide_again(self, ask: Ask) -> None:
        """The rules moved on while this was on its way: learn the new ones, judge anew."""
        seated = ask.seated
        in_session = seated.parent is not None or seated.live.state.rules.session is not None
        if ask.tries >= (TRIES_IN_SESSION if in_session else TRIES):
            self._refuse(ask, ErrorCode.BUSY, RETRY_BUSY_S)
            return
        try:
            for live in self._rooms_of(seated):
                await self._hub.catch_up(live)
                await self._hub.settle(live)
        except LogError:
            self._refuse(ask, ErrorCode.LOG_UNAVAILABLE, RETRY_LOG_S)
            return
        if ask.connection.seats.get(ask.command.room) is ask.seated:
            self.submit(msgspec.structs.replace(ask, tries=ask.tries + 1))
        else:
            self._refuse(ask, ErrorCode.NOT_JOINED)

    def _rooms_of(self, seated: Seated) -> list[LiveRoom]:
        """The rooms whose rules a decision for `seated` may depend on, as far as they are live here."""
        parent = seated.parent or seated.live
        rooms = [seated.live] if seated.parent is None else [seated.live, seated.parent]
        staff = (
            self._hub.live.get(staff_room(parent.name)) if parent.state.rules.session is not None else None
        )
        return rooms if staff is None or staff is seated.live else [*rooms, staff]

    def _failed(self, batch: Sequence[tuple[Draft, Ask | Own]], error: Exception) -> None:
        self._metrics.commit_failures += 1
        self._metrics.log_healthy.set(0)
        for _, ask in batch:
            if isinstance(ask, Own):
                if ask.answer is not None and not ask.answer.done():
                    ask.answer.set_exception(LogUnavailable(str(error)))
                continue
            self._refuse(ask, ErrorCode.LOG_UNAVAILABLE, RETRY_LOG_S)

    def _refuse(self, ask: Ask, code: ErrorCode, retry_after_s: float | None = None) -> None:
        self._answers.refuse(ask.connection, ask.command.id, code, retry_after_s)


def _ok(command: RoomCommand, event: AnyEvent, seq: int) -> wire.Ok:
    """The answer to what came about. Of an event in another room the place says nothing here."""
    if event.room == command.room:
        return wire.Ok(id=command.id, seq=seq)
    return wire.Ok(id=command.id, held=isinstance(event, Held))
