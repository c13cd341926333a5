"""Runs, durations and costs of a window: from the totals, and from what they do not count yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum
from django.urls import reverse

from designs.access import Caller
from designs.pictures.charts import Bars, Column, Line, Lines
from executor.history.durations import as_duration
from executor.models import LIVE, Execution, Status
from executor.models.durations import Durations, bucket_of, merge, percentile
from orchestra.frame.standing import key_of
from orchestra.home.keeping import kept
from orchestra.home.windows import Window

# Runs that ended since the totals were added up last; more would be an installation in trouble.
MAX_UNCOUNTED = 2_000
DEAREST = 4
KINDS = {"ok": "completed", "warn": "degraded", "bad": "failed", "off": "cancelled"}
TRIES = "Tries of designs"
_COLUMNS = (
    "deployment_id", "deployment__endpoint_path", "completed", "degraded", "failed", "timed_out",
    "cancelled", "cost_usd", "durations",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """The totals of some runs of one deployment in one step."""

    place: int
    deployment_id: Any
    path: str
    kinds: Mapping[str, int]
    cost_usd: Decimal | None
    durations: Mapping[str, int]


@dataclass
class OfDeployment:
    path: str
    deployment_id: Any = None
    runs: int = 0
    degraded: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)

    def add(self, part: Part) -> None:
        self.runs += sum(part.kinds.values())
        self.degraded += part.kinds.get("warn", 0)
        self.cost_usd += part.cost_usd or 0


@dataclass(frozen=True)
class Figures:
    """`degraded` are the deployments with degraded runs."""

    window: Window
    kinds: Mapping[str, int]
    share: float | None
    share_before: float | None
    cost_usd: Decimal | None
    dearest: list[OfDeployment]
    degraded: list[OfDeployment]
    median_ms: int | None
    most_ms: int | None
    bars: Bars
    lines: Lines

    @property
    def ended(self) -> int:
        return sum(self.kinds.values())

    @property
    def change(self) -> float | None:
        """In points of a hundred; None where nothing ran before."""
        if self.share is None or self.share_before is None:
            return None
        return round(self.share - self.share_before, 1)

    @property
    def change_words(self) -> str:
        points = self.change or 0
        unit = "point" if abs(points) == 1 else "points"
        return f"{abs(points):g} {unit} {'fewer' if points < 0 else 'more'}"


def figures(caller: Caller, window: Window) -> Figures:
    """Three queries. What took many rows is kept for a while: the page refreshes itself."""

    def read() -> tuple[Figures, int]:
        parts = [*_counted(caller, window), *_uncounted(caller, window)]
        return _figures(parts, _before(caller, window), window), len(parts)

    key = key_of(f"figures-{window.key}-{window.since:%d%H}", caller)
    found: Figures = kept(key, Figures, read)
    return found


def _figures(parts: list[Part], share_before: float | None, window: Window) -> Figures:
    steps = [dict.fromkeys(KINDS, 0) for _ in range(window.steps)]
    durations: list[Durations] = [{} for _ in range(window.steps)]
    deployments: dict[Any, OfDeployment] = {}
    cost: Decimal | None = None
    for part in parts:
        row = deployments.get(part.deployment_id)
        if row is None:
            row = OfDeployment(part.path or TRIES, part.deployment_id)
            deployments[part.deployment_id] = row
        row.add(part)
        _add(steps[part.place], part.kinds)
        _add(durations[part.place], part.durations)
        if part.cost_usd is not None:
            cost = (cost or Decimal(0)) + part.cost_usd
    kinds = {kind: sum(step[kind] for step in steps) for kind in KINDS}
    every = merge(durations)
    return Figures(
        window=window,
        kinds=kinds,
        share=_share(kinds),
        share_before=share_before,
        cost_usd=cost,
        dearest=_dearest(deployments),
        degraded=[row for row in deployments.values() if row.deployment_id and row.degraded],
        median_ms=percentile(every, 50),
        most_ms=percentile(every, 95),
        bars=_bars(steps, window),
        lines=_lines(durations, window),
    )


def _add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    for name, number in more.items():
        sums[name] = sums.get(name, 0) + number


def _counted(caller: Caller, window: Window) -> Iterator[Part]:
    rows = window.totals.objects.for_caller(caller).filter(**window.between()).order_by()
    for at, *columns in rows.values_list(window.totals.TIME, *_COLUMNS):
        pk, path, completed, degraded, failed, timed_out, cancelled, cost, durations = columns
        kinds = _kinds(completed, degraded, failed + timed_out, cancelled)
        yield Part(window.place(at), pk, path, kinds, cost, durations)


def _uncounted(caller: Caller, window: Window) -> Iterator[Part]:
    rows = Execution.objects.for_caller(caller).uncounted().exclude(status__in=LIVE).order_by()
    rows = rows.filter(completed_at__gte=window.since).select_related("deployment")
    rows = rows.only(
        "status", "degraded", "started_at", "completed_at", "waited_ms", "cost_usd",
        "deployment__endpoint_path",
    )  # fmt: skip
    for run in rows[:MAX_UNCOUNTED]:
        is_completed = run.status == Status.COMPLETED
        is_off = run.status == Status.CANCELLED
        is_bad = not (is_completed or is_off)
        kinds = _kinds(is_completed, is_completed and run.degraded, is_bad, is_off)
        ms = run.duration_ms
        durations = {} if ms is None else {str(bucket_of(ms)): 1}
        path = run.deployment.endpoint_path if run.deployment else ""
        place = window.place(run.completed_at or window.since)
        yield Part(place, run.deployment_id, path, kinds, run.cost_usd, durations)


def _kinds(completed: int, degraded: int, bad: int, cancelled: int) -> dict[str, int]:
    degraded = min(degraded, completed)
    return {
        "ok": int(completed - degraded), "warn": int(degraded), "bad": int(bad),
        "off": int(cancelled),
    }  # fmt: skip


def _share(kinds: Mapping[str, int]) -> float | None:
    """The percentage that succeeded; cancelled runs neither did nor failed."""
    good = kinds.get("ok", 0) + kinds.get("warn", 0)
    ended = good + kinds.get("bad", 0)
    return round(100 * good / ended, 1) if ended else None


def _before(caller: Caller, window: Window) -> float | None:
    rows = window.totals.objects.for_caller(caller).filter(**window.between(back=1))
    names = ("completed", "failed", "timed_out")
    sums = rows.aggregate(**{f"sum_{name}": Sum(name) for name in names})
    completed, failed, timed_out = (sums[f"sum_{name}"] or 0 for name in names)
    return _share(_kinds(completed, 0, failed + timed_out, 0))


def _dearest(deployments: Mapping[Any, OfDeployment]) -> list[OfDeployment]:
    """The dearest of them, and all others in one."""
    rows = sorted(deployments.values(), key=lambda row: (-row.cost_usd, row.path))
    rows = [row for row in rows if row.cost_usd]
    if len(rows) <= DEAREST:
        return rows
    rest = sum((row.cost_usd for row in rows[DEAREST - 1 :]), Decimal(0))
    others = OfDeployment(f"{len(rows) - DEAREST + 1} others", cost_usd=rest)
    return [*rows[: DEAREST - 1], others]


# --- Charts ---------------------------------------------------------------------------------------


def _bars(steps: Sequence[Mapping[str, int]], window: Window) -> Bars:
    ticks = window.ticks()
    columns = [
        Column(
            kinds,
            title=f"{window.title(place)}: {_told(kinds)}",
            url=_history(window, place) if any(kinds.values()) else "",
            tick=ticks.get(place, ""),
        )
        for place, kinds in enumerate(steps)
    ]
    unit = "an hour" if window.is_by_hour else "a day"
    return Bars(f"Runs {unit} over the last {window.words}", columns)


def _history(window: Window, place: int) -> str:
    """The runs of that time."""
    start = window.starts[place]
    times = [f"{at:%Y-%m-%dT%H:%M}" for at in (start, start + window.step)]
    query = urlencode({"since": times[0], "until": times[1], "zone": "UTC"})
    return f"{reverse('executor:execution-list')}?{query}"


def _told(kinds: Mapping[str, int]) -> str:
    told = [f"{kinds[kind]:,} {word}" for kind, word in KINDS.items() if kinds[kind]]
    return ", ".join(told) or "no runs"


def _lines(steps: Sequence[Durations], window: Window) -> Lines:
    return Lines(
        f"Duration over the last {window.words}",
        [
            Line("median", [percentile(durations, 50) for durations in steps]),
            Line("95 %", [percentile(durations, 95) for durations in steps], kind="band"),
        ],
        words=_in_words,
        ticks=window.ticks(),
    )


def _in_words(ms: float) -> str:
    return as_duration(round(ms))
