"""A client that reads no more of an answer than it may, counted after unpacking."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from executor.engine.llm.server_errors import AnswerTooLong, ServerRefused, refusal_of

MOST_BYTES = 8_000_000
MOST_ERROR_BYTES = 64_000
# So much is unpacked at a time, however much more a packed piece would give.
PIECE_BYTES = 65_536
# What zlib reads by itself: gzip and deflate, told apart by their first bytes.
_EITHER = zlib.MAX_WBITS | 32
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class BoundedClient(httpx2.AsyncClient):
    """Asks for plain answers, and counts those that come packed all the same.

    Raises AnswerTooLong while an answer is read, and ServerRefused for every status but success,
    so that errors are read in one place for all protocols.
    """

    async def send(self, request: httpx2.Request, *, stream: bool = False, **more: Any) -> Any:
        request.headers["Accept-Encoding"] = "identity"
        answer = await super().send(request, stream=True, **more)
        coding = answer.headers.pop("content-encoding", "").strip().lower()
        inner = answer.stream
        if not isinstance(inner, httpx2.AsyncByteStream):
            raise TypeError("An asynchronous client answers asynchronously.")
        if not answer.is_success:
            raise await _refusal(answer, inner, coding)
        answer.stream = _Counted(inner, coding, MOST_BYTES)
        if not stream:
            try:
                await answer.aread()
            except BaseException:
                await answer.aclose()
                raise
        return answer


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, coding: str, most_bytes: int) -> None:
        self._inner = inner
        self._coding = coding
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        count = 0
        async for piece in _unpacked(self._inner, self._coding):
            count += len(piece)
            if count > self._most_bytes:
                raise AnswerTooLong(self._most_bytes)
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _unpacked(stream: httpx2.AsyncByteStream, coding: str) -> AsyncIterator[bytes]:
    if coding not in _PACKED:
        async for packed in stream:
            yield packed
        return
    reader = zlib.decompressobj(_EITHER)
    async for packed in stream:
        while packed:
            try:
                piece = reader.decompress(packed, PIECE_BYTES)
            except zlib.error as error:
                raise httpx2.DecodingError(f"The answer cannot be unpacked: {error}") from error
            packed = reader.unconsumed_tail
            if piece:
                yield piece


async def _refusal(
    answer: httpx2.Response, stream: httpx2.AsyncByteStream, coding: str
) -> ServerRefused:
    """The error that an answer tells, read as far as it may be."""
    body = b""
    try:
        async for piece in _unpacked(stream, coding):
            body += piece
            if len(body) >= MOST_ERROR_BYTES:
                break
    except httpx2.HTTPError:
        # The status says enough.
        pass
    finally:
        await answer.aclose()
    url = answer.request.url.copy_with(query=None, fragment=None, username=None, password=None)
    return ServerRefused(
        refusal_of(answer.status_code, answer.headers, body[:MOST_ERROR_BYTES], str(url))
    )
