"""The arithmetic of schedules: which instants a rule names. Plain Python; nothing is stored
here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MOST_EVERY_SECONDS = 366 * 86_400


class RuleInvalid(Exception):
    """The rule cannot be read; `field` names which part, the sentence says what is wrong in it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Rule:
    """Cron in local time of a zone, or every N seconds counted in elapsed time from `anchor` (UTC).

    No occurrence lies before `start` or after `end`.
    """

    cron: str | None
    every_seconds: int | None
    timezone: str
    anchor: datetime
    start: datetime | None = None
    end: datetime | None = None


_DAYS = dict(zip(("sun", "mon", "tue", "wed", "thu", "fri", "sat"), range(7), strict=True))
_MONTHS = dict(
    zip(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        range(1, 13),
        strict=True,
    )
)
# Name in sentences, least, most, names.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_TERM = re.compile(r"(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/([0-9]{1,4}))?")


def read_cron(expression: str) -> str:
    """The expression with names in lower case and Sunday as 0; raises RuleInvalid.

    Only what celery's and cronsim's readers understand alike is let through: five fields with `*`,
    values, names, lists, ranges, and steps after `*` or a range.
    """
    parts = expression.lower().split()
    if len(parts) != 5:
        raise RuleInvalid(
            "cron_expression",
            "A cron expression has five fields: minute, hour, day of month, month, day of week; "
            f"this one has {len(parts)}.",
        )
    read = [_read_field(text, *field) for text, field in zip(parts, _FIELDS, strict=True)]
    result = " ".join(read)
    try:
        CronSim(result, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise RuleInvalid("cron_expression", f"No day fits this expression ({error}).") from error
    return result


def _read_field(text: str, name: str, least: int, most: int, names: dict[str, int]) -> str:
    return ",".join(_read_term(term, name, least, most, names) for term in text.split(","))


def _read_term(term: str, name: str, least: int, most: int, names: dict[str, int]) -> str:
    found = _TERM.fullmatch(term)
    if found is None:
        raise RuleInvalid(
            "cron_expression",
            f"The {name} field has {term!r}: write *, a value, a range like 1-5, a step like */15.",
        )
    low, high, step = found.groups()
    if step is not None and (low is not None and high is None or int(step) == 0):
        raise RuleInvalid(
            "cron_expression",
            f"The {name} field has {term!r}: a step follows * or a range, and is at least 1.",
        )
    if low is None:
        return term
    first = _value(low, name, least, most, names)
    if high is None:
        return str(first % 7 if most == 7 else first)
    last = _value(high, name, least, most, names)
    if last < first:
        raise RuleInvalid(
            "cron_expression", f"The {name} field has {term!r}: the range runs backwards."
        )
    return _range(first, last, int(step or 1), week=most == 7)


def _range(first: int, last: int, step: int, *, week: bool) -> str:
    if week and last == 7:
        # Sunday at the end of a range; both readers know it as 0 only.
        return ",".join(str(day % 7) for day in range(first, last + 1, step))
    return f"{first}-{last}" + (f"/{step}" if step > 1 else "")


def _value(text: str, name: str, least: int, most: int, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isdigit():
        raise RuleInvalid(
            "cron_expression", f"The {name} field has {text!r}, which is not a value."
        )
    value = int(text)
    if not least <= value <= most:
        raise RuleInvalid(
            "cron_expression", f"The {name} field has {value}: it goes from {least} to {most}."
        )
    return value


def next_due(rule: Rule, after: datetime) -> datetime | None:
    """The first instant (UTC) later than `after` that the rule names; None when there is no
    more.
    """
    if rule.start is not None and after < rule.start:
        after = rule.start - timedelta(seconds=1)
    try:
        found = _next_every(rule, after) if rule.cron is None else _next_cron(rule, after)
    except OverflowError:
        return None  # Beyond the calendar's last year.
    if found is None or (rule.end is not None and found > rule.end):
        return None
    return found


def due_times(rule: Rule, first: datetime, until: datetime, *, most: int) -> list[datetime]:
    """`first` and all that follow up to `until`, at most that many (the earliest)."""
    found: list[datetime] = []
    due: datetime | None = first
    while due is not None and due <= until and len(found) < most:
        found.append(due)
        due = next_due(rule, due)
    return found


def in_words(rule: Rule) -> str:
    """The rule as people say it, with the zone where it matters."""
    if rule.cron is None:
        return f"every {_duration(rule.every_seconds or 0)}"
    words = CronSim(rule.cron, datetime(2024, 1, 1, tzinfo=UTC)).explain()
    parts = rule.cron.split()
    both = " (both day fields must fit)" if "*" not in (parts[2], parts[4]) else ""
    return f"{words}{both}, {rule.timezone}"


def _next_every(rule: Rule, after: datetime) -> datetime:
    every = timedelta(seconds=rule.every_seconds or 0)
    passed = (after - rule.anchor) // every
    return rule.anchor + max(passed + 1, 1) * every


def _next_cron(rule: Rule, after: datetime) -> datetime | None:
    found = CronSim(rule.cron or "", after.astimezone(ZoneInfo(rule.timezone)))
    # celery lets both day fields decide together where cron lets either; one rule for all doors.
    found.day_and = True
    try:
        return next(found).astimezone(UTC)
    except (StopIteration, CronSimError):
        return None


def _duration(seconds: int) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return name if count == 1 else f"{count} {name}s"
    return "second" if seconds == 1 else f"{seconds} seconds"
