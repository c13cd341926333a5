"""An oracle for schedules: walks UTC minute by minute and looks at a clock on the wall.

It knows zones by `zoneinfo` alone, and none of the arithmetic that it judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
Minute = tuple[datetime, datetime]  # The instant, and what the clock shows.
Look = tuple[datetime, str]  # The instant, and whether its time is plain, missing or repeated.


def minutes(zone: str, first: datetime, last: datetime) -> list[Minute]:
    """Each minute of UTC in [first, last] with the naive local time."""
    tz, found, at = ZoneInfo(zone), [], first
    while at <= last:
        found.append((at, at.astimezone(tz).replace(tzinfo=None)))
        at += MINUTE
    return found


@cache
def changes(zone: str, first_year: int, last_year: int) -> tuple[datetime, ...]:
    """Every instant in these years at which the zone's clocks change, to the minute."""
    tz = ZoneInfo(zone)
    at, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    offset, found = at.astimezone(tz).utcoffset(), []
    while at < end:
        hour = at + timedelta(hours=1)
        if hour.astimezone(tz).utcoffset() != offset:
            while at.astimezone(tz).utcoffset() == offset:
                at += MINUTE
            offset = at.astimezone(tz).utcoffset()
            found.append(at)
        at = hour
    return tuple(found)


def looked_at(cron: str, walked: list[Minute]) -> list[Look]:
    """The matches of the rule for an observer who looks at the clock once a minute."""
    fields, found = _fields(cron), []
    shown: set[datetime] = {walked[0][1]}
    for (_, before), (at, local) in zip(walked, walked[1:], strict=False):
        if local - before > MINUTE and any(_fits(fields, time) for time in _between(before, local)):
            found.append((at, "missing"))
        if _fits(fields, local):
            found.append((at, "again" if local in shown else "plain"))
        shown.add(local)
    return found


def fired(
    cron: str, looks: list[Look], *, nonexistent: str = "next", repeated: str = "once"
) -> list[datetime]:
    """The instants at which the rule runs, by the matches and the policies."""
    if any(sign in " ".join(cron.split()[:2]) for sign in "*-/"):
        nonexistent, repeated = "skip", "twice"
    kinds = {"plain"}
    kinds |= {"missing"} if nonexistent == "next" else set()
    kinds |= {"again"} if repeated == "twice" else set()
    return sorted({at for at, kind in looks if kind in kinds})


def _between(before: datetime, local: datetime) -> Iterator[datetime]:
    """Local times that the clock jumped over."""
    time = before + MINUTE
    while time < local:
        yield time
        time += MINUTE


def _fits(fields: tuple[frozenset[int], ...], local: datetime) -> bool:
    minute, hour, day, month, weekday = fields
    return (
        local.minute in minute
        and local.hour in hour
        and local.day in day
        and local.month in month
        and local.isoweekday() % 7 in weekday
    )


@cache
def _fields(cron: str) -> tuple[frozenset[int], ...]:
    return tuple(
        frozenset(value for term in text.split(",") for value in _values(term, *limits))
        for text, limits in zip(cron.split(), LIMITS, strict=True)
    )


def _values(term: str, least: int, most: int) -> range:
    span, _, step = term.partition("/")
    low, _, high = span.partition("-")
    if span != "*":
        least, most = int(low), int(high or low)
    return range(least, most + 1, int(step or 1))
