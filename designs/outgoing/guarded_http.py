"""The one HTTP client for calls that users ask for: limits on addresses, time and size."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpcore2
import httpx2

from designs.outgoing.addresses import Address, AddressRefused, Target, check_url, judge
from designs.outgoing.name_lookups import NameLookups, NameUnknown, TooManyNames

CONNECT_SECONDS = 5.0
MAX_BYTES = 65_536
# Separate, so that names of callbacks do not delay the models' names.
_NAMES_OF_CALLS = NameLookups()
_NAMES_OF_CLIENTS = NameLookups()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: lower-case names of `headers`; `body` is undecoded and cut at MAX_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CallFailed(Exception):
    """No answer: the name is unknown, the connection or TLS failed, or the call timed out."""

    is_slow = False


class CallTooSlow(CallFailed):
    """The answer was not complete in time."""

    is_slow = True


class CallNotTried(CallFailed):
    """Nothing was sent, because of a temporary limit of ours; the message says which."""


async def send(
    url: str,
    *,
    method: str = "POST",
    content: bytes = b"",
    headers: Mapping[str, str] | None = None,
    seconds: float,
    allow: Sequence[str] = (),
) -> Reply:
    """One call with a total timeout; redirects are answers, not followed.

    Raises AddressRefused before anything is sent, and CallFailed.
    """
    check_url(url, allow)
    sent = {"Accept-Encoding": "identity", **(headers or {})}
    try:
        async with (
            asyncio.timeout(seconds),
            guarded_client(allow, seconds=seconds) as client,
            client.stream(method, url, content=content, headers=sent) as reply,
        ):
            body = b""
            # Raw: a small compressed answer may unpack to any size.
            async for chunk in reply.aiter_raw():
                body += chunk
                if len(body) >= MAX_BYTES:
                    break
        return Reply(reply.status_code, dict(reply.headers), body[:MAX_BYTES])
    except TooManyNames as error:
        raise CallNotTried("Too many names are being looked up at the moment.") from error
    except TimeoutError as error:
        raise CallTooSlow(f"There was no whole answer within {seconds:g} seconds.") from error
    except httpx2.TimeoutException as error:
        raise CallTooSlow(f"The call failed: {_words(error)}.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise CallFailed(f"The call failed: {_words(error)}.") from error


def guarded_client(allow: Sequence[str], *, seconds: float) -> httpx2.AsyncClient:
    """A client with guarded connections, which ignores the environment's proxies and redirects.

    Belongs to the running loop. `seconds` is the timeout of each wait, not of the whole call.
    """
    return httpx2.AsyncClient(
        transport=GuardedTransport(allow, names=_NAMES_OF_CALLS),
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        trust_env=False,
        follow_redirects=False,
    )


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Connects only to allowed addresses; also for the clients of SDKs."""

    def __init__(
        self,
        allow: Sequence[str],
        *,
        limits: httpx2.Limits | None = None,
        names: NameLookups | None = None,
    ) -> None:
        limits = limits or httpx2.Limits()
        super().__init__(verify=_tls(), trust_env=False, limits=limits)
        # Replaced, because the transport's own pool takes no network backend.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_GuardedConnections(tuple(allow), names or _NAMES_OF_CLIENTS),
        )


class _GuardedConnections(httpcore2.AsyncNetworkBackend):
    """Looks a name up once, judges all its addresses, and connects to one of them."""

    def __init__(self, allow: tuple[str, ...], names: NameLookups) -> None:
        self._allow = allow
        self._names = names
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        target = Target(host.strip("[]").lower(), port)
        failure: Exception | None = None
        try:
            addresses = await judged_addresses(target, self._allow, self._names)
        except NameUnknown as error:
            raise httpcore2.ConnectError(str(error)) from error
        for address in addresses:
            try:
                return await self._plain.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address.")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused("Calls go over the network, not to sockets of this machine.")

    async def sleep(self, seconds: float) -> None:
        await self._plain.sleep(seconds)


async def judged_addresses(
    target: Target, allow: Sequence[str], names: NameLookups | None = None
) -> list[Address]:
    """All addresses of the target. One that is not allowed refuses them all.

    `names` defaults to the look-ups of model clients. Raises AddressRefused, NameUnknown,
    TooManyNames.
    """
    try:
        addresses: list[Address] = [ip_address(target.host)]
    except ValueError:
        texts = await (names or _NAMES_OF_CLIENTS).look_up(target.host, target.port)
        addresses = list(dict.fromkeys(map(ip_address, texts)))
    for address in addresses:
        judge(target, address, allow)
    return addresses


@functools.cache
def _tls() -> ssl.SSLContext:
    # Shared, because reading the certificates takes milliseconds.
    return httpx2.create_ssl_context()


def _words(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    return text[:200] if text else type(error).__name__
