"""A room's rules at rest, and a `Head` from its columns. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from rooms.events import Rules
from rooms.log import Head, LogCorrupt

NO_RULES: Final = msgspec.msgpack.encode(Rules())
"""The rules of a room whose rules nobody has changed."""

_decoder: Final = msgspec.msgpack.Decoder(Rules)


def encode_rules(rules: Rules) -> bytes:
    return msgspec.msgpack.encode(rules)


def head_of(row: Sequence[Any]) -> Head:
    """From epoch, head, tail, rules_version, rules. `LogCorrupt` where they are not ours."""
    epoch, head, tail, rules_version, rules = row
    try:
        return Head(epoch, head, tail, rules_version, _decoder.decode(rules))
    except msgspec.DecodeError:
        raise LogCorrupt(
            "The log holds rules of a room that this program cannot read: it was damaged, or written by a "
            "newer chatd. Run that version, or restore the last backup."
        ) from None
