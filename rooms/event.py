"""The head that every event has, whatever happened: `events.py` and `session_events.py` build on it."""

from typing import Final

import msgspec

UNPLACED: Final = 0
"""`seq` of an event that the log has not placed yet."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t"):
    """The common head of every event: where it happened, its place, when, and who did it."""

    room: str
    seq: int = UNPLACED
    at: int = 0
    handle: str
