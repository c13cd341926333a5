"""Bodies: what one database or client would refuse is refused at the door, with a sentence."""

import asyncio
import contextlib
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from designs.api.parsers import (
    BodyTooLarge,
    LengthRequired,
    check_length,
    read_json,
    read_json_async,
)

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
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


@pytest.mark.parametrize("whole", [2**63, -(2**63) - 1, 2**64, 10**300])
def test_whole_numbers_have_64_bits(whole: int) -> None:
    with pytest.raises(ParseError, match="too large. Write it as text."):
        read_json(json.dumps({"wei": [whole]}).encode())
    assert read_json(b"[9223372036854775807, -9223372036854775808]") == [2**63 - 1, -(2**63)]


def test_zero_has_no_sign_and_a_byte_order_mark_is_skipped() -> None:
    assert str(read_json(b"[-0, -0.0, -1e-999]")) == "[0, 0.0, 0.0]"
    assert read_json(b"\xef\xbb\xbf{}") == {}
    with pytest.raises(ParseError, match="not JSON"):
        read_json(b"\xef\xbb\xbf\xef\xbb\xbf{}")


def test_very_many_values_are_refused_before_one_is_made() -> None:
    numbers, texts = b"[" + b"0.5," * 250_000 + b"0]", b"[" + b'["\\""],' * 120_000 + b"0]"
    for many, most in ((numbers, 4 * len(numbers)), (texts, 16 * len(texts))):
        tracemalloc.start()
        with pytest.raises(BodyTooLarge, match="more than 50000 values"):
            read_json(many)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < most


async def test_large_bodies_do_not_hold_the_event_loop() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.sleep(0)
    assert await read_json_async(b"[1]") == [1]
    assert turns == 1
    assert len(await read_json_async(b"[" + b"1.5," * 40_000 + b"0]")) == 40_001
    assert turns > 1
    counting.cancel()


def test_commas_and_quotes_in_texts_are_no_values() -> None:
    for text in ("," * 900_000, '",' * 300_000, "\\," * 300_000):
        assert read_json(json.dumps({"text": text}).encode()) == {"text": text}
    with pytest.raises(ParseError, match="not JSON"):
        read_json(b'"' + b'\\",' * 300_000)


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
