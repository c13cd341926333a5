"""Reads the days of an iCalendar file (.ics), whatever else it says; nothing of it is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar

from deployments.errors import CalendarInvalid

MAX_BYTES = 1_000_000
MAX_LINES = 40_000
MAX_EVENTS = 2_000
# Of one event, and of the file.
MAX_REPEATS = 400
MAX_FOUND = 1_000
MAX_DAYS_OF_EVENT = 366
MAX_VALUE = 5_000
# Periods of repeated events that are walked for one file: some tens of microseconds each.
MAX_PERIODS = 30_000
# No event of a calendar that leaves out days began earlier.
FIRST_YEAR = 1900
# How far ahead repeated events are followed.
HORIZON_YEARS = 5
MAX_NAME = 80
# Rules of these frequencies may have any number of dates a day: they name no days.
_PERIOD_DAYS = {"YEARLY": 365, "MONTHLY": 28, "WEEKLY": 7, "DAILY": 1}
# What makes dateutil search for long; no calendar of holidays has them.
_DEAR = ("BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS", "BYYEARDAY", "BYEASTER")
_DAY = timedelta(days=1)
# Days that cost about as much as a period.
_DAYS_OF_PERIOD = 5
# After so long the calendar is the same, also in the days of its weeks.
_CYCLE_YEARS, _CYCLE = 400, timedelta(days=146_097)
_PROPERTY = re.compile(
    r'(DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|SUMMARY)((?:;[^:"]*(?:"[^"]*"[^:"]*)*)?):(.*)',
    re.IGNORECASE,
)
_VALUE = re.compile(r";VALUE=[A-Z-]+", re.IGNORECASE)


@dataclass
class FileRead:
    """The days as entries of a calendar, and what was left out."""

    entries: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    periods: int = 0

    def warn(self, sentence: str) -> None:
        if len(self.warnings) < 20 and sentence not in self.warnings:
            self.warnings.append(sentence)


def read_icalendar(data: bytes, *, today: date) -> FileRead:
    """The days of its events from this year on. Raises CalendarInvalid for a file that is none."""
    found = FileRead()
    events = _events(data)
    horizon = date(today.year + HORIZON_YEARS, 12, 31)
    if len(events) > MAX_EVENTS:
        found.warn(f"Only the first {MAX_EVENTS:,} events were read.")
    for event in events[:MAX_EVENTS]:
        try:
            _add(found, event, date(today.year, 1, 1), horizon)
        except Exception:  # noqa: BLE001 - whatever a stranger's file makes two libraries raise
            found.warn("An event that cannot be understood was left out.")
        if len(found.entries) > MAX_FOUND:
            del found.entries[MAX_FOUND:]
            found.warn(f"Only the first {MAX_FOUND:,} dates and ranges were taken.")
            break
    return found


def _events(data: bytes) -> list[Any]:
    if len(data) > MAX_BYTES:
        raise _bad(f"The file is larger than {MAX_BYTES:,} bytes.")
    if data.count(b"\n") > MAX_LINES:
        raise _bad(f"The file has more than {MAX_LINES:,} lines.")
    text = data.decode("utf-8-sig", errors="replace").replace("\0", "")
    if "BEGIN:VCALENDAR" not in text.upper():
        raise _bad("This is no iCalendar file: it has no VCALENDAR.")
    try:
        return list(Calendar.from_ical(_only_events(text)).walk("VEVENT"))
    except Exception as error:  # noqa: BLE001 - see above
        raise _bad("This iCalendar file is damaged.") from error


def _only_events(text: str) -> str:
    """The events with the properties that count, and without zones: days are as written.

    The library computes all changes of a VTIMEZONE when it reads it, however many those are.
    """
    kept, parts, is_event = ["BEGIN:VCALENDAR"], 0, False
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        mark = line[:40].strip().upper()
        if mark.startswith("BEGIN:"):
            parts += 1
            is_event = mark == "BEGIN:VEVENT" and parts <= 2
        elif mark.startswith("END:"):
            is_event, parts = parts == 3 and is_event, max(0, parts - 1)
        elif not is_event:
            continue
        if mark in ("BEGIN:VEVENT", "END:VEVENT"):
            kept.append(mark)
        elif found := _PROPERTY.match(line[:MAX_VALUE]):
            kind = _VALUE.search(found[2])
            kept.append(f"{found[1].upper()}{kind[0] if kind else ''}:{found[3]}")
    return "\r\n".join([*kept, "END:VCALENDAR", ""])


def _add(found: FileRead, event: Any, since: date, horizon: date) -> None:
    begin = event.decoded("DTSTART")
    first, last = _span(event, begin)
    summary = event.get("SUMMARY", "")
    summary = summary[0] if isinstance(summary, list) else summary
    name = " ".join(str(summary).split())[:MAX_NAME]
    if not FIRST_YEAR <= first.year <= horizon.year:
        found.warn(f"“{name or first}” begins in {first.year} and was left out.")
        return
    if (last - first).days >= MAX_DAYS_OF_EVENT:
        found.warn(f"“{name or first}” is longer than a year and was left out.")
        return
    length = last - first
    left_out = {_as_day(each.dt) for each in _dates(event, "EXDATE")}
    more = [_as_day(each.dt) for each in _dates(event, "RDATE") if not isinstance(each.dt, tuple)]
    starts = [*_repeats(found, event, first, name, since - length, horizon), *more[:MAX_REPEATS]]
    for start in starts:
        if start in left_out or not since <= start + length or start > horizon:
            continue
        until = (start + length).isoformat()
        found.entries.append({"from": start.isoformat(), "until": until, "name": name})


def _span(event: Any, begin: date | datetime) -> tuple[date, date]:
    """First and last day. The end of an event is not part of it any more."""
    if "DTEND" in event:
        end = event.decoded("DTEND")
    elif "DURATION" in event:
        end = begin + event.decoded("DURATION")
    else:
        end = begin if isinstance(begin, datetime) else begin + _DAY
    first, last = _as_day(begin), _as_day(end)
    is_open = not isinstance(end, datetime) or (end.hour, end.minute, end.second) == (0, 0, 0)
    return first, max(first, last - _DAY if is_open and last > first else last)


def _as_day(value: date | datetime) -> date:
    """As its own clock shows it: which zone decides is the schedule's business."""
    return value.date() if isinstance(value, datetime) else value


