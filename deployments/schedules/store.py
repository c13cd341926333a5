"""Keeps schedules in django-celery-beat's tables, with a companion row for what those cannot
hold.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.db import transaction
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from deployments.errors import ScheduleInvalid
from deployments.models import Deployment, Schedule
from deployments.occurrences import (
    MOST_EVERY_SECONDS,
    Rule,
    RuleInvalid,
    in_words,
    next_due,
    read_cron,
)
from designs.ids import new_id

TASK = "deployments.wake_schedules"
PREVIEWED = 10
MOST_DAYS = MOST_EVERY_SECONDS // 86_400
FIELDS = frozenset(
    {
        "enabled",
        "cron_expression",
        "interval_seconds",
        "timezone",
        "input_data",
        "overlap",
        "misfire",
    }
)
READ_ONLY = frozenset({"next_run_at", "words", "error", "id"})


def set_schedule(*, deployment: Deployment, fields: dict[str, Any] | None) -> Schedule | None:
    """Make, replace or (None) take away the deployment's first schedule. Raises ScheduleInvalid."""
    schedule = deployment.schedules.select_related("beat_task").first()
    if fields is None:
        if schedule is not None:
            remove_schedule(schedule=schedule)
        return None
    if schedule is None:
        return add_schedule(deployment=deployment, fields=fields)
    return change_schedule(schedule=schedule, fields=fields)


def add_schedule(*, deployment: Deployment, fields: dict[str, Any]) -> Schedule:
    """One more schedule for the deployment. Raises ScheduleInvalid."""
    return _write(Schedule(deployment=deployment), PeriodicTask(task=TASK), fields)


def change_schedule(*, schedule: Schedule, fields: dict[str, Any]) -> Schedule:
    """Replace what the schedule says; omitted fields get their defaults. Raises ScheduleInvalid."""
    return _write(schedule, schedule.beat_task, fields)


def remove_schedule(*, schedule: Schedule) -> None:
    """End the schedule; its occurrences go with it, the executions stay."""
    schedule.beat_task.delete()


def _write(schedule: Schedule, beat_task: PeriodicTask, fields: dict[str, Any]) -> Schedule:
    rule, rest = _read(fields)
    with transaction.atomic():
        _write_beat_task(beat_task, rule, enabled=rest["enabled"], deployment=schedule.deployment)
        schedule.beat_task = beat_task
        schedule.input_data = rest["input_data"]
        schedule.overlap = rest["overlap"]
        schedule.misfire = rest["misfire"]
        schedule.computed_from = ""
        refresh(schedule, now=rule.anchor)
        schedule.save()
    return schedule


def remove_schedules(*, deployment: Deployment) -> None:
    """End all schedules of a deployment; their occurrences go with them, the executions stay."""
    for task in PeriodicTask.objects.filter(orchestra_schedule__deployment=deployment):
        task.delete()


def schedule_of(deployment: Deployment) -> dict[str, Any] | None:
    """The first schedule as the API shows it, with `next_run_at` and `words`; None without one.

    Uses prefetched rows when the deployment has them (see `PREFETCH`).
    """
    found = next(iter(deployment.schedules.all()), None)
    return None if found is None else describe(found)


# For lists of deployments: all schedules with their rules in a fixed number of queries.
PREFETCH = (
    "schedules__beat_task__crontab",
    "schedules__beat_task__interval",
)


