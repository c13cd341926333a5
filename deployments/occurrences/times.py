"""From a rule to instants: the next one, those that were due, and what daylight saving does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from deployments.occurrences.cron import WallClock, wall_clock
from deployments.occurrences.rules import Nonexistent, Repeated, Rule

_SECOND = timedelta(seconds=1)
# No zone changes its clocks twice within this, so that equal ends mean no change between.
_PROBE = timedelta(days=1)
# No change of clocks is larger than a day, so that further away it decides nothing.
_NEAR = timedelta(days=2)


@dataclass
class Found:
    """An instant (UTC) that a cron rule names.

    `local` is the wall-clock time it stands for, which differs from the clock's where that time
    does not exist; `skipped` are the local times without an instant that were passed by.
    """

    at: datetime
    local: datetime
    is_moved: bool = False
    skipped: list[datetime] = field(default_factory=list)


def next_due(rule: Rule, after: datetime) -> datetime | None:
    """The first instant (UTC) later than `after` that the rule names; None when there is no
    more.
    """
    after = earliest(rule, after)
    try:
        if rule.cron is None:
            found: datetime | None = _next_every(rule, after)
        else:
            cron = find_cron(rule, after)
            found = None if cron is None else cron.at
    except (OverflowError, ValueError):
        return None  # Beyond the calendar's last year.
    return None if found is None or (rule.end is not None and found > rule.end) else found


def due_times(rule: Rule, first: datetime, until: datetime, *, most: int) -> list[datetime]:
    """`first` and all that follow up to `until`, at most that many (the earliest)."""
    if rule.one_off:
        most = min(most, 1)
    found: list[datetime] = []
    due: datetime | None = first
    while due is not None and due <= until and len(found) < most:
        found.append(due)
        due = next_due(rule, due)
    return found


def reaching_back(rule: Rule, at: datetime) -> Rule:
    """The same rule for times before it was set: seconds are counted from the anchor backwards."""
    if rule.every_seconds is None or rule.start is not None or rule.anchor < at:
        return rule
    every = timedelta(seconds=rule.every_seconds)
    return replace(rule, anchor=rule.anchor - every * ((rule.anchor - at) // every + 1))


def jitter(name: str, due: datetime, most_seconds: int) -> timedelta:
    """How much later than `due` it starts, 0 to `most_seconds`: always the same for name and due
    time.
    """
    text = f"{name}|{due.timestamp():.6f}".encode()
    share = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") / 2**64
    return timedelta(milliseconds=round(most_seconds * 1000 * share))


def earliest(rule: Rule, after: datetime) -> datetime:
    """`after`, or the moment before the rule's start if that is later."""
    if rule.start is not None and after < rule.start:
        return rule.start - timedelta(microseconds=1)
    return after


def _next_every(rule: Rule, after: datetime) -> datetime:
    every = timedelta(seconds=rule.every_seconds or 0)
    from_start = rule.start is not None
    base = rule.start if rule.start is not None else rule.anchor
    passed = (after - base) // every
    return base + max(passed + 1, 0 if from_start else 1) * every


# --- Cron in a zone whose clocks are changed ------------------------------------------------------


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def offset_at(at: datetime, zone: ZoneInfo) -> timedelta:
    """How far the zone's clocks are ahead of UTC at that instant."""
    return at.astimezone(zone).utcoffset() or timedelta()


def find_cron(rule: Rule, after: datetime) -> Found | None:
    """The first instant later than `after`, with what it stands for."""
    return _find_cron(
        rule.cron or "", rule.timezone, rule.nonexistent, rule.repeated, after.astimezone(UTC)
    )


# Many schedules say the same, and come due at the same second: that is counted out once.
@lru_cache(maxsize=1024)
def _find_cron(
    cron: str, timezone: str, nonexistent: Nonexistent, repeated: Repeated, after: datetime
) -> Found | None:
    wall = wall_clock(cron)
    zone = _zone(timezone)
    skipped: list[datetime] = []
    for found in _walk(wall, zone, after):
        if found.is_moved and (wall.flows or nonexistent == "skip"):
            skipped.append(found.local)
        elif wall.flows or repeated == "twice" or not _came_before(found, zone):
            found.skipped = skipped
            return found
    return None


def _walk(wall: WallClock, zone: ZoneInfo, after: datetime) -> Iterator[Found]:
    """All local times that the clock names, in the order in which a clock on the wall comes to
    them: those that come twice are told twice, those jumped over at the instant of the jump.
    """
    at = after.astimezone(UTC)
    offset = offset_at(at, zone)
    local = at.replace(tzinfo=None) + offset
    while (found := wall.after(local)) is not None:
        until = _instant(found, offset)
        change = _first_change(at, min(until, at + _NEAR), offset, zone)
        if change is None and until - at > 2 * _NEAR:
            # Between here and the days before it the rule names nothing, whatever clocks do.
            at = until - _NEAR
            offset = offset_at(at, zone)
            local = at.replace(tzinfo=None) + offset
            continue
        change = change or _first_change(at, until, offset, zone)
        if change is None:
            at, local = until, found
            yield Found(at, found)
            continue
        offset = offset_at(change, zone)
        shown = change.replace(tzinfo=None) + offset
        # Set forward, the clock never shows what lies before; set back, it shows some times again.
        while found is not None and found < shown:
            yield Found(change, found, is_moved=True)
            found = wall.after(found)
        at, local = change, shown - _SECOND


def _first_change(
    at: datetime, until: datetime, offset: timedelta, zone: ZoneInfo
) -> datetime | None:
    """The first instant in (at, until] at which the clocks differ from `offset`."""
    while at < until:
        probe = min(at + _PROBE, until)
        if offset_at(probe, zone) != offset:
            return _bisect(at, probe, offset, zone)
        at = probe
    return None


def _bisect(same: datetime, changed: datetime, offset: timedelta, zone: ZoneInfo) -> datetime:
    same = same.replace(microsecond=0)
    changed = changed.replace(microsecond=0) + (_SECOND if changed.microsecond else timedelta())
    while changed - same > _SECOND:
        middle = (same + (changed - same) // 2).replace(microsecond=0)
        if offset_at(middle, zone) == offset:
            same = middle
        else:
            changed = middle
    return changed


def _instant(local: datetime, offset: timedelta) -> datetime:
    return (local - offset).replace(tzinfo=UTC)


def _came_before(found: Found, zone: ZoneInfo) -> bool:
    """Whether the clock showed this time once already, before it was set back."""
    return (
        not found.is_moved and found.local.replace(tzinfo=zone, fold=0).astimezone(UTC) < found.at
    )
