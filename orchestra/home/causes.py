"""Runs that ended badly in a window, by what they have in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from designs.access import Caller
from designs.pictures.charts import Mark
from executor.models import Execution, Status
from executor.models.causes import cause_label
from orchestra.frame.standing import key_of
from orchestra.home.keeping import kept
from orchestra.home.windows import Window

BAD = (Status.FAILED, Status.TIMED_OUT)
# The newest ones; more would say the same.
MAX_FAILURES = 2_000
SHOWN = 6
SHOWN_PATHS = 2
HOUR = timedelta(hours=1)


@dataclass
class Failures:
    """Runs with one cause. `since` is when the first of those in the last hour was accepted."""

    cause: str
    status: str
    latest_id: Any
    latest_at: datetime
    marks: list[int]
    where: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    in_last_hour: int = 0
    since: datetime | None = None

    @property
    def label(self) -> str:
        unknown = "Timed out" if self.status == Status.TIMED_OUT else "Failed, cause unknown"
        return cause_label(self.cause) or unknown

    @property
    def paths(self) -> str:
        shown = [path for path, _ in self.where.most_common(SHOWN_PATHS)]
        return ", ".join(shown) + self._rest

    @property
    def counted_paths(self) -> str:
        shown = [f"{path} {runs:,}" for path, runs in self.where.most_common(SHOWN_PATHS)]
        return " · ".join(shown) + self._rest

    @property
    def _rest(self) -> str:
        more = len(self.where) - SHOWN_PATHS
        return f" and {more} more" if more > 0 else ""

    @property
    def spark(self) -> list[Mark]:
        return [Mark(runs, "bad" if runs else "off") for runs in self.marks]


def failures(caller: Caller, window: Window) -> list[Failures]:
    """The most frequent causes first. One query."""
    key = key_of(f"failures-{window.key}-{window.since:%d%H}", caller)
    found: list[Failures] = kept(key, list, lambda: _read(caller, window))
    return found


def _read(caller: Caller, window: Window) -> tuple[list[Failures], int]:
    """With the number of runs."""
    rows = Execution.objects.for_caller(caller).created_from(window.since)
    rows = rows.filter(status__in=BAD).order_by("-id")
    found: dict[tuple[str, str], Failures] = {}
    an_hour_ago = timezone.now() - HOUR
    columns = ("id", "cause", "status", "created_at", "deployment__endpoint_path", "design__name")
    for pk, cause, status, at, path, design in rows.values_list(*columns)[:MAX_FAILURES]:
        key = (cause, "") if cause else ("", status)
        if key not in found:
            found[key] = Failures(cause or "", status, pk, at, [0] * window.steps)
        row = found[key]
        row.runs += 1
        row.where[path or design] += 1
        row.marks[window.place(at)] += 1
        if at >= an_hour_ago:
            row.in_last_hour += 1
            row.since = at
    read = sorted(found.values(), key=lambda row: (-row.runs, row.cause))
    return read, sum(row.runs for row in read)
