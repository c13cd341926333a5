"""Small answers that are built to be expensive are read in linear time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from executor.engine.llm import event_stream
from executor.engine.llm.event_stream import DONE, values_of
from executor.engine.llm.server_errors import AnswerUnreadable
from executor.engine.llm.thoughts import SpokenText


async def pieces(data: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def read(data: bytes) -> list[Any]:
    return [value async for value in values_of(pieces(data))]


@pytest.mark.parametrize(
    ("head", "line"),
    [(b"", b"data:[}\n"), (b"data:{\n", b'data:"a":{}\n'), (b"", b"{]\n"), (b"", b"data: }\n")],
)
async def test_lines_that_could_end_an_event_are_not_read_again_and_again(
    monkeypatch: pytest.MonkeyPatch, head: bytes, line: bytes
) -> None:
    looked: list[int] = []
    monkeypatch.setattr(
        event_stream,
        "_loads",
        lambda text: looked.append(len(text)) or json.loads(text),  # type: ignore[func-returns-value]
    )
    data = head + line * 100_000
    with pytest.raises(AnswerUnreadable):
        await read(data)
    assert sum(looked) < 4 * len(data) + 100 * 65_536


async def test_an_event_over_several_lines_is_read_before_the_next_begins() -> None:
    event = '{"a":\n[1,\n{"b": 2}]\n}'.replace("\n", "\ndata: ")
    text = f"data: {event}\ndata: {event}\ndata: [DONE]\n"
    assert await read(text.encode()) == [{"a": [1, {"b": 2}]}] * 2 + [DONE]
    long = json.dumps({"a": "x" * 200_000, "b": {}})
    assert await read(f"data: {long}\ndata: {long}\n".encode()) == [json.loads(long)] * 2


@pytest.mark.parametrize(
    "data",
    [
        b"[" + b"[]," * 60_000 + b"[]]",
        b'data: {"a":[' + b"{}," * 60_000 + b"{}]}\n\n",
        b"{}\n" * 60_000,
        b'{"a":1}\n' * 60_000,
    ],
)
async def test_more_values_than_anybody_answers_are_not_made(data: bytes) -> None:
    with pytest.raises(AnswerUnreadable):
        await read(data)


async def test_a_long_text_full_of_commas_is_one_value() -> None:
    value = {"a": 'one, two, "three", ' * 40_000}
    assert await read(json.dumps(value).encode()) == [value]


class Slices(str):
    """Counts the characters that are copied out of it."""

    copied = 0

    def __radd__(self, other: str) -> Slices:
        return Slices(str(other) + str(self))

    def __getitem__(self, at: Any) -> Slices:
        found = Slices(str(self)[at])
        Slices.copied += len(found)
        return found


@pytest.mark.parametrize("tag", ["</think>", "<think>", "<think>a</think>", "[/think]b"])
def test_many_tags_of_thoughts_cost_what_their_text_does(tag: str) -> None:
    whole = tag * 20_000
    Slices.copied = 0
    spoken = SpokenText()
    spoken.add(Slices(whole))
    spoken.end()
    assert Slices.copied <= 2 * len(whole)


def test_space_before_the_first_word_is_kept_as_it_came() -> None:
    spoken = SpokenText()
    assert [spoken.add(piece) for piece in (" ", "\n", " ", "a", " b")] == [
        "",
        "",
        "",
        " \n a",
        " b",
    ]