def _dates(event: Any, name: str) -> Iterator[Any]:
    values = event.get(name, [])
    for value in values if isinstance(values, list) else [values]:
        yield from islice(value.dts, MAX_REPEATS)


def _repeats(
    found: FileRead, event: Any, first: date, name: str, since: date, horizon: date
) -> list[date]:
    rules = event.get("RRULE")
    if rules is None:
        return [first]
    periods = 0 if isinstance(rules, list) else _periods(rules, first, horizon)
    found.periods += periods
    if not periods or found.periods > MAX_PERIODS:
        found.warn(
            f"“{name or first}” repeats in a way that is not followed; its first day counts."
        )
        return [first]
    parts = {key: value for key, value in rules.items() if key not in ("UNTIL", "COUNT")}
    text = type(rules)(parts).to_ical().decode()
    until = rules.get("UNTIL")
    end = min(horizon, _as_day(until[0])) if until else horizon
    # For a rule that no day fits dateutil walks all years that there are, so few are left to it.
    shift = _CYCLE * ((date.max.year - horizon.year) // _CYCLE_YEARS)
    rule: Any = rrulestr(text, dtstart=_midnight(first + shift), ignoretz=True)
    count = int(rules["COUNT"][0]) if rules.get("COUNT") else None
    shifted = rule.replace(until=_midnight(end + shift))
    days = islice((each.date() - shift for each in shifted), count)
    begin = next(days, None)
    if begin is None and end >= first:
        found.periods += (date.max - shift - first).days // _DAYS_OF_PERIOD
    known = chain([] if begin is None else [begin], days)
    repeats = list(islice((day for day in known if day >= since), MAX_REPEATS + 1))
    if len(repeats) > MAX_REPEATS:
        found.warn(f"“{name or first}” repeats very often: only {MAX_REPEATS} of its days count.")
    elif until is None and count is None:
        found.warn(f"Events that repeat for ever are taken until the end of {horizon.year}.")
    return repeats[:MAX_REPEATS]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - days have no zone


def _periods(rules: Any, first: date, horizon: date) -> int:
    """How many periods a plain rule is walked; 0 for one that is not followed."""
    days = _PERIOD_DAYS.get(str((rules.get("FREQ") or [""])[0]).upper())
    interval = int((rules.get("INTERVAL") or [1])[0])
    is_dear = any(name in rules for name in _DEAR) or len(rules.to_ical()) > 300
    if days is None or is_dear or not 1 <= interval <= 1_000:
        return 0
    return (horizon - first).days // (days * interval) + 1


def _bad(sentence: str) -> CalendarInvalid:
    return CalendarInvalid({"file": [sentence]})
