"""Starts the runs of occurrences, many at once, in the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from deployments.calls.lookup import Deployed, deployed
from deployments.calls.orders import beside, order_for
from deployments.errors import InputInvalid
from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.pausing import pause_unusable
from designs.access import Caller
from executor.acceptance.runs import Accepted, Order, accept, write
from executor.errors import ExecutionEnded, NestedMissing, NestingTooDeep
from executor.following.sending import notify_workers
from executor.models import LIVE, Execution, Status, Trigger
from executor.services import cancel_execution

Start = tuple[Schedule, Occurrence]


def load_deployed(schedules: Iterable[Schedule]) -> dict[uuid.UUID, Deployed]:
    """The deployments of these schedules by id, ready to be called.

    One whose version can no longer be run becomes `error`, with the reason.
    """
    pks = {schedule.deployment_id for schedule in schedules}
    # `deployed` loads the document of a version only if this process has not cached it.
    rows = Deployment.objects.filter(pk__in=pks).select_related("version")
    rows = rows.defer("version__document")
    by_id = {row.pk: deployed(row) for row in rows.prefetch_related("groups")}
    for pk, ready in by_id.items():
        if ready.graph is None and ready.status == Deployment.Status.ACTIVE:
            pause_unusable(pk)
            by_id[pk] = replace(ready, status=Deployment.Status.ERROR)
    return by_id


def start_runs(
    starts: Iterable[Start],
    ready: dict[uuid.UUID, Deployed],
    *,
    now: datetime,
    new: Sequence[Occurrence] = (),
) -> None:
    """Write an execution for each occurrence that runs and link it; wake workers after commit.

    `now` is the database's time. Input that no longer fits, or a design inside that is not there,
    makes a failed execution. Occurrences in
    `new` are inserted by the same statement.
    """
    accepted = []
    for schedule, occurrence in starts:
        if occurrence.outcome != Occurrence.Outcome.RAN:
            continue
        if occurrence.policy == Occurrence.Policy.OVERLAP_CANCEL:
            # In the order in which writers lock rows, or they could deadlock.
            live = Execution.objects.filter(occurrences__schedule=schedule, status__in=LIVE)
            for execution in live.order_by("pk"):
                with suppress(ExecutionEnded):
                    cancel_execution(execution=execution, caller=_caller_of(schedule))
        run = _accepted(schedule, occurrence, ready[schedule.deployment_id], now)
        occurrence.execution = run.execution
        accepted.append(run)
    write(accepted, also=new)
    if any(run.execution.status == Status.QUEUED for run in accepted):
        transaction.on_commit(notify_workers, robust=True)


def _caller_of(schedule: Schedule) -> Caller:
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
    caller, input_data = _caller_of(schedule), schedule.input_data
    if occurrence.input_data is not None:
        # The input of the schedule when the occurrence began to wait.
        input_data = dict(occurrence.input_data)
    try:
        order = order_for(
            ready,
            input_data=input_data,
            trigger=Trigger.SCHEDULED,
            caller=caller,
            callback_url=ready.callback_url,
        )
    except (InputInvalid, NestedMissing, NestingTooDeep) as error:
        order = Order(
            version=ready.version,
            input_data=input_data,
            trigger=Trigger.SCHEDULED,
            caller=caller,
            deployment_id=ready.id,
            extra_rows=beside(ready.callback_url),
        )
        errors: dict[str, list[str]] = getattr(error, "errors", {})
        sentences = "; ".join(f"{path}: {text[0]}" for path, text in errors.items())
        kind = "input" if errors else "nested"
        message = f"{error} {sentences}".rstrip()
        refused = {"class": kind, "message": message, "block_id": None, "step": None}
        return accept(order, now=now, refused=refused)
    if schedule.pause_after_failures is not None:
        order = replace(order, settles=True)
    return accept(order, now=now)
