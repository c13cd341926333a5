"""Judges what a person or program says about a schedule, all of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from deployments.errors import ScheduleInvalid
from deployments.models import Schedule
from deployments.models.schedule import OPTIONS
from deployments.occurrences import MAX_EVERY_SECONDS, Rule, RuleInvalid, known_zones, read_cron
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
# What is kept in our own row as it is said.
OWN_FIELDS = ("input_data", *OPTIONS)
FIELDS = frozenset({"enabled", *RULE_FIELDS, *OWN_FIELDS})
READ_ONLY = frozenset(
    {"id", "deployment_id", "next_run_at", "words", "error", "payload_hidden", "created_at",
     "updated_at"}
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A schedule as it was said, with its defaults."""

    rule: Rule
    enabled: bool
    own: dict[str, Any]


def read_fields(fields: dict[str, Any]) -> Said:
    """Raises ScheduleInvalid with all that is wrong."""
    errors: dict[str, list[str]] = {
        name: ["A schedule has no such field."] for name in sorted(set(fields) - FIELDS - READ_ONLY)
    }
    enabled = _flag(fields, "enabled", True, errors)
    own = {name: _choice(fields, name, errors) for name in CHOICES}
    own.update({name: _number(fields, name, errors) for name in NUMBERS})
    own["input_data"] = fields.get("input_data") or {}
    if not isinstance(own["input_data"], dict):
        errors["input_data"] = ["The input is a JSON object."]
    rule = _rule(fields, errors)
    if errors or rule is None:
        raise ScheduleInvalid(errors)
    return Said(rule, enabled, own)


def _flag(fields: dict[str, Any], name: str, default: bool, errors: dict[str, list[str]]) -> bool:
    found = fields.get(name, default)
    if not isinstance(found, bool):
        errors[name] = ["Write true or false."]
        return default
    return found


def _choice(fields: dict[str, Any], name: str, errors: dict[str, list[str]]) -> Any:
    choices = CHOICES[name]
    choice = fields.get(name) or DEFAULTS[name]
    if choice not in choices:
        errors[name] = [f"Choose one of {', '.join(choices)}."]
    return choice


def _number(fields: dict[str, Any], name: str, errors: dict[str, list[str]]) -> int | None:
    minimum, maximum = NUMBERS[name]["min_value"], NUMBERS[name]["max_value"]
    default: int | None = DEFAULTS[name]
    number = fields.get(name)
    if number is None:
        return default
    if isinstance(number, bool) or not isinstance(number, int) or not minimum <= number <= maximum:
        errors[name] = [f"Write a whole number from {minimum:,} to {maximum:,}."]
        return default
    return number


def _rule(fields: dict[str, Any], errors: dict[str, list[str]]) -> Rule | None:
    zone = str(fields.get("timezone") or "UTC")
    if zone not in known_zones():
        errors["timezone"] = [
            f"{zone!r} is not a time zone: write an IANA name like Europe/Berlin."
        ]
    start, end = (_time(fields, name, errors) for name in ("start_at", "end_at"))
    if start is not None and end is not None and end < start:
        errors["end_at"] = ["The end lies before the start."]
    cron, every = _cron(fields, errors), _every(fields, errors)
    if (fields.get("cron_expression") in (None, "")) == (fields.get("interval_seconds") is None):
        errors["cron_expression"] = ["Give either a cron expression or an interval in seconds."]
    one_off = _flag(fields, "one_off", False, errors)
    if errors:
        return None
    return Rule(
        cron=cron,
        every_seconds=every,
        timezone=zone if cron else "UTC",
        anchor=timezone.now().astimezone(UTC).replace(microsecond=0),
        start=start,
        end=end,
        one_off=one_off,
        nonexistent=fields.get("nonexistent_time") or "next",
        repeated=fields.get("repeated_time") or "once",
    )


def _cron(fields: dict[str, Any], errors: dict[str, list[str]]) -> str | None:
    found = fields.get("cron_expression")
    if found in (None, ""):
        return None
    try:
        return read_cron(str(found))
    except RuleInvalid as error:
        errors[error.field] = [str(error)]
        return None


def _every(fields: dict[str, Any], errors: dict[str, list[str]]) -> int | None:
    found = fields.get("interval_seconds")
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int):
        found = 0
    if not 1 <= found <= MAX_EVERY_SECONDS:
        errors["interval_seconds"] = [
            f"An interval is a whole number of seconds from 1 to {MAX_EVERY_SECONDS}."
        ]
        return None
    return int(found)


def _time(fields: dict[str, Any], name: str, errors: dict[str, list[str]]) -> datetime | None:
    found = fields.get(name)
    if found is None:
        return None
    if not isinstance(found, datetime) or timezone.is_naive(found):
        errors[name] = ["Write a date and time with its offset, as in 2027-01-31T09:00:00+01:00."]
    elif found.year not in YEARS:
        errors[name] = [f"Choose a year from {YEARS[0]} to {YEARS[-1]}."]
    else:
        return found
    return None
