"""A rule as people say it."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from deployments.occurrences.cron import wall_clock
from deployments.occurrences.rules import Rule

_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MAX_TIMES = 4
# cronsim writes 21th and 31th.
_ORDINAL = re.compile(r"\b(\d+)th\b")


def in_words(rule: Rule) -> str:
    """The rule as people say it, with the zone where it matters."""
    once = "; once only" if rule.one_off else ""
    if rule.cron is None:
        return f"every {_duration(rule.every_seconds or 0)}{once}"
    both = " (both day fields must fit)" if _both_days(rule.cron) else ""
    return f"{_usual(rule.cron) or _any(rule.cron)}{both}, {rule.timezone}{once}"


def offset_text(offset: timedelta) -> str:
    """An offset from UTC as in +05:30; seconds, which only old rules of zones have, are cut off."""
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _both_days(cron: str) -> bool:
    parts = cron.split()
    return "*" not in (parts[2], parts[4])


def _any(cron: str) -> str:
    words = CronSim(_plain(cron), datetime(2024, 1, 1, tzinfo=UTC)).explain()
    words = _ORDINAL.sub(lambda found: _ordinal(int(found[1])), words)
    return words[:1].lower() + words[1:] + _which_months(cron)


def _which_months(cron: str) -> str:
    """What becomes of months without such a day."""
    wall = wall_clock(cron)
    lengths = {calendar.monthrange(2025, month)[1] for month in wall.months}
    if min(wall.days) <= min(lengths):
        return ""
    return ", in leap years" if wall.months == {2} else ", in months that have one"


def _plain(cron: str) -> str:
    """The expression with a step that names one day only written as that day."""
    parts = cron.split()
    if "/" in parts[2] and len(days := wall_clock(cron).days) == 1:
        parts[2] = str(min(days))
    return " ".join(parts)


def _ordinal(number: int) -> str:
    """As in 21st, 22nd, 23rd, and 11th."""
    ends = {1: "st", 2: "nd", 3: "rd"}
    is_teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if is_teen else ends.get(number % 10, 'th')}"


def _usual(cron: str) -> str:
    """Short words for what most people write; empty for the rest."""
    minute, hour, day, month, week = cron.split()
    if (day, month) != ("*", "*"):
        return ""
    wall = wall_clock(cron)
    if hour == "*" and week == "*":
        return _within_hours(minute)
    if not minute.isdigit() or any(sign in hour for sign in "*-/"):
        return ""
    times = [f"{at:02}:{wall.minutes[0]:02}" for at in wall.hours]
    if len(times) > _MAX_TIMES:
        return ""
    return f"every {_days(wall.weekdays)} at {_listed(times)}"


def _within_hours(minute: str) -> str:
    if minute == "*":
        return "every minute"
    step = minute.removeprefix("*/")
    if step.isdigit() and step != minute and 60 % int(step) == 0:
        return "every minute" if int(step) == 1 else f"every {int(step)} minutes"
    if minute.isdigit():
        return "every hour" if int(minute) == 0 else f"every hour at minute {int(minute)}"
    return ""


def _days(weekdays: frozenset[int]) -> str:
    if len(weekdays) == 7:
        return "day"
    if weekdays == frozenset(range(1, 6)):
        return "weekday"
    # Monday first, as people count a week.
    return _listed([_DAY_NAMES[day] for day in sorted(weekdays, key=lambda day: (day - 1) % 7)])


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _duration(seconds: int) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return name if count == 1 else f"{count} {name}s"
    return "second" if seconds == 1 else f"{seconds} seconds"
