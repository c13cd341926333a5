"""Cron expressions: which are read, and which minutes of a wall clock they name."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from deployments.occurrences.rules import RuleInvalid

_DAYS = dict(zip(("sun", "mon", "tue", "wed", "thu", "fri", "sat"), range(7), strict=True))
_MONTHS = dict(
    zip(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        range(1, 13),
        strict=True,
    )
)
_DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# February 29 falls on a given weekday once in 28 years, or 40 around a century.
_YEARS_AHEAD = 41
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class _Field:
    name: str
    least: int
    most: int
    names: dict[str, int]
    # So many characters of it are stored by django-celery-beat.
    longest: int

    @property
    def is_week(self) -> bool:
        return self.most == 7


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

    Only what celery's and cronsim's readers understand alike is let through: five fields with `*`,
    values, names, lists, ranges, and steps after `*` or a range.
    """
    parts = expression.lower().split()
    if len(parts) != 5:
        raise _invalid(
            "A cron expression has five fields: minute, hour, day of month, month, day of week; "
            f"this one has {len(parts)}."
        )
    found = " ".join(_read_field(text, field) for text, field in zip(parts, _FIELDS, strict=True))
    wall = wall_clock(found)
    if min(wall.days) > max(_DAYS_OF_MONTHS[month - 1] for month in wall.months):
        raise _invalid(
            f"No day fits this expression: none of its months has a day {min(wall.days)}."
        )
    return found


def _read_field(text: str, field: _Field) -> str:
    terms = ",".join(_read_term(term, field) for term in text.split(","))
    found = ",".join(dict.fromkeys(terms.split(",")))
    if len(found) > field.longest:
        raise _invalid(
            f"The {field.name} field has {len(found)} characters; write it with ranges and steps, "
            f"in at most {field.longest}."
        )
    return found


def _read_term(term: str, field: _Field) -> str:
    found = _TERM.fullmatch(term)
    if found is None:
        raise _invalid(
            f"The {field.name} field has {term!r}: write *, a value, a range like 1-5, or a step "
            "like */15."
        )
    low, high, step = found.groups()
    if step is not None and (low is not None and high is None or int(step) == 0):
        raise _invalid(
            f"The {field.name} field has {term!r}: a step follows * or a range, and is at least 1."
        )
    if step is not None and int(step) > field.most:
        raise _invalid(
            f"The {field.name} field has {term!r}: a step of the {field.name} goes to {field.most}."
        )
    if low is None:
        return term
    first = _value(low, field)
    if high is None:
        return str(first % 7 if field.is_week else first)
    last = _value(high, field)
    if last < first:
        raise _invalid(f"The {field.name} field has {term!r}: the range runs backwards.")
    return _range(first, last, int(step or 1), field)


def _range(first: int, last: int, step: int, field: _Field) -> str:
    if first == last or field.is_week and last == 7:
        # Sunday at the end of a range: readers know it as 0 only. And cronsim takes a step after a
        # range of one value for a step up to the field's end.
        values = [value % 7 if field.is_week else value for value in range(first, last + 1, step)]
        return ",".join(map(str, values))
    return f"{first}-{last}" + (f"/{step}" if step > 1 else "")


def _value(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names[text]
    if not text.isdigit():
        raise _invalid(f"The {field.name} field has {text!r}, which is not a value.")
    value = int(text)
    if not field.least <= value <= field.most:
        raise _invalid(
            f"The {field.name} field has {value}: it goes from {field.least} to {field.most}."
        )
    return value


def _invalid(message: str) -> RuleInvalid:
    return RuleInvalid("cron_expression", message)


# --- What an expression names ---------------------------------------------------------------------


@dataclass(frozen=True)
class WallClock:
    """The minutes of a wall clock that an expression names.

    `flows` is true for one with a wildcard, step or range in its minute or hour: such a rule goes
    on with elapsed time when clocks are changed, instead of naming fixed times of a day.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    flows: bool

    def after(self, local: datetime) -> datetime | None:
        """The first minute later than `local`; both are naive. None if there is none."""
        found = local.replace(second=0, microsecond=0) + _MINUTE
        if self._fits_day(found) and (minute := self._on_day(found)) is not None:
            return minute
        day = next(self._days_after(found), None)
        return None if day is None else self._on_day(day)

    def _fits_day(self, day: datetime) -> bool:
        # celery lets both day fields decide together where cron lets either.
        is_named = day.month in self.months and day.day in self.days
        return is_named and day.isoweekday() % 7 in self.weekdays

    def _days_after(self, local: datetime) -> Iterator[datetime]:
        """The beginnings of all named days that come after this one's, in order."""
        for year in range(local.year, local.year + _YEARS_AHEAD + 1):
            for month in sorted(self.months):
                if (year, month) < (local.year, local.month):
                    continue
                first_weekday, length = calendar.monthrange(year, month)
                for day in sorted(self.days):
                    is_later = (year, month, day) > (local.year, local.month, local.day)
                    # monthrange counts from Monday, cron from Sunday.
                    weekday = (first_weekday + day) % 7
                    if is_later and day <= length and weekday in self.weekdays:
                        yield datetime(year, month, day)  # noqa: DTZ001 - on the wall

    def _on_day(self, earliest: datetime) -> datetime | None:
        for hour in self.hours:
            if hour < earliest.hour:
                continue
            least = earliest.minute if hour == earliest.hour else 0
            minute = next((minute for minute in self.minutes if minute >= least), None)
            if minute is not None:
                return earliest.replace(hour=hour, minute=minute)
        return None


@lru_cache(maxsize=4096)
def wall_clock(cron: str) -> WallClock:
    """What an expression that `read_cron` gave names."""
    minute, hour, day, month, week = cron.split()
    return WallClock(
        minutes=tuple(sorted(_numbers(minute, _FIELDS[0]))),
        hours=tuple(sorted(_numbers(hour, _FIELDS[1]))),
        days=_numbers(day, _FIELDS[2]),
        months=_numbers(month, _FIELDS[3]),
        weekdays=frozenset(number % 7 for number in _numbers(week, _FIELDS[4])),
        flows=any(sign in minute + hour for sign in "*-/"),
    )


def _numbers(text: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        low, _, high = span.partition("-")
        if span == "*":
            # The week's 7 is its 0 again, and must not shift a step.
            first, last = field.least, 6 if field.is_week else field.most
        else:
            first, last = int(low), int(high or low)
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)
