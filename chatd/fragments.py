"""A message that comes in several frames (RFC 6455 section 5.4), put together as it comes.

Its size is bounded by `max_size` of `websockets`' protocol, the number of its frames by the caller.
Pure: touches nothing.
"""

import codecs
from typing import Any, Final

from websockets.frames import Frame

_utf8: Final = codecs.getincrementaldecoder("utf-8")


class Partial:
    """What has come so far. `frames` counts the empty ones as well."""

    __slots__ = ("_data", "_decoder", "frames")

    def __init__(self, *, text: bool) -> None:
        self._decoder = _utf8() if text else None
        self._data: list[Any] = []
        self.frames = 0

    def add(self, frame: Frame) -> None:
        """`UnicodeDecodeError` as soon as what came so far can be no UTF-8 (section 8.1)."""
        self.frames += 1
        data = frame.data
        if self._decoder is not None:
            piece: Any = self._decoder.decode(bytes(data), frame.fin)
        else:
            piece = data
        if piece:
            self._data.append(piece)

    def message(self) -> bytes | str:
        """The whole, after the last frame."""
        return "".join(self._data) if self._decoder is not None else b"".join(self._data)
