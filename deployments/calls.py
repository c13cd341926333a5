"""Runs a deployment for a caller that may wait: in this process if there is room, or elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, models
from django.utils import timezone

from deployments.callbacks import check_callback, new_delivery
from deployments.errors import CallbackRefused, DeploymentInactive, IdempotencyConflict
from deployments.lookup import Deployed
from deployments.models import IdempotencyKey
from deployments.orders import order_for
from designs.access import Caller
from designs.audit import Action, AuditEntry, new_entry
from designs.ids import new_id
from executor import states
from executor.answers import Answer, answer_of_run, wait_for_answer
from executor.carrier import Carrier, process_carrier
from executor.engine.context import Outcome
from executor.errors import InputInvalid, TooManyAtOnce
from executor.instant import run_at_once
from executor.models import Execution, Trigger
from executor.recorder import Accept
from executor.sending import send_execution
from executor.services import Order, new_execution
from executor.states import Status
from executor.threads import in_thread
from executor.writer import process_writer

T = TypeVar("T")

# How often a call whose key meets another's row is started anew.
KEY_TRIES = 3
# With these nothing was started now.
STARTS_NOTHING = (DeploymentInactive, InputInvalid, CallbackRefused, TooManyAtOnce)


@dataclass(frozen=True)
class Call:
    """What became of a call. `answer` is None while the execution goes on.

    `replayed` is true when the call's idempotency key had started this execution before.
    """

    execution_id: uuid.UUID
    answer: Answer | None
    replayed: bool = False


@dataclass(frozen=True)
class Plan:
    """What a call fixes before its run: the id, what is written beside it, who listens to it."""

    key: IdempotencyKey | None = None
    entry: AuditEntry | None = None
    callback_url: str = ""
    streams: bool = False
    execution_id: uuid.UUID = field(default_factory=new_id)

    def rows(self, execution: Execution) -> list[models.Model]:
        """The execution and what belongs to it, to be written together."""
        rows: list[models.Model] = [execution]
        if self.key is not None:
            self.key.execution_id = execution.pk
            rows.append(self.key)
        if self.entry is not None:
            rows.append(self.entry)
        if self.callback_url:
            rows.append(new_delivery(execution=execution, url=self.callback_url))
        return rows


async def call_deployment(
    *,
    ready: Deployed,
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

    The run goes on in any case, also when the caller goes away. With an idempotency key a second
    call waits for the first one's execution instead of starting another. One that `streams` runs
    here if there is room, and is followed instead of waited for, by the `execution_id` that it is
    to have. Raises DeploymentInactive,
    InputInvalid, CallbackRefused, IdempotencyConflict, TooManyAtOnce, RecorderUnavailable.
    """
    key = _key(ready, caller, idempotency_key, body)
    try:
        order = order_for(ready, input_data=input_data, trigger=trigger, caller=caller)
        if callback_url:
            check_callback(callback_url)
            order = replace(order, settles=True)
        execution_id = execution_id or new_id()
        plan = Plan(
            key=key,
            entry=await _entry(order, execution_id),
            callback_url=callback_url or ready.callback_url,
            streams=streams,
            execution_id=execution_id,
        )
        return await _start_once(ready, order, wait_seconds, plan)
    except STARTS_NOTHING:
        # What the deployment is and takes may have changed since the key started its run.
        first = None if key is None else await in_thread(_started_before, key)
        if first is None:
            raise
        return await _replayed(first, wait_seconds)


async def _start_once(ready: Deployed, order: Order, wait_seconds: float, plan: Plan) -> Call:
    first = None
    for tries_left in reversed(range(KEY_TRIES)):
        try:
            return await _start(ready, order, wait_seconds, plan)
        except IntegrityError:
            first = None if plan.key is None else await in_thread(_started_before, plan.key)
            if first is not None:
                break
            # What stood in the way was too old to count, or another key's; it is gone now.
            if plan.key is None or not tries_left:
                raise
    return await _replayed(first, wait_seconds)


