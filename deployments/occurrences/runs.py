"""The next runs of a rule as people read them: local time, offset, and notes on daylight saving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from deployments.occurrences.exclusions import NO_EXCLUSIONS, Exclusions, next_allowed
from deployments.occurrences.rules import Rule
from deployments.occurrences.times import CronMatch, earliest, find_cron, offset_at
from deployments.occurrences.words import offset_text

_TIME, _DAY = "%H:%M", "%Y-%m-%d"
_MAX_SPANS = 3


@dataclass(frozen=True)
class PlannedRun:
    """One planned time: `at` in UTC, `local` in the rule's zone.

    `remark` explains what daylight saving does to it or to planned times just before it. `left_out`
    are the excluded spans of days before it on which it was planned.
    """

    at: datetime
    local: datetime
    remark: str = ""
    left_out: tuple[tuple[date, date], ...] = ()

    @property
    def offset(self) -> str:
        return offset_text(self.local.utcoffset() or timedelta())


def next_runs(
    rule: Rule, after: datetime, *, most: int, excluded: Exclusions = NO_EXCLUSIONS
) -> list[PlannedRun]:
    """The first `most` runs later than `after`, at the instants at which `next_due` fires them,
    without those on excluded days.
    """
    zone = ZoneInfo(rule.timezone)
    runs: list[PlannedRun] = []
    last = after
    while len(runs) < (1 if rule.one_off else most):
        allowed = next_allowed(rule, excluded, last)
        at = allowed.at
        if at is None:
            break
        # What the clocks do to times that are left out is of no interest.
        before = at - timedelta(seconds=1) if allowed.left_out else last
        remarks = [_left_out(allowed.left_out), _remark(rule, before, zone)]
        text = " ".join(remark for remark in remarks if remark)
        runs.append(PlannedRun(at, at.astimezone(zone), text, allowed.left_out))
        last = at
    return runs


def _left_out(spans: tuple[tuple[date, date], ...]) -> str:
    if not spans:
        return ""
    shown = [
        f"{first:{_DAY}}" if first == last else f"{first:{_DAY}} to {last:{_DAY}}"
        for first, last in spans[:_MAX_SPANS]
    ]
    more = f" and {len(spans) - _MAX_SPANS} more" if len(spans) > _MAX_SPANS else ""
    return f"Left out before this by the calendar: {', '.join(shown)}{more}."


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
