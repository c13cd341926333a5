"""The time line of schedules: what became of a day's planned times, and those of the next day."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from deployments.models import Occurrence, Schedule
from deployments.occurrences import next_allowed
from deployments.schedules import store
from designs.access import Caller
from executor.models import LIVE, Status

HOURS = 24
# Planned times nearer than this are one mark.
BIN_MINUTES = 15
BINS = HOURS * 60 // BIN_MINUTES
SHOWN_LINES = 20
MAX_PAST = 5_000
# Of each schedule ahead.
MAX_AHEAD = 200
WIDTH = 5
Outcome = Occurrence.Outcome
# The look of a mark, the worst last: it stands for all in its place.
LOOKS = ("ahead", "ok", "idle", "run", "warn", "bad")


@dataclass(frozen=True)
class Line:
    """A schedule with its marks: (x, look)."""

    schedule: Schedule
    words: str
    marks: list[tuple[int, str]]
    label: str


def lines_of(seen: Any, caller: Caller) -> list[Line]:
    """The schedules that come next, with one query for all that came."""
    now = timezone.now()
    begin = now - timedelta(hours=HOURS)
    rows = seen.filter(next_run_at__isnull=False, deployment__status="active")
    schedules = list(rows.order_by("next_run_at", "created_at")[:SHOWN_LINES])
    past = Occurrence.objects.for_caller(caller).filter(schedule__in=schedules, due_at__gte=begin)
    came: defaultdict[uuid.UUID, dict[int, str]] = defaultdict(dict)
    counts: defaultdict[uuid.UUID, int] = defaultdict(int)
    found = past.order_by("-due_at").values_list(
        "schedule_id", "due_at", "outcome", "execution__status", "execution__degraded"
    )
    for pk, due, outcome, status, degraded in found[:MAX_PAST]:
        _mark(came[pk], _bin_of(due, begin), _look(outcome, status, bool(degraded)))
        counts[pk] += 1
    return [_line(row, came[row.pk], counts[row.pk], begin, now) for row in schedules]


def _line(
    schedule: Schedule, marks: dict[int, str], came: int, begin: datetime, now: datetime
) -> Line:
    rule, end = store.readable_rule(schedule), now + timedelta(hours=HOURS)
    ahead = 0
    if rule is not None:
        after = now
        for _ in range(1 if rule.one_off else MAX_AHEAD):
            at = next_allowed(rule, schedule.exclusions, after).at
            if at is None or at > end:
                break
            ahead, after = ahead + 1, at
            _mark(marks, _bin_of(at, begin), "ahead")
    label = f"{came} planned times in the last 24 hours, {ahead} in the next 24"
    placed = [(number * WIDTH, look) for number, look in sorted(marks.items())]
    return Line(schedule, store.words_of(schedule), placed, label)


def _mark(marks: dict[int, str], number: int, look: str) -> None:
    before = marks.get(number, look)
    marks[number] = max(before, look, key=LOOKS.index)


def _bin_of(at: datetime, begin: datetime) -> int:
    number = int((at - begin) / timedelta(minutes=BIN_MINUTES))
    return max(0, min(number, 2 * BINS - 1))


def _look(outcome: str, status: str | None, degraded: bool) -> str:
    if outcome == Outcome.WAITING or status in LIVE:
        return "run"
    if outcome == Outcome.RAN:
        if status in (Status.FAILED, Status.TIMED_OUT):
            return "bad"
        return "warn" if degraded else "ok"
    return "warn" if outcome in (Outcome.SKIPPED_MISFIRE, Outcome.SKIPPED_OVERLAP) else "idle"
