"""The pump: turns planned times that have come into occurrences and executions, each exactly
once.
"""

from __future__ import annotations

import logging
import time
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from deployments.errors import InputInvalid
from deployments.lookup import deployed
from deployments.models import Occurrence, Schedule
from deployments.occurrences import due_times, next_due
from deployments.schedules import store
from deployments.services import accept_order, order_for
from designs.access import Caller
from executor.models import Execution, Trigger
from executor.services import reject_execution
from executor.states import LIVE

logger = logging.getLogger(__name__)

# Occurrences written in one transaction; a longer gap is caught up in several rounds.
MOST_AT_ONCE = 500
# Later than this counts as missed, not as slow.
ON_TIME = timedelta(seconds=60)
COMPARE_EVERY_SECONDS = 2.0

Outcome = Occurrence.Outcome

_compared = 0.0


def wake_schedules() -> int:
    """Do what is due now; returns the number of occurrences written.

    Any number of processes may call this at any time: the row lock and the unique pair of schedule
    and
    planned time keep each occurrence single.
    """
    _compare_rules()
    due = Schedule.objects.filter(next_due_at__lte=Now(), deployment__removed_at=None)
    written = 0
    for pk in list(due.order_by("next_due_at").values_list("pk", flat=True)):
        try:
            written += _wake(pk)
        except Exception:
            logger.exception("Schedule %s could not be served; the others go on.", pk)
    return written


def _compare_rules() -> None:
    """Notice edits made at any door: every rule is compared with what its next time was worked out
    from.
    """
    global _compared  # noqa: PLW0603 - one clock a process
    if time.monotonic() - _compared < COMPARE_EVERY_SECONDS:
        return
    _compared = time.monotonic()
    rows = Schedule.objects.select_related("beat_task__crontab", "beat_task__interval")
    for schedule in rows.annotate(database_time=Now()):
        try:
            if store.refresh(schedule, now=schedule.database_time):
                schedule.save(
                    update_fields=[
                        "anchor_at", "computed_from", "error", "next_due_at", "updated_at",
                    ]
                )  # fmt: skip
        except Exception:
            logger.exception("The rule of schedule %s could not be read.", schedule.pk)


def _wake(pk: uuid.UUID) -> int:
    with transaction.atomic():
        schedule = (
            Schedule.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("beat_task__crontab", "beat_task__interval", "deployment__version")
            .annotate(database_time=Now())
            .filter(pk=pk, next_due_at__lte=Now())
            .first()
        )
        if schedule is None:
            return 0
        now = schedule.database_time
        times: list[datetime] = []
        # An edit that nobody noticed yet must not fire by the old rule.
        if not store.refresh(schedule, now=now):
            times = _write_due(schedule, now)
        schedule.save(
            update_fields=["anchor_at", "computed_from", "error", "next_due_at", "updated_at"]
        )
        return len(times)


def _write_due(schedule: Schedule, now: datetime) -> list[datetime]:
    rule = store.rule_of(schedule)
    times = due_times(rule, schedule.next_due_at or now, now, most=MOST_AT_ONCE)
    for due, outcome in _decide(schedule, times, now):
        occurrence, made = Occurrence.objects.get_or_create(
            schedule=schedule, due_at=due, defaults={"outcome": outcome}
        )
        if made and outcome == Outcome.RAN:
            _run(schedule, occurrence)
    schedule.next_due_at = next_due(rule, times[-1])
    return times


def _decide(schedule: Schedule, times: list[datetime], now: datetime) -> list[tuple[datetime, str]]:
    """What becomes of each planned time, by the schedule's policies."""
    if not schedule.deployment.is_active:
        return [(due, Outcome.SKIPPED_INACTIVE) for due in times]
    window = timedelta(seconds=schedule.misfire_window_seconds)
    decided: list[tuple[datetime, str]] = []
    for due in times:
        late = now - due
        if late > window or (schedule.misfire == Schedule.Misfire.SKIP and late > ON_TIME):
            decided.append((due, Outcome.SKIPPED_MISFIRE))
        elif schedule.misfire == Schedule.Misfire.RUN_LATEST and due != times[-1]:
            decided.append((due, Outcome.COALESCED))
        else:
            decided.append((due, Outcome.RAN))
    if schedule.overlap == Schedule.Overlap.SKIP:
        return _without_overlap(schedule, decided)
    return decided


def _without_overlap(
    schedule: Schedule, decided: list[tuple[datetime, str]]
) -> list[tuple[datetime, str]]:
    busy = Execution.objects.filter(occurrences__schedule=schedule, status__in=LIVE).exists()
    result: list[tuple[datetime, str]] = []
    for due, outcome in decided:
        if outcome == Outcome.RAN and busy:
            outcome = Outcome.SKIPPED_OVERLAP
        busy = busy or outcome == Outcome.RAN
        result.append((due, outcome))
    return result


def _run(schedule: Schedule, occurrence: Occurrence) -> None:
    """Start the execution in the occurrence's transaction; input that no longer fits is a failed
    one.
    """
    caller = Caller(
        user_id=None,
        name=f"schedule {schedule.beat_task.name}"[:200],
        permissions=frozenset(),
        group_ids=frozenset(),
    )
    ready = deployed(schedule.deployment)
    try:
        order = order_for(
            ready, input_data=schedule.input_data, trigger=Trigger.SCHEDULED, caller=caller
        )
        execution = accept_order(ready, order)
    except InputInvalid as error:
        sentences = "; ".join(f"{path}: {text[0]}" for path, text in error.errors.items())
        execution = reject_execution(
            deployment_id=schedule.deployment_id,
            version=schedule.deployment.version,
            input_data=schedule.input_data,
            trigger=Trigger.SCHEDULED,
            caller=caller,
            error={
                "class": "input",
                "message": f"{error} {sentences}",
                "block_id": None,
                "step": None,
            },
        )
    occurrence.execution = execution
    occurrence.save(update_fields=["execution"])
