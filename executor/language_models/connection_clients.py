"""A client for one model of a model connection, with its breaker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db import Error as DatabaseError

from designs.runtime.threads import in_thread
from designs.secrets import masking
from designs.secrets.encryption import Secret, SecretUnreadable
from executor.engine.breaker import Breaker, GuardedModel
from executor.engine.llm.base import ErrorKind, Model, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.clients import Endpoint, Protocol
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.prices import Price
from executor.engine.llm.providers import ProviderModel
from executor.engine.llm.workarounds import Lack
from executor.models import ModelConnection
from executor.models.connection import HOSTED

logger = logging.getLogger(__name__)

PRICED = ModelOptions(priced=True)
# Not every server shows the schema to the model, or enforces it.
COMPATIBLE = ModelOptions(says_schema=True)

# The fields of a connection that say which features its server lacks.
LACK_FIELDS = {
    Lack.JSON_SCHEMA: "takes_json_schema",
    Lack.SYSTEM_ROLE: "has_system_role",
    Lack.STREAMING: "streams",
}


@dataclass(frozen=True, slots=True)
class ConnectionSnapshot:
    """A connection's record as calls use it; its key is still encrypted, bound to `key_place`."""

    id: int
    name: str
    provider: str
    base_url: str
    is_guarded: bool
    key_token: str
    key_place: str
    default_model: str
    is_enabled: bool
    timeout_seconds: int
    max_concurrent_calls: int | None
    updated_at: datetime
    takes_json_schema: bool
    has_system_role: bool
    streams: bool
    input_price_usd: Decimal | None
    output_price_usd: Decimal | None
    # A test that passed changes the snapshot, and so replaces clients whose breaker is open.
    passed_at: datetime | None


class ConnectionClient:
    """The client of one model, by one snapshot of its connection, with its breaker."""

    def __init__(self, snapshot: ConnectionSnapshot, model: str) -> None:
        self.snapshot = snapshot
        self.calls = 0
        try:
            key = Secret(token=snapshot.key_token, place=snapshot.key_place).reveal()
        except SecretUnreadable as error:
            raise unavailable(
                f"The model connection '{snapshot.name}' has no usable key. {error}"
            ) from error
        if not key and snapshot.provider in HOSTED:
            raise unavailable(
                f"The model connection '{snapshot.name}' has no key: type one on its page."
            )
        endpoint = Endpoint(
            cast(Protocol, snapshot.provider),
            model,
            snapshot.base_url,
            key,
            settings.ENVIRONMENT.egress_allow if snapshot.is_guarded else None,
        )
        per_input, per_output = snapshot.input_price_usd, snapshot.output_price_usd
        price = None
        if per_input is not None and per_output is not None:
            price = Price(per_input, per_output)
        lacks = {lack for lack, field in LACK_FIELDS.items() if not getattr(snapshot, field)}
        options = replace(
            PRICED if snapshot.provider in HOSTED else COMPATIBLE,
            price=price,
            lacks=frozenset(lacks),
        )
        self._model = provider_model(f"{snapshot.name}:{model}", endpoint, options)
        self._guarded = with_breaker(self._model)
        # Another model behind the same address may support more than this one.
        self._is_default = model == snapshot.default_model
        self._saved_lacks = lacks
        self._saving: set[asyncio.Task[None]] = set()

    @property
    def breaker(self) -> Breaker:
        return self._guarded.breaker

    @property
    def lacks(self) -> set[Lack]:
        """The features that the server lacks, by the connection and by its answers so far."""
        return self._model.lacks

    def price(self) -> Price | None:
        """The price of a million tokens, None if unknown. Blocks."""
        return self._model.price()

    async def has_price(self) -> bool:
        return await self._model.has_price()

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None
    ) -> ModelAnswer:
        """Ask once, within the connection's timeout."""
        seconds = min(request.timeout_seconds, self.snapshot.timeout_seconds)
        self.calls += 1
        try:
            limited = replace(request, timeout_seconds=seconds)
            answer = await self._guarded.complete(limited, on_delta)
        finally:
            self.calls -= 1
        new_lacks = (self.lacks & LACK_FIELDS.keys()) - self._saved_lacks
        if new_lacks and self._is_default:
            # Other processes learn of it from the connection; the call does not wait for that.
            self._saved_lacks |= new_lacks
            task = asyncio.get_running_loop().create_task(self._save_lacks(new_lacks))
            self._saving.add(task)
            task.add_done_callback(self._saving.discard)
        return answer

    async def _save_lacks(self, lacks: set[Lack]) -> None:
        # A connection that was edited since keeps what its editor chose.
        snapshot = self.snapshot
        rows = ModelConnection.objects.filter(pk=snapshot.id, updated_at=snapshot.updated_at)
        try:
            await in_thread(partial(rows.update, **{LACK_FIELDS[lack]: False for lack in lacks}))
        except DatabaseError as error:
            # The next answer tries again.
            self._saved_lacks -= lacks
            logger.warning("What %s lacks was not saved: %s", snapshot.name, error)

    async def close(self) -> None:
        await self._model.close()


def provider_model(name: str, endpoint: Endpoint, options: ModelOptions) -> ProviderModel:
    """A model in whose answers and errors all secrets of the installation are masked."""
    masking.learn(endpoint.api_key)
    endpoint = replace(endpoint, max_bytes=settings.ENVIRONMENT.max_answer_bytes)
    return ProviderModel(name, endpoint, options, mask=masking.masked_output)


def with_breaker(model: Model) -> GuardedModel:
    """The model behind a breaker of its own, which logs its pauses."""

    def tell(name: str, seconds: float, reason: str) -> None:
        logger.warning("%r is left alone for %g seconds, because %s.", name, seconds, reason)

    return GuardedModel(model, Breaker(model.name, on_open=tell))


def unavailable(sentence: str) -> ModelError:
    return ModelError(ErrorKind.UNAVAILABLE, sentence)


def snapshot_of(row: ModelConnection) -> ConnectionSnapshot:
    special: dict[str, Any] = {
        "key_token": row.api_key.token,
        "key_place": row.api_key.place,
        "passed_at": row.tested_at if row.test_passed else None,
    }
    names = {field.name for field in fields(ConnectionSnapshot)} - special.keys()
    return ConnectionSnapshot(**{name: getattr(row, name) for name in names}, **special)
