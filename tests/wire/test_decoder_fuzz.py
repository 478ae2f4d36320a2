"""Whatever arrives, the decoder gives a command or says `BadFrame`, and quotes nothing of it."""

import json
from collections.abc import Callable
from typing import Any, Final, get_args

import msgpack  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatd import wire

SECRET: Final = "qzxjv"
"""Stands for what people write. It is in no word of ours, so that it can be looked for."""
COMMANDS: Final = get_args(wire.AnyCommand)
TAGS: Final = [kind.__struct_config__.tag for kind in COMMANDS]
FIELDS: Final = sorted({name for kind in COMMANDS for name in kind.__struct_fields__} | {"t", SECRET})

secrets = st.sampled_from(
    [SECRET, SECRET * 20, f"{SECRET} - at `$.{SECRET}`", f"Expected {SECRET}, got `$`", f"\n{SECRET}"]
)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | secrets | st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(secrets | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
likely = {
    "t": st.sampled_from(TAGS) | secrets,
    "id": st.integers(0, 2**53) | secrets,
    "room": st.just("icu") | secrets,
    "key": st.just("k") | secrets,
    "seq": st.integers(0, 5),
}
frames = st.fixed_dictionaries(
    {"t": likely["t"]}, optional={name: likely.get(name, values) | values for name in FIELDS if name != "t"}
)


def judge(decode: Callable[[Any], wire.AnyCommand], payload: bytes | str) -> None:
    refusal: wire.BadFrame | None = None
    try:
        assert isinstance(decode(payload), COMMANDS)
    except wire.BadFrame as error:
        refusal = error
    if refusal is not None:
        assert SECRET not in f"{refusal} {refusal!r}"
        assert refusal.__cause__ is None
        assert refusal.__suppress_context__
        assert len(str(refusal)) < 200


@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b'{"t":' * 50_000)
@example(b"\x91" * 100_000)
@example(b"\x81\xa1t" * 50_000)
@example(b"\xdf\xff\xff\xff\xff")
def test_any_bytes(payload: bytes) -> None:
    judge(wire.decode_json, payload)
    judge(wire.decode_msgpack, payload)


@given(st.text(max_size=300))
@example('{"t":"post","id":1,"room":"icu","key":"k","text":"\\ud800"}')
@example("\ud800")
@example('{"t":"leave","id":1' + "0" * 5000 + ',"room":"icu"}')
def test_any_text(payload: str) -> None:
    judge(wire.decode_json, payload)


@given(frames)
def test_anything_like_a_frame(frame: dict[str, Any]) -> None:
    judge(wire.decode_json, json.dumps(frame))
    judge(wire.decode_msgpack, msgpack.packb(frame, unicode_errors="surrogatepass"))


@given(frames, st.data())
def test_a_frame_with_a_byte_wrong(frame: dict[str, Any], data: st.DataObject) -> None:
    for decode, payload in (
        (wire.decode_json, json.dumps(frame).encode()),
        (wire.decode_msgpack, msgpack.packb(frame, unicode_errors="surrogatepass")),
    ):
        at = data.draw(st.integers(0, len(payload) - 1))
        judge(decode, payload[:at] + data.draw(st.binary(max_size=2)) + payload[at + 1 :])


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ({"t": "post", "id": 1, "room": "icu", "key": "k", "text": 7}, "Expected `str`"),
        ({"t": "post", "id": 1, "room": "icu", "key": "k"}, "`text`"),
        ({"t": "older", "id": 1, "room": "icu", "before": 1, "limit": 0}, "$.limit"),
        ({"t": SECRET}, ""),
    ],
    ids=["a wrong type", "a missing field", "out of bounds", "an unknown kind"],
)
def test_it_says_what_is_wrong(frame: dict[str, Any], says: str) -> None:
    with pytest.raises(wire.BadFrame) as wrong:
        wire.decode_json(json.dumps(frame))
    assert says in str(wrong.value)
    assert str(wrong.value)
