"""The next runs of many schedules, in order."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.models import Schedule
from deployments.occurrences import in_words, next_allowed
from deployments.schedules.store import readable_rule


@dataclass(frozen=True)
class UpcomingRun:
    at: datetime
    schedule: Schedule
    words: str


def upcoming_runs(schedules: Any, *, most: int, of_each: int = 3) -> list[UpcomingRun]:
    """The next `most` runs of these schedules (a queryset with their rules).

    At most `of_each` schedule, so that one of every second does not hide all others. Without those
    of inactive deployments, which would be skipped.
    """
    rows = schedules.filter(next_run_at__isnull=False, deployment__status="active")
    # Schedules after the first `most` cannot be among the next runs.
    heap = [
        (row.next_run_at, n, row)
        for n, row in enumerate(rows.order_by("next_run_at", "created_at")[:most])
    ]
    upcoming: list[UpcomingRun] = []
    left: dict[int, int] = {}
    while heap and len(upcoming) < most:
        at, n, row = heapq.heappop(heap)
        rule = readable_rule(row)
        if rule is None:
            continue
        upcoming.append(UpcomingRun(at, row, in_words(rule)))
        left[n] = left.get(n, of_each) - 1
        may_follow = left[n] and not rule.one_off
        following = next_allowed(rule, row.exclusions, at).at if may_follow else None
        if following is not None:
            heapq.heappush(heap, (following, n, row))
    return upcoming
