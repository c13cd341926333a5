"""Reads what beat's rows say, and notices when they say something else than before."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from django_celery_beat.models import IntervalSchedule

from deployments.models import Schedule
from deployments.occurrences import (
    MAX_EVERY_SECONDS,
    Nonexistent,
    Repeated,
    Rule,
    RuleInvalid,
    next_due,
    read_cron,
)

# What `Schedule.computed_from` holds.
MAX_FINGERPRINT = 300
MAX_DAYS = MAX_EVERY_SECONDS // 86_400
SECONDS = {
    IntervalSchedule.DAYS: 86_400,
    IntervalSchedule.HOURS: 3_600,
    IntervalSchedule.MINUTES: 60,
    IntervalSchedule.SECONDS: 1,
}
# All that an occurrence's time depends on; `fingerprint` takes their values in this order.
RAW = tuple(
    f"beat_task__{name}"
    for name in (
        "enabled", "one_off", "start_time", "expires",
        "crontab__minute", "crontab__hour", "crontab__day_of_month", "crontab__month_of_year",
        "crontab__day_of_week", "crontab__timezone", "interval__every", "interval__period",
    )
) + ("nonexistent_time", "repeated_time")  # fmt: skip


def rule_of(schedule: Schedule) -> Rule:
    """What beat's row says. Raises RuleInvalid for a row that lies outside what all readers
    understand.
    """
    task = schedule.beat_task
    common: dict[str, Any] = {
        "anchor": schedule.anchor_at,
        "start": task.start_time,
        "end": task.expires,
        "one_off": task.one_off,
        "nonexistent": _nonexistent(schedule.nonexistent_time),
        "repeated": _repeated(schedule.repeated_time),
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


def _nonexistent(value: str) -> Nonexistent:
    return "skip" if value == Schedule.Nonexistent.SKIP else "next"


def _repeated(value: str) -> Repeated:
    return "twice" if value == Schedule.Repeated.TWICE else "once"


def _seconds_of(interval: IntervalSchedule) -> int:
    size = SECONDS.get(interval.period)
    if size is None:
        raise RuleInvalid("interval_seconds", "An interval is counted in whole seconds or more.")
    seconds = int(interval.every) * size
    if not 1 <= seconds <= MAX_EVERY_SECONDS:
        raise RuleInvalid(
            "interval_seconds", f"An interval is at least one second and at most {MAX_DAYS} days."
        )
    return seconds


def fingerprint(values: tuple[Any, ...]) -> str:
    """A text that is another one whenever one of the `RAW` values is."""
    text = "|".join(_text(value) for value in values)
    # Cut off, it would not tell of an edit to what comes last.
    return text if len(text) <= MAX_FINGERPRINT else hashlib.sha256(text.encode()).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return "" if value is None else str(value)


def fingerprint_of(schedule: Schedule) -> str:
    """The fingerprint of a schedule whose beat's rows are loaded."""
    return fingerprint(tuple(_value(schedule, path) for path in RAW))


def _value(found: Any, path: str) -> Any:
    for name in path.split("__"):
        found = None if found is None else getattr(found, name)
    return found


def refresh(schedule: Schedule, *, now: datetime) -> bool:
    """Work out `next_due_at` anew if the rule changed since it was; True if it did. Saves nothing.

    An edit never makes a past occurrence again: counting starts at `now`.
    """
    found = fingerprint_of(schedule)
    if found == schedule.computed_from:
        return False
    # Whole seconds: the pump is called just after each of them.
    schedule.anchor_at = now.replace(microsecond=0)
    schedule.computed_from = found
    schedule.next_due_at, schedule.error = None, ""
    try:
        rule = rule_of(schedule)
    except RuleInvalid as error:
        schedule.error = str(error)[:500]
    else:
        if schedule.beat_task.enabled:
            schedule.next_due_at = next_due(rule, now)
    return True


# What `refresh` changes.
REFRESHED = ("anchor_at", "computed_from", "error", "next_due_at", "updated_at")
