"""One seat in one room, as a client holds it: its items in order, its roster, what may be asked.

Part of the client that stands for a stranger's (`chatd/client/client.py`): standard library only. It
touches no socket: the `Line` carries frames for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from chatd.client.items import (
    PASSING_AT_THE_DOOR,
    CleanStart,
    Frame,
    Item,
    Lost,
    Mine,
    NotChatd,
    Ok,
    Page,
    Person,
    Presence,
    Recovered,
    Refused,
    SessionNow,
    TypingBy,
    event,
    person,
)

_T = TypeVar("_T")

_KEYED = frozenset({"ask_word", "give_floor", "start_round", "announce", "open_poll", "split", "offer_word"})
"""The commands of sessions that say their own key, so that what is sent twice happens once."""


class Line(Protocol):
    """What a room needs of its connection."""

    max_inbox: int

    async def ask(self, kind: str, room: "Room | None", fields: Frame) -> Frame:
        """Send a command; its answer, or what it was refused with. Over breaks, too."""
        ...

    def send(self, frame: Frame) -> None:
        """Send a frame that is not answered; nothing happens where there is no connection."""
        ...

    def new_key(self) -> str: ...

    def join_again(self, room: "Room") -> None:
        """Ask for the seat again, from `room.after`."""
        ...

    def forget(self, room: "Room") -> None:
        """The room was left."""
        ...


class Room:
    """A seat in a room. Made by `Client.join`. Iterate it for its items, with one reader at a time.

    `head` is the last place heard of, `after` the last one put into the inbox. `roster` is by
    handle, and empty in a crowd; `count` is right always. `gaps` and `repeats` count what the
    live stream did wrong and what was mended: on a healthy server they stay 0. `anew_in_s`: in how many
    seconds after we came in the room begins anew, if it does; we go on in it as somebody else.

    In a session's room `session` is how it stands for us, as the wire has it (None elsewhere); `line` and
    `staff` name the rooms that belong to it, to be joined with this `seat`. While `place` is a number, the
    group is full and we stand in line: `Client.join` returns when there is a place for us.
    """

    def __init__(
        self, line: Line, name: str, *, seat: str | None, epoch: str | None, after: int | None, proof: Frame
    ) -> None:
        self.name = name
        self.title = ""
        self.kind = ""
        self.handle = ""
        self.role: str | None = None
        self.seat = seat
        self.epoch = epoch
        self.after = after
        self.head = 0
        self.roster: dict[str, Person] = {}
        self.count = 0
        self.slow_mode_s = 0
        self.anew_in_s: int | None = None
        self.session: Frame | None = None
        self.line: str | None = None
        self.staff: str | None = None
        self.place: int | None = None
        self.gaps = 0
        self.repeats = 0

        # For the connection alone:
        self.seated = False
        self.joining: int | None = None
        self.called_away = False
        self.end: Exception | None = None
        self.left = False
        self.entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.again: asyncio.TimerHandle | None = None

        self._line = line
        self._proof = proof
        self._inbox: deque[Item] = deque()
        self._arrived = asyncio.Event()
        self._behind = False

    # -- what one may do

    async def post(
        self, text: str, *, reply_to: int | None = None, key: str | None = None, patience_s: float = 0.0
    ) -> Ok:
        """Say something; returns when it has its place and is safe.

        `Refused` is raised at once, or, where the refusal passes by itself (`PASSING`), after
        having asked again for `patience_s`. Posts awaited one after the other keep that order.
        """
        key = key or self._line.new_key()
        fields: Frame = {"key": key, "text": text}
        if reply_to is not None:
            fields["reply_to"] = reply_to
        answer = await patiently(lambda: self._line.ask("post", self, fields), patience_s)
        return Ok(answer.get("seq"), key, answer.get("held", False))

    async def react(self, seq: int, kind: str) -> Ok:
        """Answer the post at `seq` with a kind of `docs/protocol.md`; once per post and kind."""
        return await self._do("react", {"seq": seq, "kind": kind})

    async def withdraw(self, seq: int) -> Ok:
        """Take back one's own post or reaction at `seq`."""
        return await self._do("withdraw", {"seq": seq})

    async def slow(self, seconds: int) -> Ok:
        """Facilitators only: the seconds between two posts of one participant; 0 ends it."""
        return await self._do("slow", {"seconds": seconds})

    async def do(self, command: str, /, **fields: object) -> Ok:
        """Any other command of `docs/protocol.md`, such as `raise_hand`. One with a `key` gets a new one."""
        if command in _KEYED:
            fields.setdefault("key", self._line.new_key())
        return await self._do(command, fields)

    async def away(self, away: bool) -> None:
        """Called away, or back. Said again by itself after a break."""
        self.called_away = away
        await self._line.ask("away", self, {"away": away})

    async def older(self, before: int, limit: int = 50) -> Page:
        """The last `limit` (1 to 200) events before the place `before`."""
        answer = await self._line.ask("older", self, {"before": before, "limit": limit})
        return Page(tuple(event(frame) for frame in answer["events"]), answer["more"])

    async def mine(self) -> Mine:
        """What the server holds of us here, as it stands at this moment."""
        answer = await self._line.ask("mine", self, {})
        return Mine(
            posts=answer.get("posts", 0),
            reactions=answer.get("reactions", 0),
            withdrawn=answer.get("withdrawn", 0),
            waiting=answer.get("waiting", 0),
            other=answer.get("other", 0),
            kept_s=answer["kept_s"],
            since=answer.get("since"),
            erase_at=answer.get("erase_at"),
            stands=tuple(answer.get("stands", ())),
        )

    async def withdraw_all(self) -> int:
        """Take back everything of ours in the room; how many posts and reactions it were."""
        count: int = (await self._line.ask("withdraw_all", self, {})).get("count", 0)
        return count

    async def typing(self) -> None:
        """Say that one is writing. Not answered, and not said at all while there is no connection."""
        if self.seated:
            self._line.send({"t": "typing", "room": self.name})

    async def leave(self) -> None:
        """Go, now and for good; the iterator ends. Without it the place is kept for a moment."""
        try:
            if self.seated:
                await self._line.ask("leave", self, {})
        finally:
            self._line.forget(self)

    def __aiter__(self) -> "Room":
        return self

    async def __anext__(self) -> Item:
        while not self._inbox:
            if self.end is not None:
                raise self.end
            if self.left:
                raise StopAsyncIteration
            if self._behind:
                self._behind = False
                self._line.join_again(self)
            self._arrived.clear()
            await self._arrived.wait()
        return self._inbox.popleft()

    async def _do(self, kind: str, fields: Frame) -> Ok:
        return Ok((await self._line.ask(kind, self, fields)).get("seq"))

    # -- what the connection calls

    def join_frame(self) -> Frame:
        frame: Frame = {"t": "join", "room": self.name, **self._proof}
        held = {"seat": self.seat, "epoch": self.epoch, "after": self.after}
        return frame | {name: value for name, value in held.items() if value is not None}

    def on_joined(self, frame: Frame) -> bool:
        """Take the seat. True where it is the one held before, False where the room began anew."""
        same = self.epoch in {None, frame["epoch"]} and self.handle in {"", frame["handle"]}
        head, events, after = frame["head"], frame["events"], self.after
        first = events[0]["seq"] if events else head + 1
        if [entry["seq"] for entry in events] != list(range(first, head + 1)):
            raise NotChatd("the events of a joined frame have a hole")
        # Believed only where it can be true: the log cannot be shorter than what was seen of it.
        recovered = (
            frame["recovered"]
            and frame["epoch"] == self.epoch
            and after is not None
            and first - 1 <= after <= head
        )
        self.seated, self.joining = True, None
        self.seat, self.epoch, self.handle = frame["seat"], frame["epoch"], frame["handle"]
        self.role, self.title, self.kind = frame.get("role"), frame.get("title", ""), frame.get("kind", "")
        self.slow_mode_s = frame.get("slow_mode_s", 0)
        self.anew_in_s = frame.get("anew_in_s")
        self.roster = {entry["handle"]: person(entry) for entry in frame["roster"]}
        self.count = frame.get("count", len(self.roster))
        self.session, self.place = frame.get("session"), None
        self.line, self.staff = frame.get("line"), frame.get("staff")
        self.head = head
        full = len(self._inbox) >= self._line.max_inbox
        self._behind = recovered and full
        if recovered and after is not None and not full:
            self._put(Recovered(after, head))
            self._take([entry for entry in events if entry["seq"] > after])
        elif not recovered:
            if full:
                self._inbox.clear()  # the reader is about to be told to drop it anyway
            self._put(CleanStart(frame["epoch"], first, head))
            self._take(events)
        if not self._behind:
            self.after = head
        if not self.entered.done():
            self.entered.set_result(None)
        return same

    def on_erased(self, frame: Frame) -> None:
        """The room begins anew: with the seat that came with it, else with what got us in."""
        self.seated = False
        self.seat, self.after = frame.get("seat", self.seat), None

    def on_event(self, frame: Frame) -> None:
        """An event of the live stream: the next one is taken, an old one dropped, a gap mended."""
        seq: int = frame["seq"]
        self.head = max(self.head, seq)
        if not self.seated or self.joining is not None or self._behind or self.after is None:
            return  # the answer to the join, under way or to come, holds it
        if seq <= self.after:
            self.repeats += 1
        elif seq > self.after + 1:
            self.gaps += 1
            self._line.join_again(self)
        elif len(self._inbox) >= self._line.max_inbox:
            self._behind = True
        else:
            self.after = seq
            self._take([frame])

    def on_presence(self, frame: Frame) -> None:
        came = tuple(person(entry) for entry in frame["joined"])
        left, away, back = tuple(frame["left"]), tuple(frame["away"]), tuple(frame["back"])
        for handle in left:
            self.roster.pop(handle, None)
        self.roster |= {each.handle: each for each in came}
        for is_away, handles in ((True, away), (False, back)):
            for handle in handles:
                if handle in self.roster:
                    self.roster[handle] = Person(handle, self.roster[handle].role, is_away)
        self.count = frame["count"]
        self._hint(Presence(came, left, away, back, self.count))

    def on_waiting(self, frame: Frame) -> None:
        """No place in the group yet: the seat is for asking again."""
        self.joining = None
        self.seat, self.handle, self.place = frame["seat"], frame["handle"], frame["place"]

    def on_session(self, frame: Frame) -> None:
        self.session = frame
        self._hint(SessionNow(frame))

    def on_typing(self, frame: Frame) -> None:
        self._hint(TypingBy(frame["handle"]))

    def on_lost(self, code: int) -> None:
        """The connection broke. The seat is kept in mind."""
        if self.seated:
            self._hint(Lost(code))
        self.seated, self.joining = False, None
        self.wait_no_more()

    def wait_no_more(self) -> None:
        if self.again is not None:
            self.again.cancel()
            self.again = None

    def finish(self, error: Exception | None) -> None:
        """The end: with an error, or by having left. What is in the inbox can still be read."""
        self.seated = False
        self.wait_no_more()
        self.left, self.end = error is None, error
        if not self.entered.done():
            if error is None:
                self.entered.cancel()
            else:
                self.entered.set_exception(error)
        self._arrived.set()

    def _take(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame["t"] == "slowed":
                self.slow_mode_s = frame.get("seconds", 0)
            self._put(event(frame))

    def _put(self, item: Item) -> None:
        self._inbox.append(item)
        self._arrived.set()

    def _hint(self, item: Item) -> None:
        """Queue what may be dropped: only while the inbox is less than half full."""
        if len(self._inbox) < self._line.max_inbox // 2:
            self._put(item)


async def patiently(ask: Callable[[], Awaitable[_T]], patience_s: float) -> _T:
    """Ask again, as long as the refusal is one that passes and for `patience_s` in all."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        try:
            return await ask()
        except Refused as no:
            # Never at once: a server that says "in 0 s" would be asked in a hot loop.
            wait_s = max(0.01, 0.5 if no.retry_after_s is None else no.retry_after_s)
            if no.code not in PASSING_AT_THE_DOOR or loop.time() + wait_s > until:
                raise
        await asyncio.sleep(wait_s)
