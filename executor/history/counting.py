"""Counts runs of the history by state and over time, over a limited number of rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models

from designs.runtime.cache import TimedCache
from executor.models import LIVE, Status

MAX_BARS = 96
# The rows that one count, and one chart, read at the most.
MAX_COUNTED = 10_000
MAX_CHARTED = 100_000
CACHED_SECONDS = 10.0
# What a bar may stand for, in seconds.
STEPS = (
    1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 432_000,
    864_000, 2_592_000,
)  # fmt: skip
# For each window its words, the seconds of a bar, and the number of bars.
WINDOWS = {
    "24h": ("24 hours", 900, 96),
    "7d": ("7 days", 7_200, 84),
    "30d": ("30 days", 28_800, 90),
    "1y": ("a year", 432_000, 73),
}
_cache: TimedCache[Any, Any] = TimedCache(seconds=CACHED_SECONDS, max_entries=500)


def cached(key: Any, read: Callable[[], Any]) -> Any:
    entry = _cache.get(key)
    if entry is not None:
        return entry.value
    generation = _cache.generation()
    value = read()
    _cache.put(key, value, generation)
    return value


# --- By state -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """Of the latest runs; `is_capped` if there are more than were counted."""

    all: int = 0
    live: int = 0
    failed: int = 0
    degraded: int = 0
    is_capped: bool = False


def counts_of(rows: Any) -> Counts:
    listed = rows.order_by("-id").values("status", "degraded")[: MAX_COUNTED + 1]
    found = grouped(listed, "status, degraded")
    by_state: Counter[str] = Counter()
    for status, degraded, count in found:
        by_state["all"] += count
        by_state[outcome_of(status, bool(degraded))] += count
    total = by_state["all"]
    counts = {name: by_state[name] for name in ("live", "failed", "degraded")}
    return Counts(min(total, MAX_COUNTED), **counts, is_capped=total > MAX_COUNTED)


def outcome_of(status: str, degraded: bool) -> str:
    if status in LIVE:
        return "live"
    if status in (Status.FAILED, Status.TIMED_OUT):
        return "failed"
    return "degraded" if degraded else status


# --- Over time ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """Bars of equal length from `start`; `step` in seconds."""

    start: datetime
    step: int
    bars: int

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.step * self.bars)

    def at(self, bar: int) -> datetime:
        return self.start + timedelta(seconds=self.step * bar)


@dataclass
class Bar:
    at: datetime
    end: datetime
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Histogram:
    window: Window
    bars: list[Bar]
    # From when on rows were read, if not all.
    read_from: datetime | None = None

    @property
    def total(self) -> int:
        return sum(sum(bar.counts.values()) for bar in self.bars)


def window_of(name: str, since: datetime | None, until: datetime | None, now: datetime) -> Window:
    """The named window up to now, or what holds the chosen span if it does not lie in it."""
    _, step, bars = WINDOWS.get(name, WINDOWS["24h"])
    end = math.ceil(now.timestamp() / step) * step
    window = Window(datetime.fromtimestamp(end - step * bars, UTC), step, bars)
    if all(window.start <= (at or now) <= window.end for at in (since, until)):
        return window
    last = until or max(window.end, since or now)
    first = since or last - timedelta(seconds=step * bars)
    return fitting(first, max(last, first + timedelta(minutes=1)))


def fitting(begin: datetime, end: datetime) -> Window:
    """Bars of a round length that cover the span."""
    seconds = (end - begin).total_seconds()
    step = next((step for step in STEPS if seconds <= step * (MAX_BARS - 1)), 0)
    step = step or math.ceil(seconds / (MAX_BARS - 1) / STEPS[-1]) * STEPS[-1]
    first = math.floor(begin.timestamp() / step)
    bars = math.ceil(end.timestamp() / step) - first
    return Window(datetime.fromtimestamp(first * step, UTC), step, max(1, min(bars, MAX_BARS)))


def histogram_of(rows: Any, window: Window) -> Histogram:
    """The rows by bar and outcome: by one query, of the latest MAX_CHARTED rows in the window."""
    # By the time alone: with conditions on ids, too, the planner expects few rows and sorts all.
    listed = (
        rows.filter(created_at__gte=window.start, created_at__lt=window.end)
        .order_by("-created_at")
        .annotate(bar=_BarOf("created_at", window))
        .values("bar", "status", "degraded")[:MAX_CHARTED]
    )
    bars = [Bar(window.at(number), window.at(number + 1)) for number in range(window.bars)]
    read, oldest = 0, window.bars
    for number, status, degraded, count in grouped(listed, "bar, status, degraded"):
        number = min(max(int(number), 0), window.bars - 1)
        bars[number].counts[outcome_of(status, bool(degraded))] += count
        read, oldest = read + count, min(oldest, number)
    return Histogram(window, bars, window.at(oldest) if read >= MAX_CHARTED else None)


class _BarOf(models.Func):
    """The number of the bar that a time falls into."""

    output_field = models.IntegerField()

    def __init__(self, column: str, window: Window) -> None:
        self.begin, self.step = int(window.start.timestamp()), window.step
        super().__init__(column)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        seconds = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        template = f"({seconds} - {self.begin}) / {self.step}"
        return self.as_sql(compiler, connection, template=template)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        seconds = "EXTRACT(EPOCH FROM %(expressions)s)"
        template = f"FLOOR(({seconds} - {self.begin}) / {self.step})::int"
        return self.as_sql(compiler, connection, template=template)


def grouped(listed: Any, columns: str) -> Iterable[tuple[Any, ...]]:
    """Counts the listed rows, which may be a slice, by these columns."""
    try:
        sql, params = listed.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns}, COUNT(*) FROM ({sql}) AS listed GROUP BY {columns}",  # noqa: S608
            params,
        )
        return cursor.fetchall()
