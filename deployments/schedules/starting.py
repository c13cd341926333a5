"""Starts the runs of occurrences: writes their executions in the caller's transaction, many at
once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from deployments.calls.lookup import Deployed, deployed
from deployments.calls.orders import beside, order_for
from deployments.errors import InputInvalid
from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.pausing import pause_unusable
from designs.access import Caller
from executor.acceptance.runs import Accepted, Order, accept, write
from executor.errors import ExecutionEnded
from executor.following.sending import notify_workers
from executor.models import LIVE, Execution, Status, Trigger
from executor.services import cancel_execution

# Chosen by a policy, said by an occurrence.
CANCELS = Occurrence.Policy.OVERLAP_CANCEL
Start = tuple[Schedule, Occurrence]


def load_deployed(schedules: Iterable[Schedule]) -> dict[uuid.UUID, Deployed]:
    """The deployments of the schedules, ready to be called; each once.

    One whose version cannot be run any more becomes `error`, with the reason.
    """
    pks = {schedule.deployment_id for schedule in schedules}
    # Documents are read for those versions only that this process does not know yet.
    rows = Deployment.objects.filter(pk__in=pks).select_related("version")
    rows = rows.defer("version__document")
    found = {row.pk: deployed(row) for row in rows.prefetch_related("groups")}
    for pk, ready in found.items():
        if ready.graph is None and ready.status == Deployment.Status.ACTIVE:
            pause_unusable(pk)
            found[pk] = replace(ready, status=Deployment.Status.ERROR)
    return found


def start_runs(
    starts: Sequence[Start],
    ready: dict[uuid.UUID, Deployed],
    *,
    now: datetime,
    new: Sequence[Occurrence] = (),
) -> None:
    """Write an execution for each occurrence and name it there; workers are woken after commit.

    `now` is the database's time. Input that does not fit any more is a failed execution. Of the
    occurrences those that are `new` are written too, and by the same statement.
    """
    accepted = []
    for schedule, occurrence in starts:
        if occurrence.policy == CANCELS:
            cancel_runs(schedule)
        one = _accepted(schedule, occurrence, ready[schedule.deployment_id], now)
        occurrence.execution = one.execution
        accepted.append(one)
    write(accepted, also=new)
    if any(one.execution.status == Status.QUEUED for one in accepted):
        transaction.on_commit(notify_workers, robust=True)


def cancel_runs(schedule: Schedule) -> None:
    """Cancel what runs of this schedule now."""
    live = Execution.objects.filter(occurrences__schedule=schedule, status__in=LIVE)
    # In the order in which writers lock rows, or they could wait for each other.
    for execution in live.order_by("pk"):
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


def _accepted(
    schedule: Schedule, occurrence: Occurrence, ready: Deployed, now: datetime
) -> Accepted:
    caller = caller_of_schedule(schedule)
    input_data = input_of(schedule, occurrence)
    try:
        order = order_for(
            ready,
            input_data=input_data,
            trigger=Trigger.SCHEDULED,
            caller=caller,
            callback_url=ready.callback_url,
        )
    except InputInvalid as error:
        order = Order(
            version=ready.version,
            input_data=input_data,
            trigger=Trigger.SCHEDULED,
            caller=caller,
            deployment_id=ready.id,
            beside=beside(ready.callback_url),
        )
        return accept(order, now=now, refused=_refusal(error))
    if schedule.pause_after_failures is not None:
        order = replace(order, settles=True)
    return accept(order, now=now)


def input_of(schedule: Schedule, occurrence: Occurrence) -> dict[str, Any]:
    """What the occurrence's run gets: the schedule's input when the planned time was recorded."""
    if occurrence.input_data is not None:
        return dict(occurrence.input_data)
    return schedule.input_data


def _refusal(error: InputInvalid) -> dict[str, Any]:
    sentences = "; ".join(f"{path}: {text[0]}" for path, text in error.errors.items())
    return {"class": "input", "message": f"{error} {sentences}", "block_id": None, "step": None}
