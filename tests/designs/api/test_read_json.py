"""Bodies: what one database or client would refuse is refused at the door, with a sentence."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from designs.api.parsers import BodyTooLarge, LengthRequired, check_length, read_json

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "not JSON"),
        (b"{", "line 1"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": NaN}', "not a JSON number"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_what_cannot_be_stored_is_refused(body: bytes, word: str) -> None:
    with pytest.raises(ParseError, match=word):
        read_json(body)


@pytest.mark.parametrize("depth", [101, 5_000, 100_000])
def test_deep_bodies_are_refused(depth: int) -> None:
    with pytest.raises(BodyTooLarge, match="deeper than 100"):
        read_json(b"[" * depth + b"]" * depth)


def test_a_hundred_levels_are_read() -> None:
    assert read_json(b"[" * 100 + b"]" * 100)


def test_very_many_values_are_refused() -> None:
    with pytest.raises(BodyTooLarge, match="more than"):
        read_json(b"[" + b"0," * 60_000 + b"0]")


def test_chunks_need_a_length_and_lengths_have_a_limit() -> None:
    check_length("1000", chunked=False)
    with pytest.raises(LengthRequired):
        check_length(None, chunked=True)
    with pytest.raises(BodyTooLarge):
        check_length(str(2**30), chunked=False)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(ParseError, BodyTooLarge):
        read_json(body)