def describe(schedule: Schedule) -> dict[str, Any]:
    """A schedule as pages and API show it."""
    shown: dict[str, Any] = {
        "id": str(schedule.pk),
        "enabled": schedule.beat_task.enabled,
        "cron_expression": None,
        "interval_seconds": None,
        "timezone": "UTC",
        "input_data": schedule.input_data,
        "overlap": schedule.overlap,
        "misfire": schedule.misfire,
        "next_run_at": schedule.next_due_at if schedule.beat_task.enabled else None,
        "error": schedule.error,
        "words": "",
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


def check_schedule(fields: dict[str, Any]) -> list[datetime]:
    """The next occurrences of a schedule that is not stored yet, in its zone. Raises
    ScheduleInvalid.
    """
    rule, _ = _read(fields)
    return _next_times(rule, rule.anchor)


def preview(schedule: Schedule) -> list[datetime]:
    """The next occurrences of a stored schedule, in its zone; none if it is off or has an error."""
    if schedule.next_due_at is None:
        return []
    try:
        rule = rule_of(schedule)
    except RuleInvalid:
        return []
    return _next_times(rule, schedule.next_due_at - timedelta(seconds=1))


def _next_times(rule: Rule, after: datetime) -> list[datetime]:
    found: list[datetime] = []
    due = next_due(rule, after)
    while due is not None and len(found) < PREVIEWED:
        found.append(due.astimezone(ZoneInfo(rule.timezone)))
        due = next_due(rule, due)
    return found


def words_for(fields: dict[str, Any]) -> str:
    """The rule in words, for a schedule that is not stored yet. Raises ScheduleInvalid."""
    return in_words(_read(fields)[0])


def rule_of(schedule: Schedule) -> Rule:
    """What beat's row says. Raises RuleInvalid for a row that lies outside what all readers
    understand.
    """
    task = schedule.beat_task
    common: dict[str, Any] = {
        "anchor": schedule.anchor_at,
        "start": task.start_time,
        "end": task.expires,
    }
    if task.crontab is not None:
        row = task.crontab
        text = f"{row.minute} {row.hour} {row.day_of_month} {row.month_of_year} {row.day_of_week}"
        return Rule(cron=read_cron(text), every_seconds=None, timezone=str(row.timezone), **common)
    if task.interval is not None:
        every = _seconds_of(task.interval)
        return Rule(cron=None, every_seconds=every, timezone="UTC", **common)
    raise RuleInvalid(
        "cron_expression",
        "The schedule has neither a cron expression nor an interval: other rules are not followed.",
    )


_SECONDS = {
    IntervalSchedule.DAYS: 86_400,
    IntervalSchedule.HOURS: 3_600,
    IntervalSchedule.MINUTES: 60,
    IntervalSchedule.SECONDS: 1,
}


def _seconds_of(interval: IntervalSchedule) -> int:
    size = _SECONDS.get(interval.period)
    if size is None:
        raise RuleInvalid("interval_seconds", "An interval is counted in whole seconds or more.")
    seconds = int(interval.every) * size
    if not 1 <= seconds <= MOST_EVERY_SECONDS:
        raise RuleInvalid(
            "interval_seconds", f"An interval is at least one second and at most {MOST_DAYS} days."
        )
    return seconds


def refresh(schedule: Schedule, *, now: datetime) -> bool:
    """Work out `next_due_at` anew if the rule changed since it was; True if it did. Saves nothing.

    An edit never makes a past occurrence again: counting starts at `now`.
    """
    task = schedule.beat_task
    try:
        rule = rule_of(schedule)
        fingerprint = _fingerprint(task, rule)
        problem = ""
    except RuleInvalid as error:
        fingerprint = problem = str(error)
        rule = None
    if fingerprint[:300] == schedule.computed_from:
        return False
    if rule is not None and rule.cron is None:
        # Whole seconds: the pump is called just after each of them.
        schedule.anchor_at = now.replace(microsecond=0)
        rule = rule_of(schedule)
    schedule.computed_from = fingerprint[:300]
    schedule.error = problem[:500]
    schedule.next_due_at = next_due(rule, now) if rule is not None and task.enabled else None
    return True


def _fingerprint(task: PeriodicTask, rule: Rule) -> str:
    return (
        f"{rule.cron}|{rule.every_seconds}|{rule.timezone}|{task.enabled}|{rule.start}|{rule.end}"
    )


def _read(fields: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
    """(rule, the other fields with their defaults); raises ScheduleInvalid with all that is
    wrong.
    """
    errors: dict[str, list[str]] = {}
    for name in sorted(set(fields) - FIELDS - READ_ONLY):
        errors[name] = ["A schedule has no such field."]
    rest = {
        "enabled": fields.get("enabled", True),
        "input_data": fields.get("input_data") or {},
        "overlap": fields.get("overlap") or Schedule.Overlap.SKIP,
        "misfire": fields.get("misfire") or Schedule.Misfire.RUN_LATEST,
    }
    _check_rest(rest, errors)
    zone = fields.get("timezone") or "UTC"
    if zone not in available_timezones():
        errors["timezone"] = [
            f"{zone!r} is not a time zone: write an IANA name like Europe/Berlin."
        ]
    rule = _read_rule(fields, str(zone), errors)
    if errors or rule is None:
        raise ScheduleInvalid(errors)
    return rule, rest


def _check_rest(rest: dict[str, Any], errors: dict[str, list[str]]) -> None:
    if not isinstance(rest["enabled"], bool):
        errors["enabled"] = ["Write true or false."]
    if not isinstance(rest["input_data"], dict):
        errors["input_data"] = ["The input is a JSON object."]
    for name, choices in (("overlap", Schedule.Overlap), ("misfire", Schedule.Misfire)):
        if rest[name] not in choices.values:
            errors[name] = [f"Choose one of {', '.join(choices.values)}."]


def _read_rule(fields: dict[str, Any], zone: str, errors: dict[str, list[str]]) -> Rule | None:
    cron, every = fields.get("cron_expression"), fields.get("interval_seconds")
    now = timezone.now().astimezone(UTC).replace(microsecond=0)
    if (cron in (None, "")) == (every is None):
        errors["cron_expression"] = ["Give either a cron expression or an interval in seconds."]
    elif cron not in (None, ""):
        try:
            return Rule(cron=read_cron(str(cron)), every_seconds=None, timezone=zone, anchor=now)
        except RuleInvalid as error:
            errors[error.field] = [str(error)]
    elif (
        isinstance(every, bool)
        or not isinstance(every, int)
        or not 1 <= every <= MOST_EVERY_SECONDS
    ):
        errors["interval_seconds"] = [
            f"An interval is a whole number of seconds from 1 to {MOST_EVERY_SECONDS}."
        ]
    else:
        return Rule(cron=None, every_seconds=every, timezone="UTC", anchor=now)
    return None


def _write_beat_task(
    task: PeriodicTask, rule: Rule, *, enabled: bool, deployment: Deployment
) -> None:
    task.crontab = task.interval = task.solar = task.clocked = None
    if rule.cron is not None:
        minute, hour, day, month, weekday = rule.cron.split()
        values = {
            "minute": minute,
            "hour": hour,
            "day_of_month": day,
            "month_of_year": month,
            "day_of_week": weekday,
            "timezone": ZoneInfo(rule.timezone),
        }
        task.crontab = CrontabSchedule.objects.filter(
            **values
        ).first() or CrontabSchedule.objects.create(**values)
    else:
        values = {"every": rule.every_seconds, "period": IntervalSchedule.SECONDS}
        task.interval = IntervalSchedule.objects.filter(
            **values
        ).first() or IntervalSchedule.objects.create(**values)
    task.enabled = enabled
    # Names are unique in beat's table, and a deployment may have several schedules.
    task.name = task.name or f"{deployment.endpoint_path[:150]} ({new_id().hex[-12:]})"
    task.save()
