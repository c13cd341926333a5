"""HTTP clients of model servers: made lazily, several side by side, each kept to its event loop."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from executor.loops import PerLoop

if TYPE_CHECKING:
    import ssl

    import httpx2
    from pydantic_ai.models import Model as SdkModel

Protocol = Literal["openai", "openai_compatible", "ollama", "anthropic", "google"]

# One client with hundreds of calls in flight spends its time looking through its own connections.
CALLS_A_CLIENT = 16
MOST_CLIENTS = 16
CONNECT_SECONDS = 5.0
# Of an answer, unpacked.
MOST_BYTES = 8_000_000
# The server's own time limit is the call's total deadline; this one only ends what was forgotten.
READ_SECONDS = 600.0
# The protocols that are read here; the others through their SDK.
OPENAI_PROTOCOLS: tuple[Protocol, ...] = ("openai", "openai_compatible", "ollama")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how a model is asked. `base_url` empty: the provider's own address.

    `opened` are the inner addresses that it may lead to besides public ones; None: to any.
    `most_bytes` of an answer are read.
    """

    protocol: Protocol
    model: str
    base_url: str = ""
    api_key: str = ""
    opened: tuple[str, ...] | None = None
    most_bytes: int = MOST_BYTES

    def __repr__(self) -> str:
        return f"Endpoint({self.protocol!r}, {self.model!r}, {self.base_url!r})"


class Client:
    """One HTTP client, with the SDK's model over it for a protocol that is read by an SDK."""

    __slots__ = ("busy", "http", "sdk")

    def __init__(self, http: httpx2.AsyncClient, sdk: SdkModel | None) -> None:
        self.http = http
        self.sdk = sdk
        self.busy = 0


class Clients:
    """The clients of one endpoint. A call takes the least busy one; more are made as calls grow."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._here: PerLoop[list[Client]] = PerLoop(list, _close)

    @contextmanager
    def take(self) -> Iterator[Client]:
        """A client for one call. `load` must have ended before."""
        clients = self._here.get()
        client = min(clients, key=lambda one: one.busy, default=None)
        if client is None or (client.busy >= CALLS_A_CLIENT and len(clients) < MOST_CLIENTS):
            client = _make(self._endpoint)
            clients.append(client)
        client.busy += 1
        try:
            yield client
        finally:
            client.busy -= 1

    async def close(self) -> None:
        """Close the clients of the running loop."""
        await self._here.close()


async def _close(clients: list[Client]) -> None:
    for client in clients:
        await client.http.aclose()


async def load(protocol: Protocol) -> None:
    """Import the protocol's modules: up to seconds of work, so not on the loop; once a process."""
    if protocol not in _loaded:
        await asyncio.to_thread(load_now, protocol)


# What a call imports at its first use; done ahead, so that no call holds the loop for it.
_USED = (
    "httpx2", "designs.guarded_http", "executor.engine.llm.exchanges", "genai_prices.data_snapshot",
    # What the HTTP client imports at its first connection.
    "anyio._backends._asyncio",
)  # fmt: skip
_USED_BY_SDKS = ("pydantic_ai.direct", "executor.engine.llm.sdk_protocols")

_loaded: set[Protocol] = set()
_lock = threading.Lock()
_tls: list[ssl.SSLContext] = []


def load_now(protocol: Protocol) -> None:
    """As `load`; not for the event loop."""
    with _lock:
        if protocol in _loaded:
            return
        for name in _USED if protocol in OPENAI_PROTOCOLS else (*_USED, *_USED_BY_SDKS):
            importlib.import_module(name)
        _make(Endpoint(protocol, "m", "http://localhost/v1", "k"))
        _tls_context()
        _loaded.add(protocol)


def _make(endpoint: Endpoint) -> Client:
    http = _http(endpoint)
    builder = _BUILDERS.get(endpoint.protocol)
    return Client(http, builder(endpoint, http) if builder else None)


def _http(endpoint: Endpoint) -> httpx2.AsyncClient:
    import httpx2

    from executor.engine.llm.bounded_http import BoundedClient

    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=CALLS_A_CLIENT)
    for_sdk = endpoint.protocol not in OPENAI_PROTOCOLS
    if endpoint.opened is not None:
        from designs.guarded_http import GuardedTransport

        guarded = GuardedTransport(endpoint.opened, limits=limits)
        return BoundedClient(
            most_bytes=endpoint.most_bytes,
            transport=guarded,
            timeout=timeout,
            trust_env=False,
            for_sdk=for_sdk,
        )
    here = ("http://127.0.0.1", "http://localhost", "http://[::1]")
    return BoundedClient(
        most_bytes=endpoint.most_bytes,
        verify=_tls_context(),
        timeout=timeout,
        limits=limits,
        # A proxy of the environment has no business between this machine and itself.
        trust_env=not endpoint.base_url.startswith(here),
        for_sdk=for_sdk,
    )


def _tls_context() -> ssl.SSLContext:
    """Reading the certificates takes milliseconds; all clients share what was read."""
    import httpx2

    if not _tls:
        _tls.append(httpx2.create_ssl_context())
    return _tls[0]


def _anthropic(endpoint: Endpoint, http: httpx2.AsyncClient) -> SdkModel:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    url = endpoint.base_url or "https://api.anthropic.com"
    provider = AnthropicProvider(base_url=url, api_key=endpoint.api_key, http_client=http)
    # One place counts tries, and it is not the SDK. Said with each request it would have the SDK
    # copy its client, and ask for the platform's name in a thread, each time.
    provider.client.max_retries = 0
    return AnthropicModel(endpoint.model, provider=provider)


def _google(endpoint: Endpoint, http: httpx2.AsyncClient) -> SdkModel:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    provider = GoogleProvider(
        base_url=endpoint.base_url or None, api_key=endpoint.api_key, http_client=http
    )
    return GoogleModel(endpoint.model, provider=provider)


_BUILDERS: dict[Protocol, Callable[[Endpoint, Any], Any]] = {
    "anthropic": _anthropic,
    "google": _google,
}
