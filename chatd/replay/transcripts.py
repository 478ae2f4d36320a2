"""Logs of real conversations, read into a script of who does what when. Reads one file, nothing else.

    [HH:MM] <nick> text                     says              (-nick- text, too: a notice)
    [HH:MM]  * nick action                  says, as an action; in old logs: === nick action
    === nick [~user@host] has joined #room  enters            === nick entered the room.
    === nick [~user@host] has left #room    leaves            === nick left the room (reason).
    === nick is now known as other          the same person under another name
    channel date [HH:MM] ...                any of these, with a prefix

The clock has minutes only, so the lines of one minute are spread evenly over it. Some logs have
a dial of twelve hours and some run past midnight: where the clock goes back, the next time that
the dial shows it is meant. A line that is none of these is counted and left out; nothing in a
file is fatal, and no file is too big, because only the first `MAX_BYTES` are read.

Nicknames stay here: a step names a person by number. What they said is passed on as it is.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_LINE_CHARS: Final = 16 * 1024
JITTER_MIN: Final = 5
"""A clock that goes back by this many minutes or less was not set back: the lines are out of order."""
DIAL_MIN: Final = 12 * 60

Action: TypeAlias = Literal["say", "enter", "leave"]


class Step(NamedTuple):
    """At `at_s` (seconds from the first line) person number `who` does `action`."""

    at_s: float
    who: int
    action: Action
    text: str = ""


class Script(NamedTuple):
    """A conversation. People are numbered 0 to `people` - 1; `odd` lines could not be read."""

    steps: tuple[Step, ...]
    people: int
    odd: int

    @property
    def lasts_s(self) -> float:
        return self.steps[-1].at_s if self.steps else 0.0


_PREFIX: Final = re.compile(r"\A\S+ \d{4}-\d\d-\d\d (?=\[|===)")
_SAID: Final = re.compile(r"\A\[(\d\d):(\d\d)\] (?:<([^>]+)>|-([^\s-][^\s]*)-)(?: (.*))?\Z")
_ACTED: Final = re.compile(r"\A\[(\d\d):(\d\d)\] {1,2}\* (\S+) ?(.*)\Z")
_ENTERED: Final = re.compile(r"\A=== +(\S+) +(?:\[.*\] +has joined \S+|entered the room\.)\s*\Z")
_LEFT: Final = re.compile(r"\A=== +(\S+) +(?:\[.*?\] +has left \S+.*|left the room(?: \(.*\))?\.)\s*\Z")
_RENAMED: Final = re.compile(r"\A=== +(\S+) is now known as (\S+)\s*\Z")
_NOTED: Final = re.compile(r"\A=== +(\S+) (.+)\Z")


class _Reader:
    """Folds lines into steps. Minutes are counted from the first one; `steps` have minutes, not seconds."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, Action, str]] = []
        self.odd = 0
        self.people = 0
        self._numbers: dict[str, int] = {}
        self._here: set[int] = set()
        self._minute = 0
        self._dial: int | None = None

    def line(self, line: str) -> None:
        line = _PREFIX.sub("", line)
        if (said := _SAID.match(line)) is not None:
            self._time(said)
            self._say(said[3] or said[4], said[5] or "")
        elif (acted := _ACTED.match(line)) is not None:
            self._time(acted)
            self._say(acted[3], acted[4])
        elif (entered := _ENTERED.match(line)) is not None:
            self._enter(entered[1])
        elif (left := _LEFT.match(line)) is not None:
            self._leave(left[1])
        elif (renamed := _RENAMED.match(line)) is not None:
            self._rename(renamed[1], renamed[2])
        elif (noted := _NOTED.match(line)) is not None and noted[1] in self._numbers:
            self._say(noted[1], noted[2])
        else:
            self.odd += 1

    def _time(self, match: re.Match[str]) -> None:
        dial = int(match[1]) * 60 + int(match[2])
        if self._dial is not None:
            forward = dial - self._dial
            if forward < -JITTER_MIN:
                forward %= DIAL_MIN
            self._minute += max(0, forward)
            if forward < 0:
                return
        self._dial = dial

    def _who(self, nick: str) -> int:
        number = self._numbers.get(nick)
        if number is None:
            number = self._numbers[nick] = self.people
            self.people += 1
        return number

    def _step(self, who: int, action: Action, text: str = "") -> None:
        self.steps.append((self._minute, who, action, text))

    def _say(self, nick: str, text: str) -> None:
        who = self._who(nick)
        if who not in self._here:
            self._enter(nick)
        self._step(who, "say", text)

    def _enter(self, nick: str) -> None:
        who = self._who(nick)
        if who not in self._here:
            self._here.add(who)
            self._step(who, "enter")

    def _leave(self, nick: str) -> None:
        who = self._who(nick)
        if who in self._here:
            self._here.discard(who)
            self._step(who, "leave")

    def _rename(self, old: str, new: str) -> None:
        """The same person goes on. Whoever had the new name before is not heard of under it again."""
        if old != new:
            who = self._who(old)
            del self._numbers[old]
            if (other := self._numbers.get(new)) is not None and other in self._here:
                self._here.discard(other)
                self._step(other, "leave")
            self._numbers[new] = who

    def spread(self) -> tuple[Step, ...]:
        """The steps with seconds: the n steps of a minute stand evenly within it, in their order."""
        sizes: dict[int, int] = {}
        for minute, *_ in self.steps:
            sizes[minute] = sizes.get(minute, 0) + 1
        first = self.steps[0][0] if self.steps else 0
        spread: list[Step] = []
        seen: dict[int, int] = {}
        for minute, who, action, text in self.steps:
            place = seen[minute] = seen.get(minute, -1) + 1
            spread.append(Step((minute - first + place / sizes[minute]) * 60.0, who, action, text))
        return tuple(spread)


def parse(lines: Iterable[str]) -> Script:
    """The script in these lines. Over-long lines are odd, blank ones are nothing."""
    reader = _Reader()
    for line in lines:
        # The trailing space of some logs is no part of what was said.
        stripped = line.rstrip()
        if len(stripped) > MAX_LINE_CHARS:
            reader.odd += 1
        elif stripped:
            reader.line(stripped)
    return Script(reader.spread(), reader.people, reader.odd)


def read(path: Path) -> Script:
    """The script in the first `MAX_BYTES` of a file. OSError where it cannot be read."""
    with path.open("rb") as file:
        text = file.read(MAX_BYTES).decode("utf-8", "replace")
    # Not `splitlines`: that would break a line at characters that people do paste into a chat.
    return parse(text.split("\n"))
