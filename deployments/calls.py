"""Runs a deployment for a caller that may wait: in this process if there is room, or elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import IntegrityError, models
from django.utils import timezone

from deployments.errors import IdempotencyConflict
from deployments.lookup import Deployed
from deployments.models import IdempotencyKey
from deployments.services import order_for
from designs.access import Caller
from executor import states
from executor.answers import Answer, answer_of_run, wait_for_answer
from executor.carrier import Carrier, process_carrier
from executor.models import Execution, Trigger
from executor.recorder import Accept
from executor.services import Order, new_execution
from executor.states import Status
from executor.tasks import send_execution
from executor.writer import process_writer


@dataclass(frozen=True)
class Call:
    """What became of a call. `answer` is None while the execution goes on.

    `replayed` is true when the call's idempotency key had started this execution before.
    """

    execution_id: uuid.UUID
    answer: Answer | None
    replayed: bool = False


async def call_deployment(
    *,
    ready: Deployed,
    input_data: dict[str, Any],
    trigger: Trigger,
    caller: Caller,
    wait_seconds: float,
    idempotency_key: str = "",
    body: bytes = b"",
) -> Call:
    """Accept a run and wait up to `wait_seconds` for its end (0: not at all).

    The run goes on in any case, also when the caller goes away. With an idempotency key a second
    call waits for the first one's execution instead of starting another. Raises DeploymentInactive,
    InputInvalid, IdempotencyConflict, RecorderUnavailable.
    """
    order = order_for(ready, input_data=input_data, trigger=trigger, caller=caller)
    key = None
    if idempotency_key:
        key = IdempotencyKey(
            deployment_id=ready.id,
            caller=caller.key_identity,
            key=idempotency_key,
            body_digest=hashlib.sha256(body).hexdigest(),
        )
    try:
        return await _start(ready, order, wait_seconds, key)
    except IntegrityError:
        if key is None:
            raise
        first = await sync_to_async(_started_before)(key)
    if first is None:
        return await _start(ready, order, wait_seconds, key)
    answer = await wait_for_answer(first, wait_seconds)
    return Call(first, answer, replayed=True)


async def _start(
    ready: Deployed, order: Order, wait_seconds: float, key: IdempotencyKey | None
) -> Call:
    carrier = _carrier_with_room() if wait_seconds > 0 else None
    if carrier is not None:
        return await _run_here(carrier, order, ready, wait_seconds, key)
    execution = new_execution(order)
    await _write(_rows(execution, key))
    await sync_to_async(send_execution, thread_sensitive=False)(execution.pk)
    answer = await wait_for_answer(execution.pk, wait_seconds) if wait_seconds > 0 else None
    return Call(execution.pk, answer)


def _carrier_with_room() -> Carrier | None:
    limit = settings.ENVIRONMENT.inline_limit
    if limit == 0:
        return None
    carrier = process_carrier(slots=limit)
    return carrier if carrier.take_slot() else None


async def _run_here(
    carrier: Carrier,
    order: Order,
    ready: Deployed,
    wait_seconds: float,
    key: IdempotencyKey | None,
) -> Call:
    began = time.monotonic()
    execution = new_execution(
        order,
        status=Status.RUNNING,
        attempt=1,
        owner=carrier.name,
        lease_until=states.seconds_from_now(carrier.lease_seconds),
        started_at=timezone.now(),
        published_at=None,
    )
    try:
        await _write(_rows(execution, key))
    except BaseException:
        # If the row is there all the same, its lease runs out and a worker takes it.
        carrier.free_slot()
        raise
    task = carrier.start(execution, ready.graph)
    done, _ = await asyncio.wait({task}, timeout=wait_seconds)
    if not done:
        return Call(execution.pk, None)
    outcome = task.result()
    if outcome is not None:
        took = round((time.monotonic() - began) * 1000)
        return Call(execution.pk, answer_of_run(execution.pk, outcome, took))
    # Handed over or cancelled in the middle: the row says how it ends.
    left = max(0.0, wait_seconds - (time.monotonic() - began))
    return Call(execution.pk, await wait_for_answer(execution.pk, left))


def _rows(execution: Execution, key: IdempotencyKey | None) -> Sequence[models.Model]:
    if key is None:
        return [execution]
    key.execution_id = execution.pk
    return [execution, key]


async def _write(rows: Sequence[models.Model]) -> None:
    await asyncio.wrap_future(process_writer().submit(Accept(rows)))


def _started_before(key: IdempotencyKey) -> uuid.UUID | None:
    """The execution that this key started; None if it did so too long ago to count."""
    same = IdempotencyKey.objects.filter(
        deployment_id=key.deployment_id, caller=key.caller, key=key.key
    )
    found = same.first()
    if found is None or found.is_over:
        same.delete()
        return None
    if found.body_digest != key.body_digest:
        raise IdempotencyConflict(
            "This Idempotency-Key was used with another body. Use a new key for a new call."
        )
    return found.execution_id
