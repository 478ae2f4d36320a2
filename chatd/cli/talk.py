"""What one person says and sees in a room, line by line: the part of `chatd join` without a terminal.

    follow(lines)   lines typed   ->  posts and /commands
    listen()        what happens  ->  lines to print

Whatever comes from others passes `plain()`: a control character in a message must never reach
the terminal. Touches a `chatd.client.Room` and the function that prints, nothing else.
"""

import time
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from chatd.cli.talk_mine import lines
from chatd.client import (
    CleanStart,
    Event,
    Item,
    Lost,
    Person,
    Presence,
    Recovered,
    Refused,
    Room,
    Unsendable,
)

PATIENCE_S: Final = 600.0
"""How long a line waits where the room asks for patience (slow mode, rate limits)."""
OLDER: Final = 20
QUIT: Final = frozenset({"/quit", "/q"})
JOINERS: Final = "\u200c\u200d"
"""Format characters that emoji and several scripts need; all others are left out."""
REACTIONS: Final = ("with_you", "me_too", "thank_you", "strength", "heard")
HELP: Final = """\
  text            say it                  /reply N text   answer message N
  /react N kind   {kinds}
  /withdraw N     take back your own      /older          what was said before
  /who            who is here             /away  /back    called away, and back
  /mine           what is kept of you     /withdraw-all   take back all you said here
  /quit           leave                   //text          say something that begins with /""".format(
    kinds=", ".join(REACTIONS)
)


def plain(text: str) -> str:
    """`text` without anything that a terminal would obey: no controls, no direction overrides.

    Line ends and tabs become spaces; what else is no character to read becomes nothing.
    """
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character.isprintable() or character in JOINERS:
        return character
    category = unicodedata.category(character)
    if character in "\n\t\r" or category in {"Zs", "Zl", "Zp"}:
        return " "
    # What Python has no name for yet may be the newest emoji, and no terminal obeys it.
    return "" if category in {"Cc", "Cf", "Cs"} else character


# ---- what is said and done ---------------------------------------------------------------------


