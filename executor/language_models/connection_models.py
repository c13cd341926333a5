"""Models behind model connections; the connections are cached and re-read while designs run."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from django.db import Error as DatabaseError

from designs.runtime.threads import in_thread_once
from designs.secrets.encryption import prepare_keys
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.prices import Price
from executor.language_models.call_slots import running_slots
from executor.language_models.connection_clients import (
    ConnectionClient,
    ConnectionSnapshot,
    snapshot_of,
    unavailable,
)
from executor.models import PROVIDER_WORDS, ModelConnection

logger = logging.getLogger(__name__)

# The TTL of the cache: within this time every process sees a changed or disabled connection.
FRESH_SECONDS = 2.0
# An unknown name may be that of a new connection.
UNKNOWN_SECONDS = 0.2
# Designs may name any model behind a connection; the least recently used are dropped.
MAX_CLIENTS = 256

# The model after the colon; some servers use it as part of a URL.
MODEL_PATTERN = re.compile(r"(?!.*\.\.)[\w.:/@+-]+", re.ASCII)
PROVIDERS = ", ".join(f"{word}:…" for word in sorted(PROVIDER_WORDS))


class ConnectionCache:
    """This process's cache of all connections, and its clients of the models behind them."""

    def __init__(self) -> None:
        self._snapshots: dict[str, ConnectionSnapshot] | None = None
        # When the last read began; reads that began before `_expired_at` are stale.
        self._read_at = self._expired_at = float("-inf")
        self._clients: OrderedDict[tuple[str, str], ConnectionClient] = OrderedDict()
        self._retired: list[ConnectionClient] = []
        self._lock = threading.Lock()

    @property
    def expired_at(self) -> float:
        """When this process last learned of a change, by the monotonic clock."""
        return self._expired_at

    def expire(self) -> None:
        """Read the records again before the next call."""
        self._expired_at = time.monotonic()

    def load(self, name: str, model: str) -> ConnectionClient:
        """The client by the records as they are now. Blocks. Raises ModelError(UNAVAILABLE)."""
        self._read()
        return self._find(name, model)

    async def client(self, name: str, model: str) -> ConnectionClient:
        """The client by fresh records. Raises ModelError(UNAVAILABLE), or TRANSIENT without a
        database.
        """
        seconds = FRESH_SECONDS if name in (self._snapshots or ()) else UNKNOWN_SECONDS
        oldest = max(time.monotonic() - seconds, self._expired_at)
        while self._read_at < oldest:
            await self._read_again()
        if self._retired:
            with self._lock:
                idle = [client for client in self._retired if not client.calls]
                self._retired = [client for client in self._retired if client.calls]
            for client in idle:
                await client.close()
        return self._find(name, model)

    async def _read_again(self) -> None:
        try:
            # Closing a broken connection afterwards may fail as well.
            await in_thread_once(self._read)
        except DatabaseError as error:
            if self._snapshots is None:
                sentence = "The model connections cannot be read at the moment."
                raise ModelError(ErrorKind.TRANSIENT, sentence) from error
            # The stale records are the best there are.
            logger.warning("The model connections could not be read again: %s", error)
            self._read_at = time.monotonic()

    def _read(self) -> None:
        began = time.monotonic()
        prepare_keys()
        self._snapshots = {row.name: snapshot_of(row) for row in ModelConnection.objects.all()}
        self._read_at = began

    def _find(self, name: str, model: str) -> ConnectionClient:
        snapshot = (self._snapshots or {}).get(name)
        if snapshot is None:
            raise unavailable(
                f"There is no model connection '{name}': add one on the page Model "
                f"connections, or write the model as provider:model, with {PROVIDERS}."
            )
        if not snapshot.is_enabled:
            raise unavailable(
                f"The model connection '{name}' is disabled: enable it, or name another model."
            )
        model = model or snapshot.default_model
        if not model:
            raise unavailable(
                f"The model connection '{name}' has no default model: set one, or "
                f"write {name}:model."
            )
        with self._lock:
            client = self._clients.get((name, model))
            if client is None or client.snapshot != snapshot:
                if client is not None:
                    self._retired.append(client)
                client = self._clients[name, model] = ConnectionClient(snapshot, model)
            self._clients.move_to_end((name, model))
            while len(self._clients) > MAX_CLIENTS:
                self._retired.append(self._clients.popitem(last=False)[1])
        return client


class ConnectionModel:
    """A model named by its connection, whose settings each call looks up again."""

    def __init__(self, connections: ConnectionCache, name: str) -> None:
        self.name = name
        self._connections = connections
        self._connection, colon, self._model = name.partition(":")
        if colon and not MODEL_PATTERN.fullmatch(self._model):
            raise unavailable(
                f"'{name}' does not name a model: after the colon stand letters, digits and "
                ". _ : / @ + -"
            )

    def check(self) -> None:
        """Blocks. Raises ModelError(UNAVAILABLE)."""
        self._connections.load(self._connection, self._model)

    def price(self) -> Price | None:
        """The price of a million tokens, None if unknown. Blocks. Raises as `check`."""
        return self._connections.load(self._connection, self._model).price()

    def provider(self) -> str:
        """Blocks. Raises as `check`."""
        return self._connections.load(self._connection, self._model).snapshot.provider

    async def has_price(self) -> bool:
        return await (await self._client()).has_price()

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """Ask once, when the connection has a free slot. Raises ModelError.

        Waits for a slot up to `timeout_seconds`, and the call then still has all of that time.
        """
        client = await self._client()
        limit = client.snapshot.max_concurrent_calls
        if limit is None:
            return await client.complete(request, on_delta)
        client.breaker.check()
        slot = running_slots().take(
            client.snapshot.id, limit, wait_seconds=request.timeout_seconds, name=self.name
        )
        async with slot:
            # While this call waited, the connection may have been changed.
            client = await self._client()
            return await client.complete(request, on_delta)

    async def begin_probe(self) -> ConnectionClient:
        """Re-read the connection, close its breaker, and forget which features the server lacks."""
        self._connections.expire()
        client = await self._client()
        client.breaker.end_pause()
        client.lacks.clear()
        return client

    async def _client(self) -> ConnectionClient:
        return await self._connections.client(self._connection, self._model)
