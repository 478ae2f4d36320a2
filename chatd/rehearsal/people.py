"""Who plays in a rehearsal: a facilitator who goes through all that an hour may have, and participants."""

import asyncio
from typing import Any, Final

from chatd.client import Event, Refused, Room
from chatd.rehearsal.player import OVER, PATIENCE_S, Around, Player

LINES: Final = (
    "A hard night. Two things went wrong at once and there was nobody to ask.",
    "I keep going over it in my head on the way home.",
    "I know that. It stays with you longer than anybody says.",
    "For me it was the phone call afterwards.",
    "I have not told anybody at home.",
    "What helped me was to write it down, and then close the book.",
    "I snapped at a colleague and it was not her fault.",
    "Nobody asked how we were. They asked about the form.",
    "Thank you for saying that. I thought it was only me.",
    "I slept three hours. I am here to listen, mostly.",
    "It is easier to say here than in the corridor.",
    "Some days I sit in the car for ten minutes before I go in.",
    "The next patient is always waiting already.",
    "I would like to hear how others end a shift.",
    "A walk, even a short one. Without the phone.",
    "I said no last week, for the first time. It was all right.",
)
WORDS: Final = ("tired", "here", "relieved", "heavy", "calmer", "hopeful", "empty", "glad", "unsure", "warm")
TALK_S: Final = 100.0
"""Between two lines of one participant, in seconds of the session, about."""
STEP_S: Final = 15.0
"""What the facilitator leaves people to act upon, the same."""
BEFORE_ERASURE_S: Final = 30.0


class Participant(Player):
    """Number `n`: 0 hides behind listening, 1 asks for a private word, the others talk."""

    def __init__(self, around: Around, name: str, n: int) -> None:
        super().__init__(around, name)
        self.n = n
        self._asked = self._raised = 0
        self._group: tuple[str, Room] | None = None
        self._line: Room | None = None

    async def act(self) -> None:
        await self.do("accept", listen=self.n == 0)
        if self.room.line is not None:
            self._line = await self.belonging(self.room.line)
        async with asyncio.TaskGroup() as group:
            if self._line is not None:
                group.create_task(self._in_line(self._line))
            while True:
                await self._check_in()
                await self._moment()
                await self.around.clock.sleep(self._random.uniform(2.0, 6.0))

    async def _check_in(self) -> None:
        """All but one say how heavy it is; of them, all feel lighter after it."""
        asked = self.now.get("you", {}).get("check_in")
        if asked and self.n:
            await self.do(
                "check_in",
                asked=asked,
                heavy=min(10, self.n + 3 * (asked == "before")),
                alone=min(10, self.n),
            )

    async def _moment(self) -> None:
        now, floor, me = self.now, self.now.get("floor", {}), self.room.handle
        phase = now.get("phase")
        if phase in (None, "lobby", "paused", *OVER):
            if phase == "lobby" and self._random.random() < 0.02:
                await self.say("Good evening.")
            return
        turn, going = floor.get("turn"), floor.get("round")
        if now.get("poll") and not now["you"].get("voted"):
            await self.do("vote", poll=now["poll"]["id"], choice=self.n % len(now["poll"]["options"]))
        elif going is not None:
            if going["todo"] and going["todo"][0] == me:
                passed = self.n % 4 == 0
                if not passed:
                    await self.say(self._random.choice(WORDS))
                await self.do("end_turn", passed=passed)
        elif turn is not None and turn["handle"] == me:
            await self.say(self.line_of())
            await self.around.clock.sleep(5)
            await self.do("end_turn")
        elif now["you"].get("group"):
            await self._talk_in_group(now["you"]["group"])
        elif floor.get("by_hand"):
            if floor.get("queue_open") and me not in floor.get("hands", ()) and self._raised < 2 and self.n:
                self._raised += 1
                await self.do("raise_hand")
        elif self.n == 1 and phase == "open" and not self._asked:
            self._asked = 1
            await self.do("ask_word")
        elif self.n and self._random.random() < 4.0 / TALK_S:
            await self.say(self.line_of())

    async def _talk_in_group(self, name: str) -> None:
        if self._group is None or self._group[0] != name:
            room = await self.belonging(name)
            if room is None:
                return
            self._group = (name, room)
        if self._random.random() < 0.4:
            await self.say(self.line_of(), self._group[1])

    async def _in_line(self, line: Room) -> None:
        """Says yes to a private word, and a little in it."""
        try:
            async for item in line:
                if isinstance(item, Event) and item.kind == "word_offered":
                    await self.do("answer_word", line, yes=True)
                elif isinstance(item, Event) and item.kind == "posted" and item.handle != line.handle:
                    await self.say("Thank you. It helps to say it to somebody.", line)
        except Refused:
            pass  # the session is over, and its lines with it


