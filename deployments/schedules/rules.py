"""Reads the rules in beat's rows, and notices when they change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django_celery_beat.models import IntervalSchedule

from deployments.models import Schedule
from deployments.occurrences import (
    MAX_EVERY_SECONDS,
    Rule,
    RuleInvalid,
    next_allowed,
    next_due,
    read_cron,
)

# Size of `Schedule.computed_from`.
MAX_FINGERPRINT = 300
MOMENT = timedelta(microseconds=1)
MAX_DAYS = MAX_EVERY_SECONDS // 86_400
SECONDS = {
    IntervalSchedule.DAYS: 86_400,
    IntervalSchedule.HOURS: 3_600,
    IntervalSchedule.MINUTES: 60,
    IntervalSchedule.SECONDS: 1,
}
# Everything that planned times depend on, in the order of the values of `fingerprint`.
RAW = tuple(
    f"beat_task__{name}"
    for name in (
        "enabled", "one_off", "start_time", "expires",
        "crontab__minute", "crontab__hour", "crontab__day_of_month", "crontab__month_of_year",
        "crontab__day_of_week", "crontab__timezone", "interval__every", "interval__period",
    )
) + ("nonexistent_time", "repeated_time")  # fmt: skip


def rule_of(schedule: Schedule) -> Rule:
    """The rule of beat's row. Raises RuleInvalid for a rule that not all readers understand."""
    task = schedule.beat_task
    skips = schedule.nonexistent_time == Schedule.Nonexistent.SKIP
    twice = schedule.repeated_time == Schedule.Repeated.TWICE
    common: dict[str, Any] = {
        "anchor": schedule.anchor_at,
        "start": task.start_time,
        "end": task.expires,
        "one_off": task.one_off,
        "nonexistent": "skip" if skips else "next",
        "repeated": "twice" if twice else "once",
    }
    if task.crontab is not None:
        row = task.crontab
        text = f"{row.minute} {row.hour} {row.day_of_month} {row.month_of_year} {row.day_of_week}"
        return Rule(cron=read_cron(text), every_seconds=None, timezone=str(row.timezone), **common)
    if task.interval is None:
        raise RuleInvalid(
            "cron_expression",
            "The schedule has neither a cron expression nor an interval: other rules are not "
            "followed.",
        )
    size = SECONDS.get(task.interval.period)
    if size is None:
        raise RuleInvalid("interval_seconds", "An interval is counted in whole seconds or more.")
    seconds = int(task.interval.every) * size
    if not 1 <= seconds <= MAX_EVERY_SECONDS:
        raise RuleInvalid(
            "interval_seconds", f"An interval is at least one second and at most {MAX_DAYS} days."
        )
    return Rule(cron=None, every_seconds=seconds, timezone="UTC", **common)


def fingerprint(values: Sequence[Any]) -> str:
    """Changes whenever any of the `RAW` values changes."""
    texts = []
    for value in values:
        if isinstance(value, datetime):
            texts.append(value.astimezone(UTC).isoformat())
        else:
            texts.append("" if value is None else str(value))
    text = "|".join(texts)
    # Hashed, not cut: edits of the last values must change it too.
    return text if len(text) <= MAX_FINGERPRINT else hashlib.sha256(text.encode()).hexdigest()


def fingerprint_of(schedule: Schedule) -> str:
    """Costs no query if beat's rows are loaded."""
    raw = []
    for path in RAW:
        value: Any = schedule
        for name in path.split("__"):
            value = None if value is None else getattr(value, name)
        raw.append(value)
    return fingerprint(raw)


def refresh(schedule: Schedule, *, now: datetime) -> bool:
    """Recompute `next_due_at` if the rule changed; True if it did. Saves nothing.

    An edit never creates past occurrences: counting restarts at `now`.
    """
    current = fingerprint_of(schedule)
    if current == schedule.computed_from:
        return False
    # Whole seconds: the pump is called just after each of them.
    schedule.anchor_at = now.replace(microsecond=0)
    schedule.computed_from = current
    schedule.next_due_at, schedule.next_run_at, schedule.error = None, None, ""
    try:
        rule = rule_of(schedule)
    except RuleInvalid as error:
        schedule.error = str(error)[:500]
    else:
        if schedule.beat_task.enabled:
            plan_next(schedule, rule, now)
    return True


def plan_next(schedule: Schedule, rule: Rule, after: datetime) -> None:
    """Set the next due time after that one, and the next run: the first that is not excluded."""
    schedule.next_due_at = next_due(rule, after)
    plan_run(schedule, rule)


def plan_run(schedule: Schedule, rule: Rule) -> None:
    """Set the next run by the next due time. Costs a jump for each excluded span at the most."""
    due = schedule.next_due_at
    if due is None or not schedule.exclusions.spans:
        schedule.next_run_at = due
    else:
        schedule.next_run_at = next_allowed(rule, schedule.exclusions, due - MOMENT).at


# The fields that `refresh` changes.
REFRESHED = (
    "anchor_at", "computed_from", "error", "next_due_at", "next_run_at", "updated_at",
)  # fmt: skip
