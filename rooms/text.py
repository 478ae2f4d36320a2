"""What a person typed, made fit to be kept and shown. Pure."""

import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 4000
"""Longest text of one post, in characters (code points) after normalisation."""

_REMOVED: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but not tab and line feed
    # separators and direction overrides: they can disguise a text
    "\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"  # byte order mark, interlinear marks, invisible tags
)
_NEWLINES: Final = re.compile(r"\r\n?")
_TRAILING: Final = re.compile(r"[ \t]+\n")
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_INVISIBLE: Final = re.compile(
    # Space, and what Unicode calls default ignorable (DerivedCoreProperties.txt): joiners, selectors,
    # fillers. And the blank Braille pattern, which has no dots.
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]*"
)


def normalise(text: str) -> str:
    """`text` in NFC, without controls, at most one blank line in a row, no space around it.

    Joiners (ZWJ, ZWNJ) stay: emoji and several scripts need them. Where they are all there is,
    and so nothing is to be seen, the result is empty. Idempotent.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _NEWLINES.sub("\n", text)
    text = _REMOVED.sub("", unicodedata.normalize("NFC", text))
    text = _BLANK_LINES.sub("\n\n", _TRAILING.sub("\n", text))
    # Removing a character can bring a base and a mark together, so compose once more.
    text = unicodedata.normalize("NFC", text).strip()
    return "" if _INVISIBLE.fullmatch(text) else text
