"""Adds, changes, switches and removes schedules.

Each is a row of ours beside a row of django-celery-beat, which holds the rule. Before a change the
schedule runs what was due until now by its old rule and input.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from deployments.calls.lookup import deployed
from deployments.errors import InputInvalid, InputTooLarge, ScheduleInvalid, VersionMisfit
from deployments.models import Deployment, ExclusionCalendar, Schedule
from deployments.occurrences import Rule, next_allowed, next_due
from deployments.schedules import store
from deployments.schedules.fields import OWN_FIELDS, ScheduleFields, read_fields
from deployments.schedules.rules import plan_run, refresh
from deployments.schedules.serving import lock_caught_up
from deployments.schedules.store import TASK, database_time, describe, readable_rule
from designs.access import Caller
from designs.errors import RowGone
from designs.rows.ids import new_id
from designs.rows.locking import lock_row
from designs.secrets.masking import masked_value
from executor.history.quotes import PAYLOAD

SHOWN_REASONS = 3


def set_schedule(
    *, deployment: Deployment, fields: dict[str, Any] | None, merge: bool = False
) -> Schedule | None:
    """Add, replace or (None) remove the first schedule of a locked deployment; with `merge` omitted
    fields keep their values. What was due by the old rule is not served here: the caller did that
    before it changed anything. Raises ScheduleInvalid.
    """
    schedule = deployment.schedules.with_rule().first()
    if fields is None:
        if schedule is not None:
            remove_schedule(schedule=schedule)
        return None
    if schedule is None:
        return add_schedule(deployment=deployment, fields=fields)
    return (_merge if merge else _replace)(store.locked(schedule), fields)


def add_schedule(*, deployment: Deployment, fields: dict[str, Any]) -> Schedule:
    """Add one more schedule to the deployment. Raises ScheduleInvalid, RowGone."""
    new = read_fields(fields)
    with transaction.atomic():
        lock_row(Deployment.objects.present(), deployment.pk)
        schedule = Schedule(deployment=deployment)
        _check_runs(schedule, new)
        _check_input(schedule, new.own["input_data"])
        return _write(schedule, PeriodicTask(task=TASK), new)


def change_schedule(*, schedule: Schedule, fields: dict[str, Any]) -> Schedule:
    """Replace all fields; omitted ones get their defaults. Raises ScheduleInvalid, RowGone.

    Counting restarts from now only if the rule changes.
    """
    with transaction.atomic():
        return _replace(lock_caught_up(schedule), fields)


def update_schedule(*, schedule: Schedule, changes: dict[str, Any]) -> Schedule:
    """Change the given fields, leave the rest. Raises ScheduleInvalid, RowGone.

    A cron expression replaces an interval, and the other way round.
    """
    with transaction.atomic():
        return _merge(lock_caught_up(schedule), changes)


def switch_schedule(*, schedule: Schedule, enabled: bool) -> Schedule:
    """Switch it on, counting from now, or off; also if its rule cannot be read. Raises RowGone, and
    ScheduleInvalid if the deployed version refuses the input of one that is switched on.
    """
    with transaction.atomic():
        return _switch(lock_caught_up(schedule), enabled)


def check_version(*, deployment: Deployment, caller: Caller) -> None:
    """Raises VersionMisfit if its version refuses the input of a schedule that is on.

    The sentences quote inputs only for those who may see them.
    """
    ready, sentences = deployed(deployment), []
    for schedule in deployment.schedules.with_rule():
        if not schedule.beat_task.enabled:
            continue
        try:
            ready.check_input(schedule.input_data)
        except InputInvalid as error:
            why = f" ({_first_reasons(error)})" if caller.may(PAYLOAD) else ""
            sentences.append(
                f"v{ready.version.number} refuses the input of the schedule "
                f"“{store.words_of(schedule)}”{why}. Change that input, or switch the schedule off."
            )
    if sentences:
        raise VersionMisfit(sentences)


def _first_reasons(error: InputInvalid) -> str:
    reasons = [f"{place}: {texts[0]}" for place, texts in error.errors.items()]
    more = len(reasons) - SHOWN_REASONS
    shown = "; ".join(reason.rstrip(".") for reason in reasons[:SHOWN_REASONS])
    return f"{shown}; and {more} more" if more > 0 else shown


def remove_schedule(*, schedule: Schedule) -> None:
    """Delete the schedule and its occurrences; the executions stay. Raises RowGone."""
    with transaction.atomic():
        lock_row(Schedule.objects.all(), schedule.pk, to_delete=True).beat_task.delete()


def remove_schedules(*, deployment: Deployment) -> None:
    """Delete all schedules of a deployment and their occurrences; the executions stay."""
    for task in PeriodicTask.objects.filter(orchestra_schedule__deployment=deployment):
        task.delete()


def _replace(row: Schedule, fields: dict[str, Any]) -> Schedule:
    new = read_fields(fields)
    has_other_days = (new.calendar and new.calendar.pk) != row.calendar_id
    if has_other_days or _times_of(new.rule) != _times_of(readable_rule(row)):
        _check_runs(row, new)
    if new.own["input_data"] != row.input_data:
        _check_input(row, new.own["input_data"])
    elif new.enabled and not row.beat_task.enabled:
        _check_kept_input(row)
    return _write(row, row.beat_task, new)


def _merge(row: Schedule, changes: dict[str, Any]) -> Schedule:
    if set(changes) == {"enabled"}:
        return _switch(row, changes["enabled"])
    fields = {**describe(row), **changes}
    for name, other in (
        ("cron_expression", "interval_seconds"),
        ("interval_seconds", "cron_expression"),
    ):
        if changes.get(name) not in (None, "") and other not in changes:
            fields[other] = None
    return _replace(row, fields)


def _switch(row: Schedule, enabled: bool) -> Schedule:
    if row.beat_task.enabled != enabled:
        if enabled:
            _check_kept_input(row)
        row.beat_task.enabled = enabled
        row.beat_task.save()
    refresh(row, now=database_time(row.deployment))
    row.save()
    return row


def _times_of(rule: Rule | None) -> tuple[object, ...] | None:
    """The parts of a rule that decide when it runs; the rest may change after its end."""
    if rule is None:
        return None
    return rule.cron, rule.every_seconds, rule.timezone, rule.start, rule.end


def _check_runs(schedule: Schedule, new: ScheduleFields) -> None:
    """Raises ScheduleInvalid for a schedule that would never run."""
    now, end = database_time(schedule.deployment), new.rule.end
    if end is None or next_allowed(new.rule, new.exclusions, now).at is not None:
        return
    why = "This end has passed" if end <= now else "No planned time lies before this end"
    if next_due(new.rule, now) is not None:
        why = "The calendar leaves out every planned time before this end"
    raise ScheduleInvalid({"end_at": [f"{why}, so nothing would run."]})


def _check_input(schedule: Schedule, input_data: dict[str, Any]) -> None:
    """Raises ScheduleInvalid for an input that the deployed version would refuse."""
    ready = deployed(schedule.deployment)
    if ready.graph is None:
        return
    try:
        ready.check_input(input_data)
    except InputInvalid as error:
        raise ScheduleInvalid(error.errors) from error
    except InputTooLarge as error:
        raise ScheduleInvalid({"input_data": [str(error)]}) from error


def _check_kept_input(schedule: Schedule) -> None:
    """Raises ScheduleInvalid, without a quote: not all who switch schedules may see inputs."""
    try:
        _check_input(schedule, schedule.input_data)
    except ScheduleInvalid:
        sentence = (
            f"v{schedule.deployment.version.number} refuses the input of this schedule. "
            "Change the input, then switch it on."
        )
        raise ScheduleInvalid({"enabled": [sentence]}) from None


def _write(schedule: Schedule, task: PeriodicTask, new: ScheduleFields) -> Schedule:
    rule, deployment = new.rule, schedule.deployment
    task.crontab = task.interval = task.solar = task.clocked = None
    if rule.cron is not None:
        minute, hour, day, month, weekday = rule.cron.split()
        task.crontab = _get_or_create(
            CrontabSchedule,
            minute=minute,
            hour=hour,
            day_of_month=day,
            month_of_year=month,
            day_of_week=weekday,
            timezone=ZoneInfo(rule.timezone),
        )
    else:
        task.interval = _get_or_create(
            IntervalSchedule, every=rule.every_seconds, period=IntervalSchedule.SECONDS
        )
    task.enabled, task.one_off = new.enabled, rule.one_off
    task.start_time, task.expires, task.expire_seconds = rule.start, rule.end, None
    # Names are unique in beat's table, and a deployment may have several schedules.
    task.name = task.name or f"{deployment.endpoint_path[:150]} ({new_id().hex[-12:]})"
    # For the audit: our row, which links the task to its deployment, does not exist yet.
    task.audit_deployment_id = deployment.pk
    task.save()
    schedule.beat_task = task
    for name in OWN_FIELDS:
        setattr(schedule, name, masked_value(new.own[name]))
    schedule.calendar = _locked_calendar(new.calendar)
    if not refresh(schedule, now=database_time(deployment)) and schedule.next_due_at is not None:
        plan_run(schedule, rule)
    schedule.save()
    return schedule


def _locked_calendar(calendar: ExclusionCalendar | None) -> ExclusionCalendar | None:
    """As it is now: its days cannot change before the schedule is saved. Raises ScheduleInvalid."""
    try:
        return calendar and lock_row(ExclusionCalendar.objects.all(), calendar.pk)
    except RowGone as error:
        raise ScheduleInvalid({"calendar_id": [str(error)]}) from error


def _get_or_create(model: type[models.Model], **values: Any) -> Any:
    # Beat's tables may hold the same rule several times, which Django's get_or_create refuses.
    rows = model._default_manager
    return rows.filter(**values).first() or rows.create(**values)
