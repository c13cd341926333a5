"""Reads schedules: our row for each, and the rows of django-celery-beat that hold its rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Prefetch, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from deployments.models import Deployment, ExclusionCalendar, Schedule
from deployments.occurrences import PlannedRun, Rule, RuleInvalid, in_words, next_runs
from deployments.schedules.fields import OWN_FIELDS, read_fields
from deployments.schedules.rules import rule_of
from designs.rows.locking import lock_row

TASK = "deployments.wake_schedules"
PREVIEWED = 10


def database_time(deployment: Deployment) -> datetime:
    """The clock that all times of schedules are compared with: a web server's may be wrong."""
    rows = Deployment.objects.annotate(database_time=Now())
    now: datetime = rows.values_list("database_time", flat=True).get(pk=deployment.pk)
    return now


def locked(schedule: Schedule) -> Schedule:
    """The current row, locked until the transaction ends. Raises RowGone."""
    rows = Schedule.objects.with_rule().select_related("deployment")
    return with_current_calendars([lock_row(rows, schedule.pk)])[0]


def with_current_calendars(schedules: Sequence[Any]) -> Sequence[Any]:
    """Of schedules that were locked: a statement that waits for a lock joins older calendars."""
    users = [schedule for schedule in schedules if schedule.calendar_id is not None]
    if users:
        rows = ExclusionCalendar.objects.defer("entries")
        current = rows.in_bulk({schedule.calendar_id for schedule in users})
        for schedule in users:
            schedule.calendar = current.get(schedule.calendar_id)
    return schedules


# For one deployment: all schedules with their rules in a fixed number of queries.
PREFETCH = (
    "schedules__beat_task__crontab", "schedules__beat_task__interval", "schedules__calendar",
)  # fmt: skip
_FIRST = Schedule.objects.order_by("created_at")


def without_inputs() -> Prefetch[Any]:
    """A prefetch for lists of deployments without inputs, which may be large."""
    return Prefetch("schedules", Schedule.objects.with_rule().defer("input_data"))


def first_schedules() -> Prefetch[Any]:
    """A prefetch for lists of deployments that show the whole first schedule of each."""
    first = _FIRST.filter(deployment=OuterRef("deployment")).values("pk")[:1]
    return Prefetch("schedules", Schedule.objects.with_rule().filter(pk=Subquery(first)))


def first_input() -> Subquery:
    """The input of a deployment's first schedule, as an expression."""
    return Subquery(_FIRST.filter(deployment=OuterRef("pk")).values("input_data")[:1])


def schedule_of(deployment: Deployment) -> dict[str, Any] | None:
    """The first schedule as the API shows it, with `next_run_at` and `words`; None without one.

    Uses prefetched rows when the deployment has them.
    """
    first = next(iter(deployment.schedules.all()), None)
    return None if first is None else describe(first)


def describe(schedule: Schedule) -> dict[str, Any]:
    """A schedule as pages and API show it; without its input if that is deferred."""
    task = schedule.beat_task
    deferred = schedule.get_deferred_fields()
    fields: dict[str, Any] = {
        "id": str(schedule.pk),
        "deployment_id": str(schedule.deployment_id),
        "enabled": task.enabled,
        "cron_expression": None,
        "interval_seconds": None,
        "timezone": "UTC",
        "start_at": task.start_time,
        "end_at": task.expires,
        "one_off": task.one_off,
        **{name: getattr(schedule, name) for name in OWN_FIELDS if name not in deferred},
        "calendar_id": None if schedule.calendar_id is None else str(schedule.calendar_id),
        "next_run_at": schedule.next_run_at if task.enabled else None,
        "is_all_left_out": task.enabled and schedule.is_all_left_out,
        "words": "",
        "error": schedule.error,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }
    try:
        rule = rule_of(schedule)
    except RuleInvalid as error:
        return {**fields, "error": str(error)}
    return {
        **fields,
        "cron_expression": rule.cron,
        "interval_seconds": rule.every_seconds,
        "timezone": rule.timezone,
        "words": in_words(rule),
    }


def words_of(schedule: Schedule) -> str:
    """The rule in words, or what is wrong with it."""
    try:
        return in_words(rule_of(schedule))
    except RuleInvalid as error:
        return str(error)


def preview_fields(
    fields: dict[str, Any], *, most: int = PREVIEWED
) -> tuple[str, list[PlannedRun]]:
    """The words and the next runs of a schedule that is not stored yet. Raises ScheduleInvalid."""
    read = read_fields(fields)
    runs = next_runs(read.rule, timezone.now(), most=most, excluded=read.exclusions)
    return in_words(read.rule), runs


def preview_schedule(schedule: Schedule, *, most: int = PREVIEWED) -> list[PlannedRun]:
    """The next runs of a stored schedule; none if it is off, at its end or has an error."""
    rule = readable_rule(schedule)
    if rule is None or schedule.next_due_at is None or not schedule.beat_task.enabled:
        return []
    after = schedule.next_due_at - timedelta(microseconds=1)
    return next_runs(rule, after, most=most, excluded=schedule.exclusions)


def readable_rule(schedule: Schedule) -> Rule | None:
    """The rule of beat's row; None if it cannot be read."""
    try:
        return rule_of(schedule)
    except RuleInvalid:
        return None
