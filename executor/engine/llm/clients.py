"""HTTP clients for model servers: created lazily, several per endpoint, for one event loop each."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from designs.runtime.loops import PerLoop
from executor.engine.llm.openai_protocol import chat_address

if TYPE_CHECKING:
    import ssl

    import httpx2
    from pydantic_ai.models import Model as SdkModel

    from executor.engine.llm.lean_client import LeanClient

Protocol = Literal["openai", "openai_compatible", "ollama", "anthropic", "google"]

# With hundreds of calls in flight, an SDK's client spends its time searching its connections.
CALLS_A_CLIENT = 16
MAX_CLIENTS = 16
OPENAI_ADDRESS = "https://api.openai.com/v1"
OLLAMA_ADDRESS = "http://localhost:11434/v1"
CONNECT_SECONDS = 5.0
# Of an answer, unpacked.
MAX_BYTES = 8_000_000
# The timeout of a call ends it earlier; this one only ends reads that nothing else would.
READ_SECONDS = 600.0
# The protocols with a client of our own; the others use their SDK.
OPENAI_PROTOCOLS: tuple[Protocol, ...] = ("openai", "openai_compatible", "ollama")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how a model is asked. An empty `base_url` is the provider's own address.

    `opened` are the private addresses that are allowed besides public ones; None allows all.
    `max_bytes` of an answer are read.
    """

    protocol: Protocol
    model: str
    base_url: str = ""
    api_key: str = ""
    opened: tuple[str, ...] | None = None
    max_bytes: int = MAX_BYTES

    def __repr__(self) -> str:
        return f"Endpoint({self.protocol!r}, {self.model!r}, {self.base_url!r})"


class Client:
    """One HTTP client: our lean one, or the SDK's together with its model."""

    __slots__ = ("_http", "busy", "sdk")

    def __init__(self, http: httpx2.AsyncClient | LeanClient, sdk: SdkModel | None) -> None:
        self._http = http
        self.sdk = sdk
        self.busy = 0

    @property
    def lean(self) -> LeanClient:
        return cast("LeanClient", self._http)

    @property
    def is_full(self) -> bool:
        return self.sdk is not None and self.busy >= CALLS_A_CLIENT

    async def close(self) -> None:
        await self._http.aclose()


class Clients:
    """The clients of one endpoint. A call takes the least busy one; more are created as needed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._here: PerLoop[list[Client]] = PerLoop(list, _close)

    @contextmanager
    def take(self) -> Iterator[Client]:
        """A client for one call, after `load`."""
        clients = self._here.get()
        client = min(clients, key=lambda client: client.busy, default=None)
        if client is None or (client.is_full and len(clients) < MAX_CLIENTS):
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
        await client.close()


async def load(protocol: Protocol) -> None:
    """Import the protocol's modules in a thread, once per process; it can take seconds."""
    if protocol not in _loaded:
        await asyncio.to_thread(load_now, protocol)


# Imported by the first call; in advance, so that it does not block the loop.
_USED = (
    "executor.engine.llm.exchanges", "executor.engine.llm.lean_client",
    "designs.outgoing.guarded_connector", "genai_prices.data_snapshot",
)  # fmt: skip
_USED_BY_SDKS = (
    "genai_prices.data_snapshot", "pydantic_ai.direct", "executor.engine.llm.sdk_protocols",
    "designs.outgoing.guarded_http",
    # Their HTTP client imports this at its first connection.
    "anyio._backends._asyncio",
)  # fmt: skip

_loaded: set[Protocol] = set()
_lock = threading.Lock()
_tls: list[ssl.SSLContext] = []


def load_now(protocol: Protocol) -> None:
    """`load` without a thread; it blocks."""
    with _lock:
        if protocol in _loaded:
            return
        is_ours = protocol in OPENAI_PROTOCOLS
        for name in _USED if is_ours else _USED_BY_SDKS:
            importlib.import_module(name)
        if not is_ours:
            _make(Endpoint(protocol, "m", "http://localhost/v1", "k"))
        _tls_context()
        _loaded.add(protocol)


def _make(endpoint: Endpoint) -> Client:
    if endpoint.protocol in OPENAI_PROTOCOLS:
        return Client(_lean_client(endpoint), None)
    http = _http(endpoint)
    if endpoint.protocol == "google":
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        google = GoogleProvider(
            base_url=endpoint.base_url or None, api_key=endpoint.api_key, http_client=http
        )
        return Client(http, GoogleModel(endpoint.model, provider=google))
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    url = endpoint.base_url or "https://api.anthropic.com"
    anthropic = AnthropicProvider(base_url=url, api_key=endpoint.api_key, http_client=http)
    # Retries are ours alone. As an option of each request this would make the SDK copy its client,
    # and ask for the platform's name in a thread, each time.
    anthropic.client.max_retries = 0
    return Client(http, AnthropicModel(endpoint.model, provider=anthropic))


def _lean_client(endpoint: Endpoint) -> LeanClient:
    from executor.engine.llm.lean_client import LeanClient, connections, proxy_for

    tls, connector = _tls_context(), None
    if endpoint.opened is not None:
        from designs.outgoing.guarded_connector import GuardedConnector

        connector = GuardedConnector(endpoint.opened, **connections(tls))
    usual = OPENAI_ADDRESS if endpoint.protocol == "openai" else OLLAMA_ADDRESS
    address = chat_address(endpoint.base_url or usual)
    return LeanClient(
        address,
        tls=tls,
        connector=connector,
        proxy=proxy_for(address) if _may_have_proxy(endpoint, address) else None,
        max_bytes=endpoint.max_bytes,
        connect_seconds=CONNECT_SECONDS,
        read_seconds=READ_SECONDS,
    )


def _http(endpoint: Endpoint) -> httpx2.AsyncClient:
    import httpx2

    from executor.engine.llm.bounded_http import BoundedClient

    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=CALLS_A_CLIENT)
    if endpoint.opened is not None:
        from designs.outgoing.guarded_http import GuardedTransport

        guarded = GuardedTransport(endpoint.opened, limits=limits)
        return BoundedClient(
            max_bytes=endpoint.max_bytes, transport=guarded, timeout=timeout, trust_env=False
        )
    return BoundedClient(
        max_bytes=endpoint.max_bytes,
        verify=_tls_context(),
        timeout=timeout,
        limits=limits,
        trust_env=_may_have_proxy(endpoint, endpoint.base_url),
    )


def _may_have_proxy(endpoint: Endpoint, address: str) -> bool:
    """Guarded clients connect directly, and so do all clients to this machine."""
    here = ("http://127.0.0.1", "http://localhost", "http://[::1]")
    return endpoint.opened is None and not address.startswith(here)


def _tls_context() -> ssl.SSLContext:
    """One for all clients, as reading the certificates takes milliseconds."""
    import httpx2

    if not _tls:
        _tls.append(httpx2.create_ssl_context())
    return _tls[0]
