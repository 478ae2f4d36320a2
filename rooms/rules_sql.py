"""A room's rules at rest, and a `Head` from its columns. Pure.

They hold the state of a session: who is in it, under which handles, and how votes stand. So they are sealed
as bodies are, for the version that they are of.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from rooms.body_sql import unseal
from rooms.events import Rules
from rooms.keystore import KeyGone
from rooms.log import Head, LogCorrupt
from rooms.sealer import RULES, Boxes

NO_RULES: Final = msgspec.msgpack.encode(Rules())
"""The rules of a room whose rules nobody has changed."""

_decoder: Final = msgspec.msgpack.Decoder(Rules)


def seal_rules(rules: Rules, version: int, room: str, epoch: str, boxes: Boxes | None) -> bytes:
    """Sealed; plain where `boxes` is None. `KeyGone`."""
    raw = msgspec.msgpack.encode(rules)
    if boxes is None:
        return raw
    box = boxes.get((room, epoch))
    if box is None:
        raise KeyGone(room, epoch)
    return box.seal(version, RULES, raw)


def head_of(row: Sequence[Any], room: str = "", boxes: Boxes | None = None) -> Head:
    """From epoch, head, tail, rules_version, rules, began_at. `LogCorrupt` where they are not ours.

    Rules whose key is gone are no rules: the epoch is over, and what is left of it goes (`keyed_log.py`).
    """
    epoch, head, tail, rules_version, rules, began_at = row
    try:
        plain = unseal(rules, (room, epoch, rules_version, RULES), boxes)
    except KeyGone:
        plain = NO_RULES
    try:
        return Head(epoch, head, tail, rules_version, _decoder.decode(plain), began_at or 0)
    except msgspec.DecodeError:
        raise LogCorrupt(
            "The log holds rules of a room that this program cannot read: it was damaged, or written by a "
            "newer chatd. Run that version, or restore the last backup."
        ) from None
