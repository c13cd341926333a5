"""Days on which nothing runs: which planned times they leave out, and the next one after them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from deployments.occurrences.rules import Rule
from deployments.occurrences.times import next_due

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Exclusions:
    """Days, as spans in order that neither overlap nor touch: (first day, last day)."""

    spans: tuple[tuple[date, date], ...] = ()

    def span_of(self, day: date) -> tuple[date, date] | None:
        """The span that holds the day; None for a day on which runs are allowed."""
        place = bisect_right(self.spans, day, key=lambda span: span[0])
        span = self.spans[place - 1] if place else None
        return span if span is not None and span[1] >= day else None

    @property
    def days(self) -> int:
        return sum((last - first).days + 1 for first, last in self.spans)


NO_EXCLUSIONS = Exclusions()


def exclusions_of(spans: Iterable[tuple[date, date]]) -> Exclusions:
    """Sorts the spans, and joins those that overlap or touch."""
    joined: list[tuple[date, date]] = []
    for first, last in sorted(spans):
        if joined and (first <= joined[-1][1] or first - joined[-1][1] == _DAY):
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return Exclusions(tuple(joined))


@dataclass(frozen=True)
class AllowedRun:
    """The next time that is not left out, and the spans of days that were passed over before it."""

    at: datetime | None
    left_out: tuple[tuple[date, date], ...] = ()


def is_left_out(rule: Rule, excluded: Exclusions, at: datetime) -> bool:
    """Whether the planned time lies on an excluded day of the rule's zone."""
    return excluded.span_of(_day_of(rule, at)) is not None


def next_allowed(rule: Rule, excluded: Exclusions, after: datetime) -> AllowedRun:
    """The first planned time later than `after` that is not on an excluded day.

    It jumps from the first planned time of a span to the span's end, so that its cost grows with
    the number of spans and not with the number of planned times in them.
    """
    left_out: list[tuple[date, date]] = []
    while (due := next_due(rule, after)) is not None:
        span = excluded.span_of(_day_of(rule, due))
        if span is None:
            return AllowedRun(due, tuple(left_out))
        left_out.append(span)
        after = max(due, _end_of(rule, span[1]) - _MOMENT)
    return AllowedRun(None, tuple(left_out))


def _day_of(rule: Rule, at: datetime) -> date:
    return at.astimezone(ZoneInfo(rule.timezone)).date()


def _end_of(rule: Rule, day: date) -> datetime:
    """The first moment after that day in the rule's zone.

    A midnight that clocks jump over is the moment of the jump.
    """
    midnight = datetime.combine(day + _DAY, time.min, ZoneInfo(rule.timezone))
    return midnight.astimezone(UTC)
