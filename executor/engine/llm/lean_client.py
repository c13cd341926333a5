"""The HTTP client for servers of the OpenAI protocol.

A call costs a quarter of what it costs with the SDKs' client (measured: 0.21 ms of CPU instead of
0.78). The rules are the same: one server, no redirects, uncompressed answers asked for, and a limit
on their bytes.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from executor.engine.llm.bounded_http import beginning, counted
from executor.engine.llm.server_errors import (
    ServerLost,
    ServerRefused,
    ServerSilent,
    refusal_of,
)

# Shorter than the usual keep-alive timeout of servers.
KEEP_ALIVE_SECONDS = 5.0
# Gateways send long headers with policies and traces.
MAX_HEADER_LENGTH = 65_536
MAX_AT_ONCE = 2**20
# All errors that connecting and reading raise.
_BROKEN = (aiohttp.ClientError, HttpProcessingError)


class LeanClient:
    """Asks one address; belongs to the running loop.

    `connector` opens the connections; None allows any address. `max_bytes` of an answer are read.
    `connect_seconds` and `read_seconds` are for each wait.
    """

    def __init__(
        self,
        address: str,
        *,
        tls: ssl.SSLContext,
        connector: aiohttp.TCPConnector | None,
        proxy: str | None,
        max_bytes: int,
        connect_seconds: float,
        read_seconds: float,
    ) -> None:
        self._address = address
        self._proxy = proxy
        self._max_bytes = max_bytes
        self.has_credentials = urlsplit(address).username is not None
        tracing = aiohttp.TraceConfig()

        async def sent(session: aiohttp.ClientSession, context: Any, params: Any) -> None:
            # A request that waits for a connection has not been sent yet.
            context.trace_request_ctx()

        tracing.on_request_headers_sent.append(sent)
        self._session = aiohttp.ClientSession(
            connector=connector or aiohttp.TCPConnector(**connections(tls)),
            timeout=aiohttp.ClientTimeout(
                total=None,
                # Includes the DNS lookup.
                connect=2 * connect_seconds,
                sock_connect=connect_seconds,
                sock_read=read_seconds,
            ),
            # Cookies of one call must not be sent with another.
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept": "*/*", "Accept-Encoding": "identity"},
            trace_configs=[tracing],
            max_line_size=MAX_HEADER_LENGTH,
            max_field_size=MAX_HEADER_LENGTH,
        )

    @asynccontextmanager
    async def post(
        self, content: bytes, headers: Mapping[str, str], on_sent: Callable[[], None]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of the answer, piece by piece; `on_sent` is called when the request is sent.

        Raises ServerRefused for every status but success, AnswerTooLong, ServerLost, ServerSilent,
        and errors of the connector.
        """
        try:
            async with self._session.post(
                self._address,
                # aiohttp warns about more bytes at once.
                data=content if len(content) <= MAX_AT_ONCE else io.BytesIO(content),
                headers=headers,
                proxy=self._proxy,
                allow_redirects=False,
                trace_request_ctx=on_sent,
            ) as answer:
                coding = answer.headers.get("Content-Encoding", "").strip().lower()
                if not 200 <= answer.status < 300:
                    body = await beginning(_pieces(answer), coding, ServerSilent)
                    url = str(answer.url.with_query(None).with_fragment(None).with_user(None))
                    raise ServerRefused(refusal_of(answer.status, answer.headers, body, url))
                yield counted(_pieces(answer), coding, self._max_bytes)
        except aiohttp.SocketTimeoutError as error:
            raise ServerSilent from error
        except _BROKEN as error:
            raise ServerLost(_words(error)) from error

    async def aclose(self) -> None:
        await self._session.close()


def connections(tls: ssl.SSLContext) -> dict[str, Any]:
    """The options of a connector: no limit on connections, a DNS lookup for each of them."""
    return {
        "ssl": tls,
        "limit": 0,
        "keepalive_timeout": KEEP_ALIVE_SECONDS,
        "use_dns_cache": False,
    }


def proxy_for(url: str) -> str | None:
    """The environment's proxy for this address, if any. Reads the whole environment."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Raises ServerLost, ServerSilent."""
    try:
        async for piece in answer.content.iter_any():
            yield piece
    except aiohttp.SocketTimeoutError as error:
        raise ServerSilent from error
    except _BROKEN as error:
        raise ServerLost(_words(error)) from error


def _words(error: Exception) -> str:
    """The error without the address, which readers of the sentence need not know."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"{error.os_error.strerror or 'the name of the server is not known'}"
    if isinstance(error, aiohttp.ClientSSLError):
        cause = getattr(error, "certificate_error", None) or error.os_error
        reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "TLS"
        return f"no secure connection is possible ({reason})."
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    return "the connection broke."


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ServerTimeoutError, "connecting takes too long."),
    (aiohttp.ClientConnectorError, "nothing is listening at its address."),
    (aiohttp.ServerDisconnectedError, "it closed the connection without an answer."),
    (aiohttp.ClientPayloadError, "it closed the connection in the middle of its answer."),
    (aiohttp.ClientResponseError, "its answer is not HTTP."),
    (HttpProcessingError, "its answer is not HTTP."),
)