class Talk:
    """One person in one room. `say` prints one line that is fit for a terminal.

    `named` is told the handle, as fit, whenever the room gives one.
    """

    def __init__(
        self, room: Room, say: Callable[[str], None], named: Callable[[str], None] | None = None
    ) -> None:
        self._room = room
        self._say = say
        self._named = named
        self._greet_at: int | None = None
        """The place after which to greet: what was said before they came would push it out of sight."""
        self._first_shown: int | None = None
        self._epoch: str | None = None
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "help": self._help,
            "who": self._who,
            "away": lambda _: self._away(True),
            "back": lambda _: self._away(False),
            "react": self._react,
            "reply": self._reply,
            "withdraw": self._withdraw,
            "withdraw-all": self._withdraw_all,
            "mine": self._mine,
            "older": self._older,
        }

    async def listen(self) -> None:
        """Print what happens, until the room is left. Raises what the room ended with."""
        async for item in self._room:
            self._show(item)

    async def follow(self, lines: AsyncIterator[str]) -> None:
        """Do what the lines say, one after the other, until they end or say /quit."""
        async for line in lines:
            text = line.strip()
            if text in QUIT:
                return
            if text:
                await self._obey(text)

    async def _obey(self, text: str) -> None:
        try:
            if text.startswith("/") and not text.startswith("//"):
                word, _, rest = text[1:].partition(" ")
                command = self._commands.get(word)
                if command is None:
                    self._say("There is no such command. /help shows them.")
                else:
                    await command(rest.strip())
            else:
                await self._room.post(
                    text.removeprefix("/") if text.startswith("//") else text, patience_s=PATIENCE_S
                )
        except Refused as refused:
            self._say(plain(refused.message))
        except Unsendable:
            self._say("That line is no text that can be sent. It was left out.")
        except BadArgument as wrong:
            self._say(str(wrong))

    # -- commands

    async def _help(self, _: str) -> None:
        for line in HELP.splitlines():
            self._say(line)

    async def _who(self, _: str) -> None:
        people = sorted(self._room.roster.values(), key=lambda person: person.handle)
        here = ", ".join(self._name(person) for person in people)
        self._say(f"{self._room.count} here" + (f": {here}" if here else ""))

    async def _away(self, away: bool) -> None:
        await self._room.away(away)
        self._say("You are called away. /back when you are." if away else "You are back.")

    async def _react(self, rest: str) -> None:
        number, kind = _number(rest)
        if kind not in REACTIONS:
            raise BadArgument(f"/react N kind, where kind is one of {', '.join(REACTIONS)}")
        await self._room.react(number, kind)

    async def _reply(self, rest: str) -> None:
        number, text = _number(rest)
        if not text:
            raise BadArgument("/reply N text")
        await self._room.post(text, reply_to=number, patience_s=PATIENCE_S)

    async def _withdraw(self, rest: str) -> None:
        await self._room.withdraw(_number(rest)[0])

    async def _withdraw_all(self, rest: str) -> None:
        if rest != "yes":
            raise BadArgument(
                "This takes back all your messages and reactions here, for everybody and from the server. "
                "Whoever read them has read them. If you mean it: /withdraw-all yes"
            )
        count = await self._room.withdraw_all()
        self._say(f"* Taken back: {count}. /mine says what is left.")

    async def _mine(self, _: str) -> None:
        for line in lines(await self._room.mine(), plain(self._room.handle)):
            self._say(line)

    async def _older(self, _: str) -> None:
        before = self._first_shown if self._first_shown is not None else self._room.head + 1
        page = await self._room.older(before, OLDER) if before > 1 else None
        if page is None or not page.events:
            self._say("There is nothing older.")
            return
        self._first_shown = page.events[0].seq
        for event in page.events:
            self._event(event)
        self._say("---- that was before" + ("; /older for more" if page.more else "") + " ----")

    # -- what happens

    def _show(self, item: Item) -> None:
        match item:
            case Event():
                self._event(item)
                if self._greet_at is not None and item.seq >= self._greet_at:
                    self._greet()
            case CleanStart(epoch, first, head):
                self._start(epoch, first, head)
            case Recovered():
                self._say("* Back. Nothing is missing.")
            case Lost():
                self._say("* The connection is gone. What you send is kept and goes out when it is back.")
            case Presence():
                self._presence(item)
            case _:
                pass  # somebody is typing: nothing to print a line about

    def _start(self, epoch: str, first: int, head: int) -> None:
        if self._named is not None:
            self._named(plain(self._room.handle))
        before, self._epoch = self._epoch, epoch
        if before not in {None, epoch}:
            self._say(
                "* The room has begun anew: what was said before is deleted, and all have other handles."
            )
        elif self._first_shown is not None:
            self._say(
                "* Back, with a clean start: what was said meanwhile may begin further up. /older shows it."
            )
        self._first_shown = first
        if first <= head:
            self._greet_at = head
        else:
            self._greet()

    def _greet(self) -> None:
        room, self._greet_at = self._room, None
        self._say(
            f"* {plain(room.title) or room.name}: you are {plain(room.handle)}, {room.count} here. /help"
        )
        if room.anew_in_s is not None:
            at = time.strftime("%d %b, %H:%M", time.localtime(time.time() + room.anew_in_s))
            self._say(f"* The room begins anew {at}: what is said here is deleted then. /mine")
        if room.slow_mode_s:
            self._say(f"* Slow mode: one message every {room.slow_mode_s} seconds.")

    def _event(self, event: Event) -> None:
        who, when = self._handle(event.handle), time.strftime("%H:%M", time.localtime(event.at))
        if event.gone:
            self._say(f"{when} #{event.seq} (withdrawn)")
        elif event.kind == "posted":
            badge = " (facilitator)" if event.role == "facilitator" else ""
            answers = f" (to #{event.reply_to})" if event.reply_to else ""
            self._say(f"{when} #{event.seq} {who}{badge}{answers}: {plain(event.text)}")
        elif event.kind == "reacted":
            kind = plain(event.reaction or "").replace("_", " ")
            self._say(f"{when} {who} to #{event.target}: {kind}")
        elif event.kind == "withdrawn":
            self._say(f"{when} {who} withdrew #{event.target}")
        elif event.kind == "slowed":
            pace = f"one message every {event.seconds} seconds" if event.seconds else "off"
            self._say(f"{when} * Slow mode: {pace}.")

    def _presence(self, presence: Presence) -> None:
        told = (
            ("came", [person.handle for person in presence.joined]),
            ("left", presence.left),
            ("called away", presence.away),
            ("back", presence.back),
        )
        for what, handles in told:
            others = [plain(handle) for handle in handles if handle != self._room.handle]
            if others:
                self._say(f"* {what}: {', '.join(others)}")

    def _handle(self, handle: str) -> str:
        return f"{plain(handle)} (you)" if handle == self._room.handle else plain(handle)

    def _name(self, person: Person) -> str:
        notes = [note for note in (person.role, "called away" if person.away else None) if note]
        return self._handle(person.handle) + (
            f" [{', '.join(plain(note) for note in notes)}]" if notes else ""
        )


class BadArgument(Exception):
    """A command that was not understood; the text says how it goes."""


def _number(rest: str) -> tuple[int, str]:
    word, _, others = rest.partition(" ")
    digits = word.removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and 0 < len(digits) < 16):
        raise BadArgument("Say which message: the number behind the #.")
    return int(digits), others.strip()
