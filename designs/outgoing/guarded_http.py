"""The one client for calls that leave the server by a user's wish: where to, how long, how much."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any

import httpcore2
import httpx2

from designs.outgoing.addresses import Address, AddressRefused, Target, check_url, judge
from designs.outgoing.name_lookups import NameLookups, NameUnknown, TooManyNames

CONNECT_SECONDS = 5.0
# Apart, so that names of callbacks do not keep the models' names waiting.
_NAMES_OF_CALLS = NameLookups()
_NAMES_OF_CLIENTS = NameLookups()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `body` is cut at the limit, undecoded. `headers` by lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CallFailed(Exception):
    """No answer: the name is unknown, nobody listens, TLS fails, or the time was over."""

    is_slow = False


class CallTooSlow(CallFailed):
    """There was no whole answer in time."""

    is_slow = True


class CallNotTried(CallFailed):
    """Nothing was sent, for a reason of ours that passes; the sentence says which."""


async def send(
    url: str,
    *,
    method: str = "POST",
    content: bytes = b"",
    headers: Mapping[str, str] | None = None,
    seconds: float,
    most_bytes: int = 65_536,
    allow: Sequence[str] = (),
) -> Reply:
    """One call under a total deadline; redirects are answers, not followed.

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
            body = await _read(reply, most_bytes)
        return Reply(reply.status_code, dict(reply.headers), body)
    except TooManyNames as error:
        raise CallNotTried("Too many names are being looked up at the moment.") from error
    except TimeoutError as error:
        raise CallTooSlow(f"There was no whole answer within {seconds:g} seconds.") from error
    except httpx2.TimeoutException as error:
        raise CallTooSlow(f"The call failed: {_words(error)}.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise CallFailed(f"The call failed: {_words(error)}.") from error


def guarded_client(allow: Sequence[str], *, seconds: float) -> httpx2.AsyncClient:
    """A client for one caller: no proxies of the environment, no redirects, guarded connections.

    Belongs to the running loop. `seconds` is for each wait, not for the whole call.
    """
    return httpx2.AsyncClient(
        transport=GuardedTransport(allow, names=_NAMES_OF_CALLS),
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        trust_env=False,
        follow_redirects=False,
    )


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Connects only to addresses that were judged; for clients of SDKs too."""

    def __init__(
        self,
        allow: Sequence[str],
        *,
        limits: httpx2.Limits | None = None,
        names: NameLookups | None = None,
    ) -> None:
        limits = limits or httpx2.Limits()
        super().__init__(verify=_tls(), trust_env=False, limits=limits)
        # Made anew, because the transport's own pool takes no other way to connect.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_GuardedConnections(tuple(allow), names or _NAMES_OF_CLIENTS),
        )


class _GuardedConnections(httpcore2.AsyncNetworkBackend):
    """Looks a name up once, judges every address it has, and connects to one of those."""

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
        for address in await self._judged(target):
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

    async def _judged(self, target: Target) -> list[Address]:
        try:
            return await judged_addresses(target, self._allow, self._names)
        except NameUnknown as error:
            raise httpcore2.ConnectError(str(error)) from error


async def judged_addresses(
    target: Target, allow: Sequence[str], names: NameLookups | None = None
) -> list[Address]:
    """All addresses of the target, each one allowed; one inner address refuses them all.

    `names` looks names up; None: as for clients of models.

    Raises AddressRefused, NameUnknown, TooManyNames.
    """
    try:
        addresses: list[Address] = [ip_address(target.host)]
    except ValueError:
        found = await (names or _NAMES_OF_CLIENTS).look_up(target.host, target.port)
        addresses = list(dict.fromkeys(_address(text) for text in found))
    for address in addresses:
        judge(target, address, allow)
    return addresses


def _address(text: str) -> Address:
    name, percent, zone = text.partition("%")
    return IPv6Address(f"{name}%{zone}") if percent else ip_address(name)


async def _read(reply: httpx2.Response, most_bytes: int) -> bytes:
    # Raw: what a small compressed answer unfolds to has no limit.
    body = b""
    async for chunk in reply.aiter_raw():
        body += chunk
        if len(body) >= most_bytes:
            break
    return body[:most_bytes]


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes milliseconds; all clients share what was read.
    return httpx2.create_ssl_context()


def _words(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    return text[:200] if text else type(error).__name__
