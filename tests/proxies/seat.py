"""One seat in a room and what was seen from it: the memory of a peer, which knows no network."""

import itertools
import time
from typing import Any, TypeAlias

Frame: TypeAlias = dict[str, Any]


class Wrong(AssertionError):
    """What was seen is not what the protocol promises."""


class Seat:
    """A place in the room: its token, and the posts seen from it, in order."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.token: str | None = None
        self.texts: list[str] = []
        self.seen_at: dict[str, float] = {}
        """When each text came, on `time.perf_counter`."""
        self.seq = 0
        self._epoch = ""
        self._ids = itertools.count(1)

    def new_id(self) -> int:
        return next(self._ids)

    def join(self) -> Frame:
        frame: Frame = {"t": "join", "id": self.new_id(), "room": self.room}
        if self.token is not None:
            frame |= {"seat": self.token, "epoch": self._epoch, "after": self.seq}
        return frame

    def take(self, frame: Frame) -> None:
        """What the server sent. `Wrong` where it is not what must come next."""
        if frame["t"] == "joined":
            again = self.token is not None
            if again and not frame["recovered"]:
                raise Wrong("a clean start instead of the rest")
            if not again:
                self.seq = frame["head"] - len(frame["events"])
            self.token, self._epoch = frame["seat"], frame["epoch"]
            for event in frame["events"]:
                self._event(event)
        elif "seq" in frame and "at" in frame:
            self._event(frame)

    def _event(self, event: Frame) -> None:
        if event["seq"] != self.seq + 1:
            raise Wrong(f"event {event['seq']} after {self.seq}")
        self.seq += 1
        if event["t"] == "posted":
            self.texts.append(event["text"])
            self.seen_at.setdefault(event["text"], time.perf_counter())
