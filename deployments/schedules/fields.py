"""Validates the fields of a schedule, all of them at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from deployments.errors import ScheduleInvalid
from deployments.models import ExclusionCalendar, Schedule
from deployments.models.schedule import OPTIONS
from deployments.occurrences import (
    MAX_EVERY_SECONDS,
    NO_EXCLUSIONS,
    Exclusions,
    Rule,
    RuleInvalid,
    known_zones,
    read_cron,
)
from designs.rows.columns import bounds_of

RULE_FIELDS = ("cron_expression", "interval_seconds", "timezone", "start_at", "end_at", "one_off")
# Far enough from the ends of the calendar to count on both sides.
YEARS = range(1970, 9001)
_COLUMNS: list[Any] = [Schedule._meta.get_field(name) for name in OPTIONS]
CHOICES: dict[str, list[str]] = {
    column.name: [value for value, _ in column.choices] for column in _COLUMNS if column.choices
}
NUMBERS = {column.name: bounds_of(column) for column in _COLUMNS if not column.choices}
DEFAULTS = {column.name: column.get_default() for column in _COLUMNS}
# The fields that our own row keeps as they are.
OWN_FIELDS = ("input_data", *OPTIONS)
MAX_ID = 36
FIELDS = frozenset({"enabled", "calendar_id", *RULE_FIELDS, *OWN_FIELDS})
READ_ONLY = frozenset(
    {"id", "deployment_id", "next_run_at", "is_all_left_out", "words", "error", "payload_hidden",
     "created_at", "updated_at"}
)  # fmt: skip


@dataclass(frozen=True)
class ScheduleFields:
    """The validated fields, with their defaults."""

    rule: Rule
    enabled: bool
    own: dict[str, Any]
    calendar: ExclusionCalendar | None = None

    @property
    def exclusions(self) -> Exclusions:
        return NO_EXCLUSIONS if self.calendar is None else self.calendar.exclusions


def read_fields(fields: dict[str, Any]) -> ScheduleFields:
    """Raises ScheduleInvalid with all problems."""
    errors: dict[str, list[str]] = {
        name: ["A schedule has no such field."] for name in sorted(set(fields) - FIELDS - READ_ONLY)
    }
    enabled = _flag(fields, "enabled", True, errors)
    own = _options(fields, errors)
    own["input_data"] = fields.get("input_data") or {}
    if not isinstance(own["input_data"], dict):
        errors["input_data"] = ["The input is a JSON object."]
    rule, calendar = _rule(fields, errors), _calendar(fields, errors)
    if errors or rule is None:
        raise ScheduleInvalid(errors)
    return ScheduleFields(rule, enabled, own, calendar)


def _calendar(fields: dict[str, Any], errors: dict[str, list[str]]) -> ExclusionCalendar | None:
    value = fields.get("calendar_id")
    if value in (None, ""):
        return None
    try:
        pk = uuid.UUID(str(value)[:MAX_ID])
        return ExclusionCalendar.objects.defer("entries").get(pk=pk)
    except (ValueError, ExclusionCalendar.DoesNotExist):
        errors["calendar_id"] = ["There is no such calendar."]
        return None


def _flag(fields: dict[str, Any], name: str, default: bool, errors: dict[str, list[str]]) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        errors[name] = ["Write true or false."]
        return default
    return value


def _options(fields: dict[str, Any], errors: dict[str, list[str]]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, choices in CHOICES.items():
        options[name] = fields.get(name) or DEFAULTS[name]
        if options[name] not in choices:
            errors[name] = [f"Choose one of {', '.join(choices)}."]
    for name, bounds in NUMBERS.items():
        low, high, number = bounds["min_value"], bounds["max_value"], fields.get(name)
        options[name] = DEFAULTS[name] if number is None else number
        if number is not None and not _is_whole(number, low, high):
            errors[name] = [f"Write a whole number from {low:,} to {high:,}."]
    return options


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _rule(fields: dict[str, Any], errors: dict[str, list[str]]) -> Rule | None:
    zone = str(fields.get("timezone") or "UTC")
    if zone not in known_zones():
        errors["timezone"] = [
            f"{zone!r} is not a time zone: write an IANA name like Europe/Berlin."
        ]
    start, end = (_time(fields, name, errors) for name in ("start_at", "end_at"))
    if start is not None and end is not None and end < start:
        errors["end_at"] = ["The end lies before the start."]
    cron, every = fields.get("cron_expression"), fields.get("interval_seconds")
    has_cron = cron not in (None, "")
    if has_cron:
        try:
            cron = read_cron(str(cron))
        except RuleInvalid as error:
            errors[error.field] = [str(error)]
    if every is not None and not _is_whole(every, 1, MAX_EVERY_SECONDS):
        errors["interval_seconds"] = [
            f"An interval is a whole number of seconds from 1 to {MAX_EVERY_SECONDS}."
        ]
    if has_cron == (every is not None):
        errors["cron_expression"] = ["Give either a cron expression or an interval in seconds."]
    one_off = _flag(fields, "one_off", False, errors)
    if errors:
        return None
    return Rule(
        cron=cron if has_cron else None,
        every_seconds=every,
        timezone=zone if has_cron else "UTC",
        anchor=timezone.now().astimezone(UTC).replace(microsecond=0),
        start=start,
        end=end,
        one_off=one_off,
        nonexistent=fields.get("nonexistent_time") or "next",
        repeated=fields.get("repeated_time") or "once",
    )


def _time(fields: dict[str, Any], name: str, errors: dict[str, list[str]]) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, datetime) or timezone.is_naive(value):
        errors[name] = ["Write a date and time with its offset, as in 2027-01-31T09:00:00+01:00."]
    elif value.year not in YEARS:
        errors[name] = [f"Choose a year from {YEARS[0]} to {YEARS[-1]}."]
    else:
        return value
    return None
