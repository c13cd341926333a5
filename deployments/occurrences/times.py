"""The instants of a rule: the next one, those due in a span, and the effects of daylight saving."""

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
# No zone changes its clocks twice within this, so equal ends mean no change in between.
_PROBE = timedelta(days=1)
# No change of clocks is larger than a day, so one further away than this decides nothing.
_NEAR = timedelta(days=2)


@dataclass
class CronMatch:
    """An instant (UTC) that a cron rule matches.

    `local` is the wall-clock time it stands for, which differs from the clock's where that time
    does not exist; `skipped` are the nonexistent local times that were passed over before it.
    """

    at: datetime
    local: datetime
    is_moved: bool = False
    skipped: list[datetime] = field(default_factory=list)


def next_due(rule: Rule, after: datetime) -> datetime | None:
    """The first instant (UTC) of the rule later than `after`; None if there are no more."""
    after = earliest(rule, after)
    due: datetime | None
    try:
        if rule.cron is not None:
            match = find_cron(rule, after)
            due = None if match is None else match.at
        else:
            every = timedelta(seconds=rule.every_seconds or 0)
            base = rule.anchor if rule.start is None else rule.start
            # The start is an occurrence itself; the anchor is not.
            first = 1 if rule.start is None else 0
            due = base + max((after - base) // every + 1, first) * every
    except (OverflowError, ValueError):
        return None  # Past the calendar's last year.
    return None if due is None or (rule.end is not None and due > rule.end) else due


def due_times(rule: Rule, first: datetime, until: datetime, *, most: int) -> list[datetime]:
    """`first` and all that follow up to `until`; the earliest `most` of them."""
    if rule.one_off:
        most = min(most, 1)
    times: list[datetime] = []
    due: datetime | None = first
    while due is not None and due <= until and len(times) < most:
        times.append(due)
        due = next_due(rule, due)
    return times


def reaching_back(rule: Rule, at: datetime) -> Rule:
    """The same rule with its anchor moved before `at`, on the same grid of seconds."""
    if rule.every_seconds is None or rule.start is not None or rule.anchor < at:
        return rule
    every = timedelta(seconds=rule.every_seconds)
    return replace(rule, anchor=rule.anchor - every * ((rule.anchor - at) // every + 1))


def jitter(name: str, due: datetime, most_seconds: int) -> timedelta:
    """A delay from 0 to `most_seconds`, always the same for one name and due time."""
    text = f"{name}|{due.timestamp():.6f}".encode()
    share = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") / 2**64
    return timedelta(milliseconds=round(most_seconds * 1000 * share))


def earliest(rule: Rule, after: datetime) -> datetime:
    """`after`, or the moment before the rule's start if that is later."""
    if rule.start is not None and after < rule.start:
        return rule.start - timedelta(microseconds=1)
    return after


# --- Cron in a zone whose clocks change -----------------------------------------------------------

# zoneinfo's own cache holds eight zones.
_zone = lru_cache(maxsize=1024)(ZoneInfo)


def offset_at(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def find_cron(rule: Rule, after: datetime) -> CronMatch | None:
    return _find_cron(
        rule.cron or "", rule.timezone, rule.nonexistent, rule.repeated, after.astimezone(UTC)
    )


# Many schedules share a rule and are due in the same second.
@lru_cache(maxsize=1024)
def _find_cron(
    cron: str, timezone: str, nonexistent: Nonexistent, repeated: Repeated, after: datetime
) -> CronMatch | None:
    wall = wall_clock(cron)
    zone = _zone(timezone)
    skipped: list[datetime] = []
    for match in _walk(wall, zone, after):
        if match.is_moved:
            if not wall.flows and nonexistent == "next":
                match.skipped = skipped
                return match
            skipped.append(match.local)
            continue
        # The clock may have shown this time before, until it was set back.
        first = match.local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if wall.flows or repeated == "twice" or first >= match.at:
            match.skipped = skipped
            return match
    return None


def _walk(wall: WallClock, zone: ZoneInfo, after: datetime) -> Iterator[CronMatch]:
    """All matching local times, in the order in which a clock on the wall reaches them.

    Times that the clock shows twice come twice; times that it jumps over come at the instant of
    the jump.
    """
    at = after.astimezone(UTC)
    offset = offset_at(at, zone)
    local = at.replace(tzinfo=None) + offset
    while (following := wall.after(local)) is not None:
        until = (following - offset).replace(tzinfo=UTC)
        change = _first_change(at, min(until, at + _NEAR), offset, zone)
        if change is None and until - at > 2 * _NEAR:
            # Jump close to the match: clock changes on the way decide nothing.
            at = until - _NEAR
            offset = offset_at(at, zone)
            local = at.replace(tzinfo=None) + offset
            continue
        change = change or _first_change(at, until, offset, zone)
        if change is None:
            at, local = until, following
            yield CronMatch(at, local)
            continue
        offset = offset_at(change, zone)
        clock = change.replace(tzinfo=None) + offset
        # Set forward, the clock never shows the times before; set back, it shows some again.
        while following is not None and following < clock:
            yield CronMatch(change, following, is_moved=True)
            following = wall.after(following)
        at, local = change, clock - _SECOND


def _first_change(
    at: datetime, until: datetime, offset: timedelta, zone: ZoneInfo
) -> datetime | None:
    """The first instant in (at, until] at which the zone's offset is not `offset`."""
    while at < until:
        probe = min(at + _PROBE, until)
        if offset_at(probe, zone) != offset:
            break
        at = probe
    else:
        return None
    same = at.replace(microsecond=0)
    changed = probe.replace(microsecond=0) + (_SECOND if probe.microsecond else timedelta())
    while changed - same > _SECOND:
        middle = (same + (changed - same) // 2).replace(microsecond=0)
        if offset_at(middle, zone) == offset:
            same = middle
        else:
            changed = middle
    return changed
