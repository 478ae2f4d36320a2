"""The frame that nearly every message is: final, masked, unfragmented, all of it there. Pure.

`websockets` reads frames of every kind and keeps the state that they need; for this one kind there
is no state, and reading it here takes a tenth of the time (docs/performance.md). Whatever is not
exactly such a frame is not judged here: the caller hands it to `websockets`.
"""

from typing import Final

from websockets.frames import Opcode

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without its compiled part: slower, and the same
    from websockets.utils import apply_mask

FIN: Final = 0x80
MASKED: Final = 0x80
SHORT: Final = 126
"""RFC 6455 section 5.2: lengths below it stand in the second byte; here it says that two more follow."""
HEAD: Final = 6
"""Bytes before the payload of a masked frame with a short length."""
LONG_HEAD: Final = 8
EMPTY_PONG: Final = bytes((FIN | Opcode.PONG, MASKED))
"""What the answer to an empty ping begins with; the mask follows, and nothing else."""

Plain = tuple[bytes, int]
"""A payload, unmasked, and where the next frame begins."""


def first_byte(opcode: Opcode) -> int:
    """What a final frame of this kind without extensions begins with."""
    return FIN | opcode


def plain_frame(data: bytes, at: int, first: int, max_size: int) -> Plain | None:
    """The frame at `at`, where it begins with `first` and is one of those above; else None.

    At most 64 KiB, and at most `max_size`: what is longer is for `websockets` to refuse.
    """
    start = at + HEAD
    if len(data) < start or data[at] != first:
        return None
    size = data[at + 1] - MASKED
    if size >= SHORT:
        start = at + LONG_HEAD
        if size > SHORT or len(data) < start:
            return None
        size = data[at + 2] << 8 | data[at + 3]
        if size < SHORT:  # not the shortest form
            return None
    end = start + size
    if not 0 <= size <= max_size or end > len(data):
        return None
    return apply_mask(data[start:end], data[start - 4 : start]), end


def masked_size(payload_bytes: int) -> int:
    """The bytes of a whole masked frame in its shortest form."""
    extended = 0 if payload_bytes < SHORT else 2 if payload_bytes < 1 << 16 else 8
    return HEAD + extended + payload_bytes
