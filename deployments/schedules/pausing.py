"""Pauses deployments whose scheduled runs keep failing or whose version cannot be run."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from deployments.calls.lookup import invalidate_deployments
from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.store import words_of
from designs.auditing.audit import note_change
from executor.models import Status

FAILED = (Status.FAILED, Status.TIMED_OUT)
# A cancelled run does not count: it says nothing about the next one.
COUNTED = (Status.COMPLETED, *FAILED)
MAX_CAUSE_LENGTH = 200
UNUSABLE = (
    "The deployed version has problems and cannot be run. Publish a repaired version and deploy it."
)


def settle_schedule(execution_id: uuid.UUID) -> bool:
    """After the end of a run: pause its deployment if it failed once too often; True if it did.

    If this message is lost, the pump pauses the deployment before it starts the next run.
    """
    pks = Schedule.objects.filter(
        occurrences__execution=execution_id, pause_after_failures__isnull=False
    ).values_list("pk", flat=True)
    if not pks:
        return False
    with transaction.atomic():
        rows = Schedule.objects.with_rule().annotate(database_time=Now())
        schedule = rows.select_for_update(of=("self",)).filter(pk=pks[0]).first()
        return schedule is not None and pause_if_failing(schedule, now=schedule.database_time)


def pause_failing(schedules: Iterable[Schedule], *, now: datetime) -> set[uuid.UUID]:
    """Pause deployments whose locked schedules failed too often; returns those paused now."""
    return {s.deployment_id for s in schedules if pause_if_failing(s, now=now)}


def pause_if_failing(schedule: Schedule, *, now: datetime) -> bool:
    """Pause the deployment of a locked schedule if its last runs all failed; True if it did."""
    most = schedule.pause_after_failures
    if most is None:
        return False
    runs = Occurrence.objects.filter(schedule=schedule, execution__status__in=COUNTED)
    if schedule.failures_from is not None:
        runs = runs.filter(decided_at__gt=schedule.failures_from)
    ends = list(
        runs.order_by("-due_at").values_list("execution__status", "execution__error")[:most]
    )
    if len(ends) < most or any(status not in FAILED for status, _ in ends):
        return False
    times = "once" if most == 1 else f"{most} times in a row"
    error = ends[0][1] or {}
    cause = (error.get("message") or "no reason was given")[:MAX_CAUSE_LENGTH]
    end = "" if cause.endswith((".", "!", "?")) else "."
    words = words_of(schedule)[:150]
    reason = f"Paused, because its schedule ({words}) failed {times}. The last time: {cause}{end}"
    if not _pause(schedule.deployment_id, reason):
        return False
    schedule.failures_from = now
    schedule.save(update_fields=["failures_from"])
    return True


def pause_unusable(deployment_id: uuid.UUID) -> bool:
    """Pause it: its version no longer runs, for instance since a rule of designs is stricter."""
    return _pause(deployment_id, UNUSABLE)


def _pause(deployment_id: uuid.UUID, reason: str) -> bool:
    """active → error, once; only a person sets it back."""
    active = Deployment.objects.present().filter(pk=deployment_id, status=Deployment.Status.ACTIVE)
    changes = {"status": Deployment.Status.ERROR, "status_reason": reason[:500]}
    with transaction.atomic():
        row = active.first()
        won = row is not None and bool(active.update(**changes, updated_at=Now()))
        if row is not None and won:
            note_change(row, changes)
    if won:
        invalidate_deployments()
    return won
