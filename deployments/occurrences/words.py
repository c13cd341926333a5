"""A rule as people say it."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from deployments.occurrences.cron import wall_clock
from deployments.occurrences.rules import Rule

_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_DAY_SETS = {frozenset(range(7)): "day", frozenset(range(1, 6)): "weekday"}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_MAX_TIMES = 4
# cronsim writes 21th and 31th.
_ENDINGS = {"1": "st", "2": "nd", "3": "rd"}
_WRONG_ORDINAL = re.compile(r"(?<!1)([123])th\b")


def in_words(rule: Rule) -> str:
    """The rule as people say it, with the zone where it matters."""
    once = "; once only" if rule.one_off else ""
    if rule.cron is None:
        seconds = rule.every_seconds or 0
        size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
        count = seconds // size
        return f"every {unit if count == 1 else f'{count} {unit}s'}{once}"
    _, _, day, _, week = rule.cron.split()
    both = "" if "*" in (day, week) else " (both day fields must fit)"
    return f"{_usual(rule.cron) or _explain(rule.cron)}{both}, {rule.timezone}{once}"


def offset_text(offset: timedelta) -> str:
    """An offset from UTC as in +05:30, cut to minutes: only old zone rules have seconds."""
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _explain(cron: str) -> str:
    """cronsim's words for any expression, with their mistakes corrected."""
    parts, wall = cron.split(), wall_clock(cron)
    if "/" in parts[2] and len(wall.days) == 1:
        # A step that reaches one day only is that day.
        parts[2] = str(min(wall.days))
    words = CronSim(" ".join(parts), datetime(2024, 1, 1, tzinfo=UTC)).explain()
    words = _WRONG_ORDINAL.sub(lambda match: match[1] + _ENDINGS[match[1]], words)
    if min(wall.days) > min(calendar.monthrange(2025, month)[1] for month in wall.months):
        words += ", in leap years" if wall.months == {2} else ", in months that have one"
    return words[:1].lower() + words[1:]


def _usual(cron: str) -> str:
    """Short words for the most common expressions; empty for the rest."""
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
    # Weeks start on Monday for people, on Sunday for cron.
    week_days = sorted(wall.weekdays, key=lambda number: (number - 1) % 7)
    days = _DAY_SETS.get(wall.weekdays) or _listed([_DAY_NAMES[number] for number in week_days])
    return f"every {days} at {_listed(times)}"


def _within_hours(minute: str) -> str:
    if minute == "*":
        return "every minute"
    step = minute.removeprefix("*/")
    if step.isdigit() and step != minute and 60 % int(step) == 0:
        return "every minute" if int(step) == 1 else f"every {int(step)} minutes"
    if minute.isdigit():
        return "every hour" if int(minute) == 0 else f"every hour at minute {int(minute)}"
    return ""


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
