"""Runs a deployment for a caller that may wait: in this process if there is room, or elsewhere."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError

from deployments.calls.lookup import Deployed
from deployments.calls.orders import order_of_call
from deployments.errors import IdempotencyConflict, NotAccepted
from deployments.models import IdempotencyKey
from designs.access import Caller
from designs.rows.ids import new_id
from designs.runtime.computing import compute_large
from designs.runtime.threads import in_thread
from executor.acceptance.runs import Accepted, Order, accept
from executor.errors import LineWaits
from executor.following.answers import Answer, answer_of, wait_for_answer
from executor.models import Execution, Trigger
from executor.running.carrier import Carrier
from executor.running.instant import run_at_once
from executor.running.starting import carrier_with_room, queue, start_here

T = TypeVar("T")

# How often a call is retried whose idempotency key meets another call's row.
KEY_TRIES = 3


@dataclass(frozen=True)
class Call:
    """The result of a call. `answer` is None while the execution is live; `replayed` is true if
    the call's idempotency key had started it before.
    """

    execution_id: uuid.UUID
    answer: Answer | None
    replayed: bool = False


@dataclass(frozen=True)
class Plan:
    """What to run, under which id, and how long the caller waits for it."""

    deployment: Deployed
    order: Order
    execution_id: uuid.UUID
    key: IdempotencyKey | None = None
    wait_seconds: float = 0.0
    streams: bool = False
    input_bytes: int = 0

    @property
    def is_waited_for(self) -> bool:
        return self.wait_seconds > 0 or self.streams

    @property
    def is_counted(self) -> bool:
        """Whether a limit of executions at once has to be kept."""
        return self.deployment.is_counted or self.order.caller.max_concurrent is not None

    async def accepted(self) -> Accepted:
        """The rows of the run; an audit entry needs the database, so that is made in a thread."""
        if self.order.audit is None:
            return await compute_large(
                self.input_bytes, accept, self.order, execution_id=self.execution_id
            )
        return await in_thread(accept, self.order, execution_id=self.execution_id)


async def call_deployment(
    *,
    deployment: Deployed,
    input_data: dict[str, Any],
    trigger: Trigger,
    caller: Caller,
    wait_seconds: float,
    idempotency_key: str = "",
    body: bytes = b"",
    callback_url: str = "",
    streams: bool = False,
    execution_id: uuid.UUID | None = None,
) -> Call:
    """Accept a run and wait up to `wait_seconds` for its end (0: not at all).

    The run continues even if the caller leaves. A second call with the same idempotency key waits
    for the first one's execution. With `streams` the caller follows the run by its `execution_id`.
    Raises RightMissing, DeploymentInactive, InputInvalid, CallbackRefused, IdempotencyConflict,
    TooManyAtOnce, RecorderUnavailable.
    """
    key = None
    if idempotency_key:
        key = IdempotencyKey(
            deployment_id=deployment.id,
            caller=caller.key_identity,
            key=idempotency_key,
            body_digest=hashlib.sha256(body).hexdigest(),
        )
    try:
        order = await compute_large(
            len(body),
            order_of_call,
            deployment,
            input_data=input_data,
            trigger=trigger,
            caller=caller,
            callback_url=callback_url,
        )
        if key is not None:
            order = replace(order, extra_rows=(*order.extra_rows, functools.partial(_keyed, key)))
        pk = execution_id or new_id()
        return await _start_once(Plan(deployment, order, pk, key, wait_seconds, streams, len(body)))
    except NotAccepted:
        # The deployment may have changed since the key started its run.
        first = None if key is None else await in_thread(_started_before, key)
        if first is None:
            raise
        return await _replayed(first, wait_seconds)


async def _start_once(plan: Plan) -> Call:
    first = None
    for tries_left in reversed(range(KEY_TRIES)):
        try:
            return await _start(plan)
        except IntegrityError:
            first = None if plan.key is None else await in_thread(_started_before, plan.key)
            if first is not None:
                break
            # The row in the way was another call's or too old to count; it is gone now.
            if plan.key is None or not tries_left:
                raise
    return await _replayed(first, plan.wait_seconds)


async def _replayed(first: Any, wait_seconds: float) -> Call:
    answer = await wait_for_answer(first, wait_seconds) if wait_seconds > 0 else None
    return Call(first, answer, replayed=True)


def _keyed(key: IdempotencyKey, execution: Execution) -> IdempotencyKey:
    key.execution_id = execution.pk
    return key


async def _start(plan: Plan) -> Call:
    """Accept the run and have it carried: played at once, here, or by a worker."""
    deployment = plan.deployment
    graph = deployment.graph if settings.ENVIRONMENT.inline_limit != 0 else None
    if graph is not None and graph.is_instant and plan.is_waited_for and not plan.is_counted:
        accepted = await plan.accepted()
        outcome = await run_at_once(accepted, graph)
        if outcome is not None:
            return Call(plan.execution_id, answer_of(accepted.execution, outcome.block_outputs))
        # Nothing was written: the run has to go the long way.
    accepted = await plan.accepted()
    carrier = None
    if plan.is_waited_for and not deployment.is_isolated:
        carrier = await carrier_with_room(plan.order.caller.turn_key, deployment.id)
    if carrier is not None:
        try:
            return await _run_here(carrier, accepted, plan)
        except LineWaits:
            # Another process has queued runs of theirs, which come first; nothing was written.
            accepted = await plan.accepted()
    await _to_its_end(queue(accepted, at_once=plan.is_waited_for))
    pk, seconds = plan.execution_id, plan.wait_seconds
    return Call(pk, await wait_for_answer(pk, seconds) if seconds > 0 else None)


async def _run_here(carrier: Carrier, accepted: Accepted, plan: Plan) -> Call:
    """Takes over the slot."""
    began = time.monotonic()
    execution = accepted.execution
    task = await _to_its_end(start_here(carrier, accepted, plan.deployment.graph))
    done, _ = await asyncio.wait({task}, timeout=plan.wait_seconds)
    if not done:
        return Call(execution.pk, None)
    outcome = task.result()
    if outcome is not None and outcome.status == "waiting":
        return Call(execution.pk, None)
    if outcome is not None:
        return Call(execution.pk, answer_of(execution, outcome.block_outputs))
    # Handed over or cancelled meanwhile: wait for the row's end.
    left = max(0.0, plan.wait_seconds - (time.monotonic() - began))
    return Call(execution.pk, await wait_for_answer(execution.pk, left))


_under_way: set[asyncio.Future[Any]] = set()


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end, also when the caller goes away: what is written must be run, too."""
    task = asyncio.ensure_future(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    return await asyncio.shield(task)


def _started_before(key: IdempotencyKey) -> uuid.UUID | None:
    """The execution that this key started; None if it did so too long ago to count."""
    same = IdempotencyKey.objects.filter(
        deployment_id=key.deployment_id, caller=key.caller, key=key.key
    )
    row = same.first()
    if row is None:
        return None
    if row.is_over:
        same.filter(pk=row.pk).delete()
        return None
    if row.body_digest != key.body_digest:
        raise IdempotencyConflict(
            "This Idempotency-Key was used with another body. Use a new key for a new call."
        )
    return row.execution_id
