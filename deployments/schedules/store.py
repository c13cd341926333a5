"""Keeps schedules in django-celery-beat's tables, with a companion row for what those cannot
hold.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import OuterRef, Prefetch, Subquery
from django.db.models.functions import Now
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from deployments.calls.lookup import deployed
from deployments.errors import InputInvalid, InputTooLarge, ScheduleInvalid
from deployments.models import Deployment, Schedule
from deployments.occurrences import PlannedRun, Rule, RuleInvalid, in_words, next_due, next_runs
from deployments.schedules.fields import OWN_FIELDS, Said, read_fields
from deployments.schedules.rules import refresh, rule_of
from designs.rows.ids import new_id
from designs.rows.locking import lock_row
from designs.secrets.masking import masked_value

TASK = "deployments.wake_schedules"
PREVIEWED = 10


def set_schedule(*, deployment: Deployment, fields: dict[str, Any] | None) -> Schedule | None:
    """Make, replace or (None) take away the deployment's first schedule. Raises ScheduleInvalid."""
    schedule = deployment.schedules.with_rule().first()
    if fields is None:
        if schedule is not None:
            remove_schedule(schedule=schedule)
        return None
    if schedule is None:
        return add_schedule(deployment=deployment, fields=fields)
    return change_schedule(schedule=schedule, fields=fields)


def merge_schedule(*, deployment: Deployment, fields: dict[str, Any] | None) -> Schedule | None:
    """The same, but what is not given stays as it was. Raises ScheduleInvalid."""
    schedule = deployment.schedules.with_rule().first()
    if fields is None or schedule is None:
        return set_schedule(deployment=deployment, fields=fields)
    return update_schedule(schedule=schedule, changes=fields)


def add_schedule(*, deployment: Deployment, fields: dict[str, Any]) -> Schedule:
    """One more schedule for the deployment. Raises ScheduleInvalid."""
    said = read_fields(fields)
    with transaction.atomic():
        schedule = Schedule(deployment=deployment)
        _check_runs(schedule, said)
        _check_input(schedule, said)
        return _write(schedule, PeriodicTask(task=TASK), said)


def change_schedule(*, schedule: Schedule, fields: dict[str, Any]) -> Schedule:
    """Replace what the schedule says; omitted fields get their defaults. Raises ScheduleInvalid.

    Only a rule that becomes another one is counted anew, from now.
    """
    said = read_fields(fields)
    with transaction.atomic():
        found = locked(schedule)
        if _times_of(said.rule) != _times_of(readable_rule(found)):
            _check_runs(found, said)
        if said.own["input_data"] != found.input_data:
            _check_input(found, said)
        return _write(found, found.beat_task, said)


def update_schedule(*, schedule: Schedule, changes: dict[str, Any]) -> Schedule:
    """Change what is given, leave the rest. Raises ScheduleInvalid.

    A cron expression takes the place of an interval, and the other way round.
    """
    if set(changes) == {"enabled"}:
        return switch_schedule(schedule=schedule, enabled=changes["enabled"])
    fields = {**describe(schedule), **changes}
    for name, other in (
        ("cron_expression", "interval_seconds"),
        ("interval_seconds", "cron_expression"),
    ):
        if changes.get(name) not in (None, "") and other not in changes:
            fields[other] = None
    return change_schedule(schedule=schedule, fields=fields)


def switch_schedule(*, schedule: Schedule, enabled: bool) -> Schedule:
    """On or off; also for one whose rule cannot be read. Switched on, it goes on from now."""
    with transaction.atomic():
        found = locked(schedule)
        if found.beat_task.enabled != enabled:
            found.beat_task.enabled = enabled
            found.beat_task.save()
        refresh(found, now=database_time(found.deployment))
        found.save()
    return found


def remove_schedule(*, schedule: Schedule) -> None:
    """End the schedule; its occurrences go with it, the executions stay. Raises RowGone."""
    with transaction.atomic():
        lock_row(Schedule.objects.all(), schedule.pk, to_delete=True).beat_task.delete()


def remove_schedules(*, deployment: Deployment) -> None:
    """End all schedules of a deployment; their occurrences go with them, the executions stay."""
    for task in PeriodicTask.objects.filter(orchestra_schedule__deployment=deployment):
        task.delete()


def end_one_off(schedule: Schedule) -> None:
    """Switch it off after its one occurrence, as beat does. Saves beat's row only."""
    schedule.beat_task.enabled = False
    schedule.beat_task.save()
    refresh(schedule, now=database_time(schedule.deployment))


def database_time(deployment: Deployment) -> datetime:
    """What all times of schedules are compared with: a web server's clock may be wrong."""
    rows = Deployment.objects.annotate(database_time=Now())
    found: datetime = rows.values_list("database_time", flat=True).get(pk=deployment.pk)
    return found


def locked(schedule: Schedule) -> Schedule:
    """The row as it is now, kept from pumps and other editors until the transaction ends. Raises
    RowGone.
    """
    rows = Schedule.objects.with_rule().select_related("deployment")
    return lock_row(rows, schedule.pk)


def _times_of(rule: Rule | None) -> Any:
    """What decides when it runs. One that has come to its end may still be changed otherwise."""
    return rule and (rule.cron, rule.every_seconds, rule.timezone, rule.start, rule.end)


