"""Starts the runs of occurrences: writes their executions in the caller's transaction, many at
once.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from deployments.callbacks import new_delivery
from deployments.errors import InputInvalid
from deployments.lookup import Deployed, deployed
from deployments.models import Delivery, Deployment, Occurrence, Schedule
from deployments.orders import order_for
from deployments.pausing import pause_unusable
from designs.access import Caller
from executor.errors import ExecutionEnded
from executor.inserting import Insert, insert_rows
from executor.models import Execution, Trigger
from executor.sending import send_execution
from executor.services import Order, cancel_execution, new_execution
from executor.states import LIVE, Status

# Chosen by a policy, said by an occurrence.
CANCELS = Occurrence.Policy.OVERLAP_CANCEL
Start = tuple[Schedule, Occurrence]


def load_deployed(schedules: Iterable[Schedule]) -> dict[uuid.UUID, Deployed]:
    """The deployments of the schedules, ready to be called; each once.

    One whose version cannot be run any more becomes `error`, with the reason.
    """
    pks = {schedule.deployment_id for schedule in schedules}
    rows = Deployment.objects.filter(pk__in=pks).select_related("version")
    found = {row.pk: deployed(row) for row in rows.prefetch_related("groups")}
    for pk, ready in found.items():
        if ready.graph is None and ready.status == Deployment.Status.ACTIVE:
            pause_unusable(pk)
            found[pk] = replace(ready, status=Deployment.Status.ERROR)
    return found


def start_runs(starts: Sequence[Start], ready: dict[uuid.UUID, Deployed], *, now: datetime) -> None:
    """Write an execution for each occurrence and name it there; workers are woken after commit.

    `now` is the database's time. Input that does not fit any more is a failed execution. The
    occurrences are not saved.
    """
    executions, deliveries = [], []
    for schedule, occurrence in starts:
        if occurrence.policy == CANCELS:
            cancel_runs(schedule)
        found = ready[schedule.deployment_id]
        execution = _dated(_execution(schedule, found), now)
        occurrence.execution = execution
        executions.append(execution)
        if found.callback_url:
            deliveries.append(new_delivery(execution=execution, url=found.callback_url))
    insert_rows([Insert(Execution, executions), Insert(Delivery, deliveries)])
    queued = [execution.pk for execution in executions if execution.status == Status.QUEUED]
    transaction.on_commit(lambda: _sender().submit(_send, queued), robust=True)


def cancel_runs(schedule: Schedule) -> None:
    """Cancel what runs of this schedule now."""
    for execution in Execution.objects.filter(occurrences__schedule=schedule, status__in=LIVE):
        try:
            cancel_execution(execution=execution, caller=caller_of_schedule(schedule))
        except ExecutionEnded:
            continue


def caller_of_schedule(schedule: Schedule) -> Caller:
    """Who the history says has started these runs."""
    return Caller(
        user_id=None,
        name=f"schedule {schedule.beat_task.name}"[:200],
        permissions=frozenset(),
        group_ids=frozenset(),
        schedule_id=schedule.pk,
    )


def _execution(schedule: Schedule, ready: Deployed) -> Execution:
    caller = caller_of_schedule(schedule)
    try:
        order = order_for(
            ready, input_data=schedule.input_data, trigger=Trigger.SCHEDULED, caller=caller
        )
    except InputInvalid as error:
        return _failed(schedule, ready, caller, error)
    if schedule.pause_after_failures is not None:
        order = replace(order, settles=True)
    return new_execution(order)


def _dated(execution: Execution, now: datetime) -> Execution:
    """With times instead of expressions, which cost more than all the rest of many rows."""
    execution.created_at = now
    if execution.status == Status.FAILED:
        execution.completed_at = now
        return execution
    execution.published_at = now
    seconds = execution.limits.get("seconds")
    execution.deadline_at = None if seconds is None else now + timedelta(seconds=seconds)
    return execution


def _failed(schedule: Schedule, ready: Deployed, caller: Caller, error: InputInvalid) -> Execution:
    sentences = "; ".join(f"{path}: {text[0]}" for path, text in error.errors.items())
    order = Order(
        version=ready.version,
        input_data=schedule.input_data,
        trigger=Trigger.SCHEDULED,
        caller=caller,
        deployment_id=ready.id,
    )
    said = {"class": "input", "message": f"{error} {sentences}", "block_id": None, "step": None}
    return new_execution(order, status=Status.FAILED, published_at=None, error=said)


def _send(pks: Sequence[uuid.UUID]) -> None:
    for pk in pks:
        send_execution(pk)


_senders: dict[int, ThreadPoolExecutor] = {}


def _sender() -> ThreadPoolExecutor:
    """One thread of this process, so that no pump waits for a broker that hangs."""
    pid = os.getpid()
    if pid not in _senders:
        _senders[pid] = ThreadPoolExecutor(1, thread_name_prefix="sender")
    return _senders[pid]
