"""What a person typed becomes what is kept: nothing hidden, nothing lost that belongs there."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.text import normalise


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  a hard night  ", "a hard night"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a   \nb", "a\nb"),
        ("bell\x07 and \x1b[31mred", "bell and [31mred"),
        ("tab\tstays", "tab\tstays"),
        ("e\u0301", "\u00e9"),
        ("abc\u202edef\u2066", "abcdef"),
        ("👩\u200d⚕️", "👩\u200d⚕️"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\ufeff \x00 \n ", ""),
        ("\u200b", ""),
        ("\u200d\u200c \u2060\u00ad", ""),
        ("\u3164\n\uffa0 \u115f", ""),
        ("\u2800 \u034f\ufe0f\u180e", ""),
        ("\U000e0100\U0001d173", ""),
        ("\u200ba", "\u200ba"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("\u0301", "\u0301"),
    ],
)
def test_normalise(typed: str, kept: str) -> None:
    assert normalise(typed) == kept


@given(st.text(max_size=200))
def test_what_is_kept_is_settled(text: str) -> None:
    kept = normalise(text)
    assert normalise(kept) == kept
    assert unicodedata.is_normalized("NFC", kept)
    assert kept == kept.strip()
    assert "\n\n\n" not in kept
    assert not any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in kept)