def _check_runs(schedule: Schedule, said: Said) -> None:
    """Raises ScheduleInvalid for a schedule that would never run."""
    now, end = database_time(schedule.deployment), said.rule.end
    if end is None or next_due(said.rule, now) is not None:
        return
    why = "This end has passed" if end <= now else "No planned time lies before this end"
    raise ScheduleInvalid({"end_at": [f"{why}, so nothing would run."]})


def _check_input(schedule: Schedule, said: Said) -> None:
    """Raises ScheduleInvalid for what the deployed version would refuse at each planned time."""
    ready = deployed(schedule.deployment)
    if ready.graph is None:
        return
    try:
        ready.check_input(said.own["input_data"])
    except InputInvalid as error:
        raise ScheduleInvalid(error.errors) from error
    except InputTooLarge as error:
        raise ScheduleInvalid({"input_data": [str(error)]}) from error


def _write(schedule: Schedule, beat_task: PeriodicTask, said: Said) -> Schedule:
    _write_beat_task(beat_task, said, deployment=schedule.deployment)
    schedule.beat_task = beat_task
    for name in OWN_FIELDS:
        setattr(schedule, name, masked_value(said.own[name]))
    refresh(schedule, now=database_time(schedule.deployment))
    schedule.save()
    return schedule


def _write_beat_task(task: PeriodicTask, said: Said, *, deployment: Deployment) -> None:
    rule = said.rule
    task.crontab = task.interval = task.solar = task.clocked = None
    if rule.cron is not None:
        minute, hour, day, month, weekday = rule.cron.split()
        task.crontab = _found_or_made(
            CrontabSchedule,
            minute=minute,
            hour=hour,
            day_of_month=day,
            month_of_year=month,
            day_of_week=weekday,
            timezone=ZoneInfo(rule.timezone),
        )
    else:
        task.interval = _found_or_made(
            IntervalSchedule, every=rule.every_seconds, period=IntervalSchedule.SECONDS
        )
    task.enabled, task.one_off = said.enabled, rule.one_off
    task.start_time, task.expires, task.expire_seconds = rule.start, rule.end, None
    # Names are unique in beat's table, and a deployment may have several schedules.
    task.name = task.name or f"{deployment.endpoint_path[:150]} ({new_id().hex[-12:]})"
    # For the audit: the schedule that says whose task it is has no row yet.
    task.audit_deployment_id = deployment.pk
    task.save()


def _found_or_made(model: Any, **values: Any) -> Any:
    # Beat's tables may hold the same rule several times.
    return model.objects.filter(**values).first() or model.objects.create(**values)


# --- Reading --------------------------------------------------------------------------------------

# For one deployment: all schedules with their rules in a fixed number of queries.
PREFETCH = (
    "schedules__beat_task__crontab",
    "schedules__beat_task__interval",
)
_FIRST = Schedule.objects.order_by("created_at")


def without_inputs() -> Prefetch[Any]:
    """For lists of deployments that show no inputs, which may be large."""
    return Prefetch("schedules", Schedule.objects.with_rule().defer("input_data"))


def first_ones() -> Prefetch[Any]:
    """For lists of deployments that show the first schedule of each, whole."""
    first = _FIRST.filter(deployment=OuterRef("deployment")).values("pk")[:1]
    return Prefetch("schedules", Schedule.objects.with_rule().filter(pk=Subquery(first)))


def first_input() -> Subquery:
    """The input of a deployment's first schedule, as an expression."""
    return Subquery(_FIRST.filter(deployment=OuterRef("pk")).values("input_data")[:1])


def schedule_of(deployment: Deployment) -> dict[str, Any] | None:
    """The first schedule as the API shows it, with `next_run_at` and `words`; None without one.

    Uses prefetched rows when the deployment has them.
    """
    found = next(iter(deployment.schedules.all()), None)
    return None if found is None else describe(found)


def describe(schedule: Schedule) -> dict[str, Any]:
    """A schedule as pages and API show it; without its input where that was not read."""
    task = schedule.beat_task
    unread = schedule.get_deferred_fields()
    shown: dict[str, Any] = {
        "id": str(schedule.pk),
        "deployment_id": str(schedule.deployment_id),
        "enabled": task.enabled,
        "cron_expression": None,
        "interval_seconds": None,
        "timezone": "UTC",
        "start_at": task.start_time,
        "end_at": task.expires,
        "one_off": task.one_off,
        **{name: getattr(schedule, name) for name in OWN_FIELDS if name not in unread},
        "next_run_at": schedule.next_due_at if task.enabled else None,
        "words": "",
        "error": schedule.error,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }
    try:
        rule = rule_of(schedule)
    except RuleInvalid as error:
        return {**shown, "error": str(error)}
    return {
        **shown,
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
    """In words, and the next runs, of a schedule that is not stored yet. Raises ScheduleInvalid."""
    rule = read_fields(fields).rule
    return in_words(rule), next_runs(rule, timezone.now(), most=most)


def preview_schedule(schedule: Schedule, *, most: int = PREVIEWED) -> list[PlannedRun]:
    """The next runs of a stored schedule; none if it is off, at its end or has an error."""
    rule = readable_rule(schedule)
    if rule is None or schedule.next_due_at is None or not schedule.beat_task.enabled:
        return []
    return next_runs(rule, schedule.next_due_at - timedelta(microseconds=1), most=most)


def readable_rule(schedule: Schedule) -> Rule | None:
    """What beat's row says; None if it cannot be read."""
    try:
        return rule_of(schedule)
    except RuleInvalid:
        return None
