"""The HTTP transport of tool calls: guarded addresses, no redirects, a size cap while reading."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import httpx2

from designs.outgoing.addresses import AddressRefused
from designs.outgoing.guarded_http import CONNECT_SECONDS, GuardedTransport
from designs.outgoing.name_lookups import TooManyNames

# A server may close an idle connection just as it is used again: then nobody knows whether the call
# was made. Most keep connections for two seconds and longer.
KEEPALIVE_SECONDS = 1.0
MAX_CONNECTIONS = 100
_SENT = frozenset({"http11.send_request_headers.started", "http2.send_request_headers.started"})
# Only the call of a tool carries this word of the protocol: handshakes and lists do not.
_TOOL_CALL = b'"tools/call"'

Cause = Literal["address", "network", "answer"]


class Refused(httpx2.TransportError):
    """We ended the exchange, because of the rule that the message tells."""


@dataclass(slots=True)
class Watch:
    """What became of one call, as the transport saw it.

    `max_bytes` bounds everything that is read for it. With `is_mcp` only the request that calls the
    tool counts as sent, not those that prepare it. `failure` is why there is no answer, `cause`
    what that was: an address that is not allowed, the network, or an answer against the rules.
    """

    max_bytes: int
    is_mcp: bool
    was_sent: bool = False
    read: int = 0
    http_status: int | None = None
    failure: str = ""
    cause: Cause | None = None

    def fail(self, sentence: str, cause: Cause) -> Refused:
        if self.cause is None:
            self.failure, self.cause = sentence, cause
        return Refused(self.failure)


class CallTransport(httpx2.AsyncBaseTransport):
    """One call's view of a kept transport, so that its rules and its record are its own."""

    def __init__(self, kept: httpx2.AsyncBaseTransport, watch: Watch) -> None:
        self._kept = kept
        self._watch = watch

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        watch = self._watch
        if not watch.is_mcp or _TOOL_CALL in await request.aread():
            request.extensions = {**request.extensions, "trace": self._trace}
        request.headers["Accept-Encoding"] = "identity"
        try:
            response = await self._kept.handle_async_request(request)
        except AddressRefused as error:
            raise watch.fail(str(error), "address") from error
        except TooManyNames as error:
            sentence = "too many names are being looked up at the moment"
            raise watch.fail(sentence, "network") from error
        except httpx2.TransportError as error:
            verb = "broke off" if watch.was_sent else "could not be reached"
            watch.fail(f"it {verb}: {_words(error)}", "network")
            raise
        try:
            self._judge(response, request.method)
        except Refused:
            await response.aclose()
            raise
        stream: Any = response.stream
        response.stream = _CountedStream(stream, watch)
        return response

    def _judge(self, response: httpx2.Response, method: str) -> None:
        watch = self._watch
        # What ends a session, or listens beside it, says nothing about the call.
        if method == "POST" or not watch.is_mcp:
            watch.http_status = response.status_code
        if response.status_code in range(300, 400) and "location" in response.headers:
            sentence = "it answered with a redirect, and redirects are not followed"
            raise watch.fail(sentence, "answer")
        # Of an encoded answer the size is not known before it is unpacked.
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            sentence = "it sent a compressed answer, which was not asked for"
            raise watch.fail(sentence, "answer")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > watch.max_bytes:
            raise watch.fail(too_large(watch.max_bytes), "answer")

    async def _trace(self, name: str, info: Any) -> None:
        if name in _SENT:
            self._watch.was_sent = True

    async def aclose(self) -> None:
        """The kept transport stays open."""


class _CountedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch

    async def __aiter__(self) -> AsyncIterator[bytes]:
        watch = self._watch
        try:
            async for chunk in self._stream:
                watch.read += len(chunk)
                if watch.read > watch.max_bytes:
                    raise watch.fail(too_large(watch.max_bytes), "answer")
                yield chunk
        except Refused:
            raise
        except httpx2.TransportError as error:
            watch.fail(f"it broke off: {_words(error)}", "network")
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()


def too_large(max_bytes: int) -> str:
    return f"its answer has more than {max_bytes:,} bytes, and nothing of it was kept"


def kept_transport(allow: tuple[str, ...], *, calls: int) -> GuardedTransport:
    """For all calls of a connection on the running loop, with room for so many at once."""
    most = min(MAX_CONNECTIONS, 2 * calls)
    return GuardedTransport(
        allow,
        limits=httpx2.Limits(
            max_connections=most,
            max_keepalive_connections=most,
            keepalive_expiry=KEEPALIVE_SECONDS,
        ),
    )


def call_client(
    kept: httpx2.AsyncBaseTransport, watch: Watch, headers: dict[str, str], *, seconds: float
) -> httpx2.AsyncClient:
    """A client for one call. It costs little, because connections and TLS belong to `kept`."""
    return httpx2.AsyncClient(
        transport=CallTransport(kept, watch),
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        headers=headers,
        trust_env=False,
        follow_redirects=False,
    )


def _words(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    return text[:200] if text else type(error).__name__
