"""Cron expressions: validation, and the minutes of a wall clock that one matches."""

from __future__ import annotations

import calendar
import copy
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cronsim import CronSim

from deployments.occurrences.rules import RuleInvalid

_DAYS = dict(zip(("sun", "mon", "tue", "wed", "thu", "fri", "sat"), range(7), strict=True))
_MONTHS = dict(
    zip(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        range(1, 13),
        strict=True,
    )
)
_LEAP_YEAR = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall clock has no zone


@dataclass(frozen=True)
class _Field:
    name: str
    min: int
    max: int
    names: dict[str, int]
    # Size of django-celery-beat's column.
    max_length: int

    @property
    def is_week(self) -> bool:
        return self.max == 7


_FIELDS = (
    _Field("minute", 0, 59, {}, 240),
    _Field("hour", 0, 23, {}, 96),
    _Field("day of month", 1, 31, {}, 124),
    _Field("month", 1, 12, _MONTHS, 64),
    _Field("day of week", 0, 7, _DAYS, 64),
)
_TERM = re.compile(r"(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/([0-9]{1,4}))?")


@lru_cache(maxsize=4096)
def read_cron(expression: str) -> str:
    """The expression with names as numbers and Sunday as 0; raises RuleInvalid.

    Accepts only what celery and cronsim understand alike: five fields with `*`, values, names,
    lists, ranges, and steps after `*` or a range.
    """
    parts = expression.lower().split()
    if len(parts) != 5:
        raise _invalid(
            "A cron expression has five fields: minute, hour, day of month, month, day of week; "
            f"this one has {len(parts)}."
        )
    normalized = []
    for text, field in zip(parts, _FIELDS, strict=True):
        terms = ",".join(_read_term(term, field) for term in text.split(","))
        unique = ",".join(dict.fromkeys(terms.split(",")))
        if len(unique) > field.max_length:
            raise _invalid(
                f"The {field.name} field has {len(unique)} characters; write it with ranges and "
                f"steps, in at most {field.max_length}."
            )
        normalized.append(unique)
    first_day = min(CronSim(f"0 0 {normalized[2]} * *", _LEAP_YEAR).days)
    months = CronSim(f"0 0 * {normalized[3]} *", _LEAP_YEAR).months
    if first_day > max(calendar.monthrange(_LEAP_YEAR.year, month)[1] for month in months):
        raise _invalid(f"No day fits this expression: none of its months has a day {first_day}.")
    return " ".join(normalized)


def _read_term(term: str, field: _Field) -> str:
    match = _TERM.fullmatch(term)
    if match is None:
        raise _invalid(
            f"The {field.name} field has {term!r}: write *, a value, a range like 1-5, or a step "
            "like */15."
        )
    low, high, step = match.groups()
    if step is not None and (low is not None and high is None or int(step) == 0):
        raise _invalid(
            f"The {field.name} field has {term!r}: a step follows * or a range, and is at least 1."
        )
    if step is not None and int(step) > field.max:
        raise _invalid(
            f"The {field.name} field has {term!r}: a step of the {field.name} goes to {field.max}."
        )
    if low is None:
        return term
    first = _value(low, field)
    last = first if high is None else _value(high, field)
    if last < first:
        raise _invalid(f"The {field.name} field has {term!r}: the range runs backwards.")
    if first == last or field.is_week and last == 7:
        # Readers know Sunday at the end of a range as 0 only, and cronsim takes a step after a
        # range of one value for a step up to the field's end.
        values = range(first, last + 1, int(step or 1))
        return ",".join(str(value % 7 if field.is_week else value) for value in values)
    return f"{first}-{last}" + (f"/{int(step)}" if int(step or 1) > 1 else "")


def _value(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names[text]
    if not text.isdigit():
        raise _invalid(f"The {field.name} field has {text!r}, which is not a value.")
    value = int(text)
    if not field.min <= value <= field.max:
        raise _invalid(
            f"The {field.name} field has {value}: it goes from {field.min} to {field.max}."
        )
    return value


def _invalid(message: str) -> RuleInvalid:
    return RuleInvalid("cron_expression", message)


class WallClock:
    """The minutes of a wall clock that an expression from `read_cron` matches.

    `flows` is true for one with a wildcard, step or range in its minute or hour: such a rule
    follows elapsed time when clocks change, instead of naming fixed times of a day.
    """

    def __init__(self, cron: str) -> None:
        self._matcher = CronSim(cron, _LEAP_YEAR)
        # celery wants both day fields to fit where cron takes either.
        self._matcher.day_and = True
        self.minutes = tuple(sorted(self._matcher.minutes))
        self.hours = tuple(sorted(self._matcher.hours))
        self.days = frozenset(self._matcher.days)
        self.months = frozenset(self._matcher.months)
        weekdays = (day for day in self._matcher.weekdays if isinstance(day, int))
        self.weekdays = frozenset(day % 7 for day in weekdays)
        self.flows = any(sign in "".join(cron.split()[:2]) for sign in "*-/")

    def after(self, local: datetime) -> datetime | None:
        """The first matching minute later than `local`; both are naive. None if there is none."""
        # Cached clocks are shared by threads, and a matcher moves.
        matcher = copy.copy(self._matcher)
        matcher.dt = local.replace(second=59, microsecond=0)
        return next(matcher, None)


@lru_cache(maxsize=4096)
def wall_clock(cron: str) -> WallClock:
    return WallClock(cron)
