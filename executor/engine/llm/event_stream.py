"""Reads the JSON values of an answer, whether it is a whole body or an event stream."""

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

# Larger answers are parsed in a thread.
MAX_BYTES_ON_LOOP = 131_072
# Parsing of a longer event is tried only each time its length has doubled.
MAX_LINES_AT_ONCE = 100
MAX_CHARACTERS_AT_ONCE = 65_536
# Stands for `data: [DONE]`.
DONE: Final = object()

# How the fields of an event begin (data, event, id, retry, comments), and no JSON value does.
_BEGINNINGS = ("d", "e", "i", "r", ":")
# A word that keeps a connection alive; anything longer may be part of an answer.
_ALIVE = re.compile(r"[^{}\[\]]{1,40}")
_BLANK = "\ufeff \t\r\n"
# A carriage return at the very end may be half of a line end.
_LINE_END = re.compile(r"\n|\r\n|\r(?=[^\n])")


async def values_of(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Any, None]:
    """Each value as it comes, and DONE for the end of a stream. Raises AnswerUnreadable.

    The answer decides, not the request: some servers answer a request for a stream with a body, or
    the other way round. A body may also have one value per line.
    """
    texts = _decoded(pieces)
    text = await anext(texts, "")
    if text.startswith(_BEGINNINGS):
        events = _Events()
        while text:
            for value in events.add(text):
                yield value
            text = await anext(texts, "")
        for value in events.end():
            yield value
    elif text:
        for value in await _values_of_body(text, texts):
            yield value


async def _values_of_body(text: str, texts: AsyncIterator[str]) -> list[Any]:
    """A complete body counts even if the connection broke after it."""
    pieces, broken = [text], None
    try:
        async for piece in texts:
            pieces.append(piece)
    except (ServerLost, ServerSilent, OSError) as error:
        broken = error
    body = "".join(pieces)
    try:
        if len(body) <= MAX_BYTES_ON_LOOP:
            return _values(body)
        return await asyncio.to_thread(_values, body)
    except AnswerUnreadable:
        if broken is not None:
            raise broken from None
        raise


async def _decoded(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The non-empty texts of the pieces, without leading blanks."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    has_begun = False
    async for piece in pieces:
        text = decoder.decode(piece)
        if not has_begun:
            text = text.lstrip(_BLANK)
            has_begun = bool(text)
        if text:
            yield text


class _Events:
    """Parses an event stream that comes in pieces, tolerating what servers omit or add."""

    def __init__(self) -> None:
        # The pieces of the last line, which has not ended yet.
        self._rest: list[str] = []
        self._data: list[str] = []
        self._name = ""
        # Of the data so far, and at the last attempt to parse it.
        self._length = self._parsed_length = 0

    def add(self, text: str) -> Iterator[Any]:
        if not _LINE_END.search(text):
            self._rest.append(text)
            return
        *lines, rest = _LINE_END.split("".join(self._rest) + text)
        self._rest = [rest]
        for line in lines:
            yield from self._add_line(line)

    def end(self) -> Iterator[Any]:
        yield from self._add_line("".join(self._rest))
        yield from self._add_line("")

    def _add_line(self, line: str) -> Iterator[Any]:
        line = line.rstrip("\r")
        if not line.strip():
            yield from self._end_event()
        elif line.startswith(("data:", "{")):
            data = line.removeprefix("data:").removeprefix(" ")
            self._data.append(data)
            self._length += len(data) + 1
            if data.rstrip().endswith(("}", "]")):
                yield from self._end_early()
        elif line.startswith("event:"):
            self._name = line[6:].strip()

    def _end_early(self) -> Iterator[Any]:
        """The event, if it is complete: some servers write no empty line between events."""
        is_small = len(self._data) <= MAX_LINES_AT_ONCE and self._length <= MAX_CHARACTERS_AT_ONCE
        if not is_small and self._length < 2 * self._parsed_length:
            # Parsing a long event at each of its lines would take quadratic time.
            return
        text = "\n".join(self._data).strip()
        if text == "[DONE]":
            self._clear()
            yield DONE
            return
        try:
            value = _loads(text)
        except ValueError:
            self._parsed_length = self._length
            return
        self._clear()
        yield from self._named(value)

    def _clear(self) -> None:
        self._data.clear()
        self._length = self._parsed_length = 0

    def _end_event(self) -> Iterator[Any]:
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
        """The value, as an error if the event is named so; a scalar only keeps the line alive."""
        has_error = isinstance(value, dict) and ("error" in value or value.get("type") == "error")
        if self._name == "error" and not has_error:
            yield {"error": value or "error"}
        elif isinstance(value, dict | list):
            yield value


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
        values = [_loads(line) for line in lines if len(lines) > 1 and line != "[DONE]"]
    except ValueError as error:
        raise AnswerUnreadable from error
    if not values:
        raise AnswerUnreadable
    return values


def _loads(text: str) -> Any:
    """Raises ValueError, also for too many values. Accepts characters that cannot be stored: they
    are removed later.
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
