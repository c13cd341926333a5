"""What a model connection's record comes to: one model, with its breaker and its clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import cast

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
# Not every server shows the schema to the model, or holds the model to it.
COMPATIBLE = ModelOptions(says_schema=True)


# What is kept at the connection of what its server does without.
KEPT = {
    Lack.JSON_SCHEMA: "takes_json_schema",
    Lack.SYSTEM_ROLE: "has_system_role",
    Lack.STREAMING: "streams",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a call needs of a connection's record. `sealed` is the key as it is stored, which opens
    for the place `sealed_for`.
    """

    id: int
    name: str
    provider: str
    base_url: str
    is_guarded: bool
    sealed: str
    sealed_for: str
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
    # A test that passed ends the pauses of all breakers.
    passed_at: datetime | None


class Target:
    """One model behind one state of a connection, with its breaker and its clients."""

    def __init__(self, facts: Known, model: str) -> None:
        self.known = facts
        self.calls = 0
        name = f"{facts.name}:{model}"
        endpoint = Endpoint(
            cast(Protocol, facts.provider),
            model,
            facts.base_url,
            _opened_key(facts),
            settings.ENVIRONMENT.egress_allow if facts.is_guarded else None,
        )
        usual = PRICED if facts.provider in HOSTED else COMPATIBLE
        options = replace(usual, price=_price(facts), lacks=_lacks(facts))
        self._model = provider_model(name, endpoint, options)
        self._guarded = guarded(self._model)
        # Another model behind the same address may take more than this one.
        self._speaks_for_all = model == facts.default_model
        self._kept = set(_lacks(facts))
        self._keeping: set[asyncio.Task[None]] = set()

    @property
    def breaker(self) -> Breaker:
        return self._guarded.breaker

    @property
    def lacks(self) -> set[Lack]:
        """What the server is known to do without, by the connection and by its answers so far."""
        return self._model.lacks

    def price(self) -> Price | None:
        """What a million tokens cost, if that is known. Not for the event loop."""
        return self._model.price()

    async def has_price(self) -> bool:
        return await self._model.has_price()

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None
    ) -> ModelAnswer:
        """Ask once, in the connection's time."""
        seconds = min(request.timeout_seconds, self.known.timeout_seconds)
        self.calls += 1
        try:
            asked = replace(request, timeout_seconds=seconds)
            answer = await self._guarded.complete(asked, on_delta)
        finally:
            self.calls -= 1
        self._keep_lacks()
        return answer

    def _keep_lacks(self) -> None:
        """Let the connection say what was learned, so that other processes need not; the call does
        not wait for it.
        """
        found = (self.lacks & KEPT.keys()) - self._kept
        if found and self._speaks_for_all:
            self._kept |= found
            task = asyncio.get_running_loop().create_task(self._write_lacks(found))
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)

    async def _write_lacks(self, found: set[Lack]) -> None:
        try:
            await in_thread(_write_lacks, self.known, found)
        except DatabaseError as error:
            # The next answer tries again.
            self._kept -= found
            logger.warning("What %s does without was not kept: %s", self.known.name, error)

    async def close(self) -> None:
        """Close the clients of the running loop."""
        await self._model.close()


def provider_model(name: str, endpoint: Endpoint, options: ModelOptions) -> ProviderModel:
    """A model whose answers and errors show no secret of the installation, its key least of all."""
    masking.learn(endpoint.api_key)
    endpoint = replace(endpoint, max_bytes=settings.ENVIRONMENT.max_answer_bytes)
    return ProviderModel(name, endpoint, options, mask=masking.masked_output)


def guarded(model: Model) -> GuardedModel:
    """The model behind a breaker of its own, which tells the log of its pauses."""

    def tell(name: str, seconds: float, reason: str) -> None:
        logger.warning("%r is left alone for %g seconds, because %s.", name, seconds, reason)

    return GuardedModel(model, Breaker(model.name, on_open=tell))


def unavailable(sentence: str) -> ModelError:
    return ModelError(ErrorKind.UNAVAILABLE, sentence)


def known(row: ModelConnection) -> Known:
    return Known(
        id=row.pk,
        name=row.name,
        provider=row.provider,
        base_url=row.base_url,
        is_guarded=row.is_guarded,
        sealed=row.api_key.token,
        sealed_for=row.api_key.place,
        default_model=row.default_model,
        is_enabled=row.is_enabled,
        timeout_seconds=row.timeout_seconds,
        max_concurrent_calls=row.max_concurrent_calls,
        takes_json_schema=row.takes_json_schema,
        has_system_role=row.has_system_role,
        streams=row.streams,
        input_price_usd=row.input_price_usd,
        output_price_usd=row.output_price_usd,
        updated_at=row.updated_at,
        passed_at=row.tested_at if row.test_passed else None,
    )


def _price(facts: Known) -> Price | None:
    if facts.input_price_usd is None or facts.output_price_usd is None:
        return None
    return Price(facts.input_price_usd, facts.output_price_usd)


def _lacks(facts: Known) -> frozenset[Lack]:
    takes = {
        Lack.JSON_SCHEMA: facts.takes_json_schema,
        Lack.SYSTEM_ROLE: facts.has_system_role,
        Lack.STREAMING: facts.streams,
    }
    return frozenset(lack for lack, is_taken in takes.items() if not is_taken)


def _write_lacks(facts: Known, found: set[Lack]) -> None:
    """Unless somebody has changed the connection since."""
    rows = ModelConnection.objects.filter(pk=facts.id, updated_at=facts.updated_at)
    rows.update(**{KEPT[lack]: False for lack in found})


def _opened_key(facts: Known) -> str:
    try:
        key = Secret(token=facts.sealed, place=facts.sealed_for).reveal()
    except SecretUnreadable as error:
        raise unavailable(
            f"The model connection '{facts.name}' has no usable key. {error}"
        ) from error
    if not key and facts.provider in HOSTED:
        raise unavailable(f"The model connection '{facts.name}' has no key: type one in the admin.")
    return key
