"""The SDKs' HTTP client, with a limit on the bytes of an answer, counted after unpacking."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx2
import orjson

from executor.engine.llm.server_errors import (
    AnswerTooLong,
    AnswerUnreadable,
    ServerLost,
    ServerRefused,
    error_in,
    refusal_of,
)

MAX_ERROR_BYTES = 64_000
# A packed piece is unpacked in pieces of this size, however large it would become.
PIECE_BYTES = 65_536
# zlib reads gzip and deflate, which it distinguishes by their first bytes.
_EITHER = zlib.MAX_WBITS | 32
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_UNREAD = frozenset({"br", "zstd", "compress", "x-compress"})
# SDKs copy an event for each of its lines, which takes long for many; real events have few.
MAX_LINES_OF_EVENT = 2_000


class BoundedClient(httpx2.AsyncClient):
    """Asks for uncompressed answers, and counts the bytes of compressed ones after unpacking.

    Raises AnswerTooLong while an answer is read, and ServerRefused for every status but success,
    so that errors are read in one place for all protocols.
    """

    def __init__(self, *, max_bytes: int, **more: Any) -> None:
        super().__init__(**more)
        self._max_bytes = max_bytes

    async def send(self, request: httpx2.Request, *, stream: bool = False, **more: Any) -> Any:
        request.headers["Accept-Encoding"] = "identity"
        answer = await super().send(request, stream=True, **more)
        coding = answer.headers.pop("content-encoding", "").strip().lower()
        inner = answer.stream
        if not isinstance(inner, httpx2.AsyncByteStream):
            raise TypeError("An asynchronous client answers asynchronously.")
        if not answer.is_success:
            try:
                body = await beginning(aiter(inner), coding, httpx2.HTTPError)
            finally:
                await answer.aclose()
            url = answer.request.url.copy_with(
                query=None, fragment=None, username=None, password=None
            )
            raise ServerRefused(refusal_of(answer.status_code, answer.headers, body, str(url)))
        is_stream = "event-stream" in answer.headers.get("content-type", "")
        max_lines = MAX_LINES_OF_EVENT if is_stream else None
        answer.stream = _Counted(inner, coding, self._max_bytes, max_lines)
        if not stream:
            try:
                await answer.aread()
            except BaseException:
                await answer.aclose()
                raise
            if len(answer.content) <= MAX_ERROR_BYTES:
                # SDKs would read an error with a status of success as an empty answer.
                value = None
                with suppress(ValueError):
                    value = orjson.loads(answer.content)
                refusal = error_in(value[0] if isinstance(value, list) and value else value)
                if refusal is not None:
                    raise ServerRefused(refusal)
        return answer


class _Counted(httpx2.AsyncByteStream):
    def __init__(
        self,
        inner: httpx2.AsyncByteStream,
        coding: str,
        max_bytes: int,
        max_lines: int | None,
    ) -> None:
        self._inner = inner
        self._coding = coding
        self._max_bytes = max_bytes
        self._max_lines = max_lines

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # The lines of the event that has not ended yet.
        lines = 0
        async for piece in counted(aiter(self._inner), self._coding, self._max_bytes):
            if self._max_lines is not None:
                end = max(piece.rfind(b"\n\n"), piece.rfind(b"\r\n\r\n"))
                lines = piece.count(b"\n", end + 2) if end >= 0 else lines + piece.count(b"\n")
                if lines > self._max_lines:
                    raise AnswerUnreadable
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


async def counted(
    pieces: AsyncIterator[bytes], coding: str, max_bytes: int
) -> AsyncIterator[bytes]:
    """The pieces unpacked. Raises AnswerTooLong, and ServerLost for what cannot be unpacked."""
    count = 0
    async for piece in _unpacked(pieces, coding):
        count += len(piece)
        if count > max_bytes:
            raise AnswerTooLong(max_bytes)
        yield piece


async def beginning(pieces: AsyncIterator[bytes], coding: str, *breaks: type[Exception]) -> bytes:
    """The first MAX_ERROR_BYTES of an error, or less if reading raises one of `breaks`."""
    body = b""
    ends: tuple[type[Exception], ...] = (ServerLost, *breaks)
    try:
        async for piece in _unpacked(pieces, coding):
            body += piece
            if len(body) >= MAX_ERROR_BYTES:
                break
    except ends:
        # The status is enough.
        pass
    return body[:MAX_ERROR_BYTES]


async def _unpacked(pieces: AsyncIterator[bytes], coding: str) -> AsyncIterator[bytes]:
    """`coding` is the answer's Content-Encoding in lower case. Raises ServerLost."""
    if coding in _UNREAD:
        raise ServerLost(
            f"The answer came compressed as {coding}, although that was not asked for. Turn it off "
            "at the server, or at the proxy before it."
        )
    if coding not in _PACKED:
        async for packed in pieces:
            yield packed
        return
    reader = _Unpacker()
    async for packed in pieces:
        while packed:
            try:
                piece, packed = reader.next_piece(packed)
            except zlib.error as error:
                raise ServerLost(f"The answer cannot be unpacked: {error}") from error
            if piece:
                yield piece


class _Unpacker:
    """Unpacks gzip and deflate, also raw deflate and several streams in a row."""

    def __init__(self) -> None:
        self._reader = zlib.decompressobj(_EITHER)
        self._has_begun = False

    def next_piece(self, packed: bytes) -> tuple[bytes, bytes]:
        """A bounded piece of the text, and what is still packed. Raises zlib.error."""
        is_next_stream = self._reader.eof
        if is_next_stream:
            self._reader = zlib.decompressobj(_EITHER)
        try:
            piece = self._reader.decompress(packed, PIECE_BYTES)
        except zlib.error:
            if is_next_stream:
                # It was trailing garbage.
                return b"", b""
            if self._has_begun:
                raise
            self._reader = zlib.decompressobj(-zlib.MAX_WBITS)
            piece = self._reader.decompress(packed, PIECE_BYTES)
        self._has_begun = True
        return piece, self._reader.unconsumed_tail or self._reader.unused_data