async def _replayed(first: Any, wait_seconds: float) -> Call:
    answer = await wait_for_answer(first, wait_seconds) if wait_seconds > 0 else None
    return Call(first, answer, replayed=True)


def _key(ready: Deployed, caller: Caller, key: str, body: bytes) -> IdempotencyKey | None:
    if not key:
        return None
    return IdempotencyKey(
        deployment_id=ready.id,
        caller=caller.key_identity,
        key=key,
        body_digest=hashlib.sha256(body).hexdigest(),
    )


async def _entry(order: Order, execution_id: uuid.UUID) -> AuditEntry | None:
    """What the audit says of a run that a person starts by hand. Of other calls the execution says
    it all, and they wait for no other row.
    """
    if order.trigger != Trigger.MANUAL or order.caller.key_id is not None:
        return None
    execution = new_execution(order, id=execution_id)
    return await in_thread(new_entry, Action.EXECUTE, execution, caller=order.caller)


async def _start(ready: Deployed, order: Order, wait_seconds: float, plan: Plan) -> Call:
    is_waited_for = wait_seconds > 0 or plan.streams
    if is_waited_for and ready.is_instant and not ready.is_counted:
        call = await _run_at_once(order, ready, plan)
        if call is not None:
            return call
    carrier = _carrier_with_room() if is_waited_for and not ready.is_isolated else None
    if carrier is not None:
        return await _run_here(carrier, order, ready, wait_seconds, plan)
    execution = new_execution(order, id=plan.execution_id)
    await _to_its_end(_queue(execution, plan, at_once=is_waited_for))
    answer = await wait_for_answer(execution.pk, wait_seconds) if wait_seconds > 0 else None
    return Call(execution.pk, answer)


async def _run_at_once(order: Order, ready: Deployed, plan: Plan) -> Call | None:
    """None, with nothing written, if the run has to go the long way."""
    if ready.graph is None or settings.ENVIRONMENT.inline_limit == 0:
        return None
    began = time.monotonic()
    execution = new_execution(order, id=plan.execution_id, published_at=None)
    others = plan.rows(execution)[1:]
    outcome = await run_at_once(execution, ready.graph, others)
    if outcome is None:
        return None
    took = round((time.monotonic() - began) * 1000)
    return Call(execution.pk, answer_of_run(execution.pk, outcome, took))


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
    plan: Plan,
) -> Call:
    began = time.monotonic()
    execution = new_execution(
        order,
        id=plan.execution_id,
        status=Status.RUNNING,
        attempt=1,
        owner=carrier.name,
        lease_until=states.seconds_from_now(carrier.lease_seconds),
        started_at=timezone.now(),
        published_at=None,
    )
    task = await _to_its_end(_begin(carrier, execution, ready, plan))
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


async def _begin(
    carrier: Carrier, execution: Execution, ready: Deployed, plan: Plan
) -> asyncio.Task[Outcome | None]:
    try:
        await _write(execution, plan, at_once=True)
    except BaseException:
        # If the row is there all the same, its lease runs out and a worker takes it.
        carrier.free_slot()
        raise
    return carrier.start(execution, ready.graph)


async def _queue(execution: Execution, plan: Plan, *, at_once: bool) -> None:
    await _write(execution, plan, at_once=at_once)
    await in_thread(send_execution, execution.pk)


async def _write(execution: Execution, plan: Plan, *, at_once: bool) -> None:
    """Accept it. Whoever does not want it run `at_once` waits in line where a limit is reached."""
    write = Accept(plan.rows(execution), execution=execution, at_once=at_once)
    await asyncio.wrap_future(process_writer().submit(write))


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
    found = same.first()
    if found is None:
        return None
    if found.is_over:
        same.filter(pk=found.pk).delete()
        return None
    if found.body_digest != key.body_digest:
        raise IdempotencyConflict(
            "This Idempotency-Key was used with another body. Use a new key for a new call."
        )
    return found.execution_id
