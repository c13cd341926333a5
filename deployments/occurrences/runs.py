"""The next runs of a rule as people read them: local time, offset, and notes on daylight saving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from deployments.occurrences.rules import Rule
from deployments.occurrences.times import CronMatch, earliest, find_cron, next_due, offset_at
from deployments.occurrences.words import offset_text

_TIME, _DAY = "%H:%M", "%Y-%m-%d"


@dataclass(frozen=True)
class PlannedRun:
    """One planned time: `at` in UTC, `local` in the rule's zone.

    `remark` explains what daylight saving does to it or to planned times just before it.
    """

    at: datetime
    local: datetime
    remark: str = ""

    @property
    def offset(self) -> str:
        return offset_text(self.local.utcoffset() or timedelta())


def next_runs(rule: Rule, after: datetime, *, most: int) -> list[PlannedRun]:
    """The first `most` runs later than `after`, at the instants at which `next_due` fires them."""
    zone = ZoneInfo(rule.timezone)
    runs: list[PlannedRun] = []
    last = after
    while len(runs) < (1 if rule.one_off else most):
        at = next_due(rule, last)
        if at is None:
            break
        runs.append(PlannedRun(at, at.astimezone(zone), _remark(rule, last, zone)))
        last = at
    return runs


def _remark(rule: Rule, after: datetime, zone: ZoneInfo) -> str:
    match = find_cron(rule, earliest(rule, after)) if rule.cron else None
    if match is None:
        return ""
    if remarks := [text for text in (_gap(match, zone), _fold(rule, match, zone)) if text]:
        return " ".join(remarks)
    before, now = offset_at(after, zone), offset_at(match.at, zone)
    if now == before:
        return ""
    return f"Clocks are changed before this run: {offset_text(before)} → {offset_text(now)}."


def _gap(match: CronMatch, zone: ZoneInfo) -> str:
    if match.is_moved:
        actual = match.at.astimezone(zone)
        return (
            f"{match.local:{_TIME}} does not exist on {match.local:{_DAY}}: clocks are set "
            f"forward, so it runs at {actual:{_TIME}}."
        )
    if not match.skipped:
        return ""
    first, rest = match.skipped[0], len(match.skipped) - 1
    and_more, verb = (f" and {rest} more", "do") if rest else ("", "does")
    return (
        f"Before this, {first:{_TIME}}{and_more} on {first:{_DAY}} {verb} not exist, because "
        "clocks are set forward, and nothing runs for it."
    )


def _fold(rule: Rule, match: CronMatch, zone: ZoneInfo) -> str:
    first, second = (match.local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if match.is_moved or first >= second:
        return ""
    comes = f"{match.local:{_TIME}} comes twice on {match.local:{_DAY}}, as clocks are set back:"
    if match.at == second:
        return f"{comes} this is the second."
    again = find_cron(rule, second - timedelta(seconds=1))
    if again is not None and again.at == second:
        return f"{comes} this is the first."
    return f"{comes} it runs at the first."
