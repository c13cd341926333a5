"""The next runs of a rule, as people look at them: local time, offset, and what is special about
a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from deployments.occurrences.rules import Rule
from deployments.occurrences.times import Found, earliest, find_cron, next_due, offset_at
from deployments.occurrences.words import offset_text

_TIME, _DAY = "%H:%M", "%Y-%m-%d"


@dataclass(frozen=True)
class PlannedRun:
    """One planned time: `at` in UTC, `local` on the clock of the rule's zone.

    `remark` says what daylight saving does to it, or to planned times just before it; empty on
    ordinary days.
    """

    at: datetime
    local: datetime
    remark: str = ""

    @property
    def offset(self) -> str:
        """How far local time is ahead of UTC, as in +02:00."""
        return offset_text(self.local.utcoffset() or timedelta())


def next_runs(rule: Rule, after: datetime, *, most: int) -> list[PlannedRun]:
    """What the rule names later than `after`, in order, at most that many.

    The instants are those of `next_due`, so that what is shown is what is fired.
    """
    zone = ZoneInfo(rule.timezone)
    found: list[PlannedRun] = []
    last = after
    while len(found) < (1 if rule.one_off else most):
        at = next_due(rule, last)
        if at is None:
            break
        found.append(PlannedRun(at, at.astimezone(zone), _remark(rule, last, zone)))
        last = at
    return found


def _remark(rule: Rule, after: datetime, zone: ZoneInfo) -> str:
    found = find_cron(rule, earliest(rule, after)) if rule.cron else None
    if found is None:
        return ""
    special = filter(None, (_of_gap(found, zone), _of_fold(rule, found, zone)))
    return " ".join(special) or _of_change(found, after, zone)


def _of_gap(found: Found, zone: ZoneInfo) -> str:
    if found.is_moved:
        shown = found.at.astimezone(zone)
        return (
            f"{found.local:{_TIME}} does not exist on {found.local:{_DAY}}: clocks are set "
            f"forward, so it runs at {shown:{_TIME}}."
        )
    if not found.skipped:
        return ""
    first, rest = found.skipped[0], len(found.skipped) - 1
    and_more = f" and {rest} more" if rest else ""
    verb = "do" if rest else "does"
    return (
        f"Before this, {first:{_TIME}}{and_more} on {first:{_DAY}} {verb} not exist, because "
        "clocks are set forward, and nothing runs for it."
    )


def _of_fold(rule: Rule, found: Found, zone: ZoneInfo) -> str:
    first, second = (found.local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if found.is_moved or first >= second:
        return ""
    comes = f"{found.local:{_TIME}} comes twice on {found.local:{_DAY}}, as clocks are set back:"
    if found.at == second:
        return f"{comes} this is the second."
    again = find_cron(rule, second - timedelta(seconds=1))
    if again is not None and again.at == second:
        return f"{comes} this is the first."
    return f"{comes} it runs at the first."


def _of_change(found: Found, after: datetime, zone: ZoneInfo) -> str:
    before, now = offset_at(after, zone), offset_at(found.at, zone)
    if now == before:
        return ""
    return f"Clocks are changed before this run: {offset_text(before)} → {offset_text(now)}."