class Facilitator(Player):
    """Goes through all that the console can do, in one hour."""

    def __init__(self, around: Around, name: str) -> None:
        super().__init__(around, name)
        self._posts: list[Event] = []
        self._asking: list[str] = []
        self._word = False

    def ticket(self) -> str | None:
        return self.around.ticket()

    def heard(self, event: Event) -> None:
        if event.kind == "posted" and event.role is None:
            self._posts.append(event)

    def _look(self, now: dict[str, Any]) -> None:
        if now and not self.closed.is_set():
            # However fast it runs, what was said is there until it was compared.
            self.around.clock.limit = now["closes_at"] + BEFORE_ERASURE_S
        super()._look(now)

    def moments(self, clock: float) -> set[str]:
        """What is worth a look just now: phases when they are half over, the rest as soon as it is there."""
        now = self.now
        if not now:
            return set()
        floor, poll = now["floor"], now.get("poll")
        found = {
            name
            for name, there in (
                ("round", len(floor.get("round", {}).get("done", ())) >= 2),
                ("turn", floor.get("turn") and not floor.get("round") and floor.get("hands")),
                ("poll", poll and poll["votes"] >= 3),
                ("breakouts", now.get("breakouts") and clock - now["now"] > STEP_S),
                ("word", self._word),
            )
            if there
        }
        until = now.get("until")
        if until is not None and clock >= (now["since"] + until) / 2 and now["phase"] not in OVER:
            found.add(now["phase"])
        return found

    async def sees_it_erased(self) -> bool:
        """Whether the room begins anew, as it should a minute after the close."""
        epoch = self._epoch
        try:
            async with asyncio.timeout(PATIENCE_S + 120 / self.around.clock.speed):
                while self.room.epoch == epoch:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    # ---- the hour ------------------------------------------------------------------------------

    async def act(self) -> None:
        await self.until(lambda: self.now)  # a facilitator gets in before there is anything
        staff = await self.belonging(self.now["staff"]["room"])
        async with asyncio.TaskGroup() as group:
            if staff is not None:
                group.create_task(self._in_staff(staff))
                await self.say("Ready. I take the floor first.", staff)
            await self.say("Welcome. Take your time; we begin in a few minutes.")
            await self.until(lambda: self.now.get("phase") not in ("lobby", "scheduled"))
            await self.do("announce", text="What is said here stays here. Nobody has to share.")
            await self.until(self._talking)
            await self._lead()
            await self.until(lambda: self.now.get("phase") in ("winding_down", "closing_round", *OVER))
            await self.do("resume")
            await self.do("announce", kind="resource", text="To read on", url="https://example.org/rest")

    def _talking(self) -> bool:
        """The part of the hour in which people talk freely; rounds go by themselves."""
        now = self.now
        free = now["phase"] == "open" and not now.get("item", {}).get("round")
        return bool(free and not now["floor"].get("round")) or now["phase"] in ("winding_down", *OVER)

    async def _lead(self) -> None:
        pause = self.around.clock.sleep
        await self.say("What stays with you from this week? Whoever wants to begin.")
        await pause(2 * STEP_S)
        await self._moderate()
        await self._speak_by_hand()
        await self.do(
            "open_poll", question="How heavy is it right now?", options=["Light", "Heavy", "Too heavy"]
        )
        await self.until(lambda: self.now.get("poll"), 90)
        await self.until(lambda: self.now.get("poll", {}).get("votes", 99) >= self.now["members"], 90)
        await pause(STEP_S)
        if poll := self.now.get("poll"):
            await self.do("close_poll", poll=poll["id"])
        await self._private_word()
        await self.do("pause", seconds=30)
        await pause(40)
        await self.do("split", size=3, minutes=2)
        await pause(60)
        await self.do("announce", text="One more minute in the groups.", everywhere=True)
        await pause(STEP_S)
        await self.do("recall")

    async def _moderate(self) -> None:
        """A pin, a post that is hidden and shown again, slow mode on and off."""
        if len(self._posts) > 1:
            await self.do("pin", seq=self._posts[0].seq)
            hidden = self._posts[1].seq
            await self.do("hide", seq=hidden, rule="no_identifying", reason="It names a ward.")
            await self.around.clock.sleep(STEP_S)
            await self.do("hide", seq=hidden, rule="no_identifying", on=False)
        await self.do("slow", seconds=5)
        await self.around.clock.sleep(STEP_S)
        await self.do("slow", seconds=0)

    async def _speak_by_hand(self) -> None:
        by_hand = self.now["floor"].get("by_hand", False)
        await self.do("set_floor", by_hand=True, unheard_first=True)
        for _ in range(3):
            if await self.until(lambda: self.now["floor"].get("hands"), 40):
                await self.do("give_floor", seconds=60)
                await self.until(lambda: not self.now["floor"].get("turn"), 45)
        await self.do("set_floor", by_hand=by_hand)

    async def _private_word(self) -> None:
        """With whoever asked for one, or with anybody."""
        lines: dict[str, str] = self.now.get("staff", {}).get("lines", {})
        name = self._asking[0] if self._asking else next(iter(lines.values()), None)
        line = await self.belonging(name) if name is not None else None
        if line is None:
            return
        if await self.do("offer_word", line):
            await self.around.clock.sleep(STEP_S)
            await self.say("I am here. Say as much as you like.", line)
            self._word = True
            await self.around.clock.sleep(STEP_S)
            self._word = False
            await self.do("end_word", line)

    async def _in_staff(self, staff: Room) -> None:
        try:
            async for item in staff:
                if isinstance(item, Event) and item.kind == "word_asked" and item.handle not in self._asking:
                    lines: dict[str, str] = self.now.get("staff", {}).get("lines", {})
                    if item.handle in lines:
                        self._asking.append(lines[item.handle])
        except Refused:
            pass  # the session is over
