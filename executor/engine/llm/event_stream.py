"""The JSON values of an answer: one that came whole, or the events of a stream, as it turns out."""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Final

import orjson

from designs.strict_json import MAX_VALUES, check_count
from executor.engine.llm.server_errors import AnswerUnreadable, ServerLost, ServerSilent

# Larger answers are parsed in a thread, so that nobody waits for them.
MAX_BYTES_ON_LOOP = 131_072
# An event of more lines, or characters, is looked at only each time it has doubled.
MAX_LINES_AT_ONCE = 100
MAX_CHARACTERS_AT_ONCE = 65_536
# What stands for `data: [DONE]`.
DONE: Final = object()

# No JSON value begins as the fields of an event do: data, event, id, retry, and comments.
_BEGINNINGS = ("d", "e", "i", "r", ":")
# A word that only keeps a connection alive; anything longer may be a part of an answer.
_ALIVE = re.compile(r"[^{}\[\]]{1,40}")
_BLANK = "\ufeff \t\r\n"
# A carriage return at the very end may be half of an end.
_LINE_END = re.compile(r"\n|\r\n|\r(?=[^\n])")


async def values_of(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Any, None]:
    """Each value as it comes, and DONE if the end is told. Raises AnswerUnreadable.

    What was asked for does not count: some servers answer plainly to whom they should stream, and
    the other way round. A body may also have one value a line.
    """
    texts = _decoded(pieces)
    first = await anext(texts, "")
    if first.startswith(_BEGINNINGS):
        async for value in _events(first, texts):
            yield value
    elif first:
        for value in await _whole(first, texts):
            yield value


async def _whole(first: str, texts: AsyncIterator[str]) -> list[Any]:
    """The values of a body; one that is all there counts, though the connection broke behind it."""
    found = [first]
    try:
        async for text in texts:
            found.append(text)
    except (ServerLost, ServerSilent, OSError) as broken:
        try:
            return await _parsed("".join(found))
        except AnswerUnreadable:
            raise broken from None
    return await _parsed("".join(found))


async def _decoded(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The text of the pieces, from its first character on that is not blank."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    has_begun = False
    async for piece in pieces:
        text = decoder.decode(piece)
        if not has_begun:
            text = text.lstrip(_BLANK)
            has_begun = bool(text)
        if text:
            yield text


async def _events(first: str, texts: AsyncIterator[str]) -> AsyncIterator[Any]:
    lines, events = _Lines(), _Events()
    for line in lines.add(first):
        for value in events.add(line):
            yield value
    async for text in texts:
        for line in lines.add(text):
            for value in events.add(line):
                yield value
    for line in (lines.rest, ""):
        for value in events.add(line):
            yield value


class _Lines:
    """Cuts text that comes in pieces into lines; `rest` is what has no end yet."""

    def __init__(self) -> None:
        self._rest: list[str] = []

    @property
    def rest(self) -> str:
        return "".join(self._rest)

    def add(self, text: str) -> list[str]:
        if not _LINE_END.search(text):
            self._rest.append(text)
            return []
        *lines, rest = _LINE_END.split(self.rest + text)
        self._rest = [rest]
        return lines


class _Events:
    """Reads the lines of an event stream, with what servers leave out or add."""

    def __init__(self) -> None:
        self._data: list[str] = []
        self._name = ""
        # Of the data so far, and so much of it at the last look that found no whole value.
        self._length = self._looked_at = 0

    def add(self, line: str) -> Iterator[Any]:
        line = line.rstrip("\r")
        if not line.strip():
            yield from self._end()
        elif line.startswith(("data:", "{")):
            data = line.removeprefix("data:").removeprefix(" ")
            self._data.append(data)
            self._length += len(data) + 1
            if self._may_be_whole(data):
                yield from self._early()
        elif line.startswith("event:"):
            self._name = line[6:].strip()

    def _early(self) -> Iterator[Any]:
        """Not every server writes an empty line between its events."""
        text = "\n".join(self._data).strip()
        if text == "[DONE]":
            self._clear()
            yield DONE
            return
        try:
            value = _loads(text)
        except ValueError:
            self._looked_at = self._length
            return
        self._clear()
        yield from self._named(value)

    def _may_be_whole(self, line: str) -> bool:
        """To look at each line at all that came before would take long where there are many."""
        if not line.rstrip().endswith(("}", "]")):
            return False
        is_small = len(self._data) <= MAX_LINES_AT_ONCE and self._length <= MAX_CHARACTERS_AT_ONCE
        return is_small or self._length >= 2 * self._looked_at

    def _clear(self) -> None:
        self._data.clear()
        self._length = self._looked_at = 0

    def _end(self) -> Iterator[Any]:
        text = "\n".join(self._data).strip()
        self._clear()
        if text:
            try:
                yield from self._named(_loads(text))
            except ValueError as error:
                if self._name == "error":
                    yield {"error": text}
                elif not _ALIVE.fullmatch(text):
                    raise AnswerUnreadable from error
        self._name = ""

    def _named(self, value: Any) -> Iterator[Any]:
        """An event named error is one, whatever it holds; a word alone keeps a line alive."""
        is_error = self._name == "error"
        is_told = isinstance(value, dict) and ("error" in value or value.get("type") == "error")
        if is_error and not is_told:
            yield {"error": value or "error"}
        elif isinstance(value, dict | list):
            yield value


async def _parsed(text: str) -> list[Any]:
    if len(text) <= MAX_BYTES_ON_LOOP:
        return _values(text)
    return await asyncio.to_thread(_values, text)


def _values(text: str) -> list[Any]:
    text = text.lstrip("\ufeff").strip()
    try:
        return [_loads(text)]
    except ValueError as error:
        if text.count("\n") > MAX_VALUES:
            raise AnswerUnreadable from error
    lines = [line.removeprefix("data:").strip() for line in text.split("\n")]
    lines = [line for line in lines if line]
    try:
        found = [_loads(line) for line in lines if len(lines) > 1 and line != "[DONE]"]
        return found or _unreadable()
    except ValueError as error:
        raise AnswerUnreadable from error


def _unreadable() -> list[Any]:
    raise AnswerUnreadable


def _loads(text: str) -> Any:
    """Raises ValueError, also for more values than anybody answers. Characters that cannot be
    stored are taken out later, not refused.
    """
    check_count(text)
    try:
        return orjson.loads(text)
    except ValueError:
        pass
    try:
        return json.loads(text, strict=False)
    except RecursionError as error:
        raise ValueError("It is nested too deeply.") from error
