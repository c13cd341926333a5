"""Adds up ended executions by deployment, day and hour, in batches, and reads the sums.

An execution carries a mark once it is counted: so each is counted once, whatever process dies, and
what is not counted yet is small and has an index of its own. No run writes a row of totals.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from time import sleep
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from designs.access import Caller
from designs.runtime.turns import Turn, take_turn
from executor.models import LIVE, DailyTotals, Execution, HourlyTotals, Status
from executor.models.durations import Durations, together
from executor.models.totals import start_of_hour

BATCH = 500
RECENT_DAYS = 30
HOURS_KEPT = timedelta(days=3)
# What the sums need of a row, and nothing that is large.
_READ = (
    "deployment_id", "design_id", "status", "degraded", "trigger_type", "created_at", "started_at",
    "completed_at", "model_calls", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip


def add_up(*, rest_seconds: float = 0.0) -> int:
    """Count what has ended since the last time; returns how many. May be called anywhere, often.

    `rest_seconds` after each batch leave others room, where a long history is added up first.
    """
    total = 0
    while True:
        counted = _add_batch()
        total += counted
        if counted < BATCH:
            return total
        sleep(rest_seconds)


def _add_batch() -> int:
    with transaction.atomic():
        if not take_turn(Turn.TOTALS):
            return 0
        ended = Execution.objects.uncounted().exclude(status__in=LIVE).order_by()
        runs = list(ended.only(*_READ)[:BATCH])
        if runs:
            Execution.objects.filter(pk__in=[run.pk for run in runs]).update(is_counted=True)
            _add(runs)
    return len(runs)


def _add(runs: list[Execution]) -> None:
    _add_to(DailyTotals, runs)
    late = timezone.now() - HOURS_KEPT
    _add_to(HourlyTotals, [run for run in runs if (run.completed_at or run.created_at) > late])


def _add_to(model: Any, runs: list[Execution]) -> None:
    places = {model.place_of(run): run.design_id for run in runs}
    stored = model.objects.filter(
        Q(deployment__in={one for one, _, _ in places if one})
        | Q(deployment=None, design__in={two for _, two, _ in places if two}),
        **{f"{model.TIME}__in": {at for _, _, at in places}},
    )
    known = {
        (
            row.deployment_id,
            None if row.deployment_id else row.design_id,
            getattr(row, model.TIME),
        ): row
        for row in stored
    }
    for run in runs:
        place = model.place_of(run)
        if place not in known:
            known[place] = model(
                deployment_id=place[0], design_id=places[place], **{model.TIME: place[2]}
            )
        known[place].add(run)
    for place in places:
        known[place].save()


def old_hours() -> Any:
    """What no figure of the last 24 hours needs any more."""
    return HourlyTotals.objects.filter(hour__lt=timezone.now() - HOURS_KEPT)


@dataclass(frozen=True)
class Sums:
    """What some runs came to. `cost_usd` is None where no price is known."""

    runs: int = 0
    completed: int = 0
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None

    def __add__(self, other: Sums) -> Sums:
        costs = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        values = {name: getattr(self, name) + getattr(other, name) for name in _NUMBERS}
        return Sums(**values, cost_usd=sum(costs, Decimal(0)) if costs else None)


_NUMBERS = (
    "runs", "completed", "failed", "timed_out", "cancelled", "model_calls", "input_tokens",
    "output_tokens",
)  # fmt: skip


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def a_day_ago() -> datetime:
    """The start of the hour of 24 hours ago: from there on the last day is counted."""
    return start_of_hour(timezone.now().astimezone(UTC) - timedelta(hours=24))


def sums_of_last_day(caller: Caller) -> Sums:
    """Of the executions that ended since `a_day_ago` and are there for the caller."""
    since = a_day_ago()
    counted = HourlyTotals.objects.for_caller(caller).filter(hour__gte=since)
    ended = Execution.objects.for_caller(caller).uncounted().exclude(status__in=LIVE)
    return _sums(counted.aggregate(**_of_totals())) + _sums(
        ended.filter(completed_at__gte=since).aggregate(**_of_rows())
    )


def durations_of(deployment_id: uuid.UUID, *, days: int = RECENT_DAYS) -> Durations:
    """How many of a deployment's executions of the last days took how long, for percentiles."""
    since = today() - timedelta(days=days - 1)
    rows = DailyTotals.objects.filter(deployment=deployment_id, day__gte=since).order_by()
    return together(rows.values_list("durations", flat=True))


def sums_of_deployments(pks: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Sums]]:
    """For each deployment the sums of `today`, `last_30_days` and `total`; live runs are counted
    as runs. Six queries, whatever the number.
    """
    found = {pk: dict.fromkeys(("today", "last_30_days", "total"), Sums()) for pk in pks}
    since = {
        "today": today(),
        "last_30_days": today() - timedelta(days=RECENT_DAYS - 1),
        "total": date.min,
    }
    totals = DailyTotals.objects.filter(deployment__in=found).order_by()
    rows = Execution.objects.uncounted().filter(deployment__in=found).order_by()
    for name, day in since.items():
        begun = Q() if name == "total" else Q(day__gte=day)
        late = Q() if name == "total" else Q(completed_at=None) | Q(completed_at__gte=_start(day))
        parts: tuple[Any, ...] = (
            totals.filter(begun).values("deployment").annotate(**_of_totals()),
            rows.filter(late).values("deployment").annotate(**_of_rows()),
        )
        for one in chain.from_iterable(parts):
            windows = found[one["deployment"]]
            windows[name] += _sums(one)
    return found


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _sums(values: dict[str, Any]) -> Sums:
    """From an aggregate, whose names begin with `sum_`; nothing is 0, but of the cost."""
    numbers = {name: values[f"sum_{name}"] or 0 for name in _NUMBERS}
    return Sums(**numbers, cost_usd=values["sum_cost_usd"])


def _of_totals() -> dict[str, Any]:
    return {f"sum_{name}": Sum(name) for name in (*_NUMBERS, "cost_usd")}


def _of_rows() -> dict[str, Any]:
    ends = {name: Count("pk", filter=Q(status=Status(name))) for name in _NUMBERS[1:5]}
    spent = {name: Sum(name) for name in (*_NUMBERS[5:], "cost_usd")}
    every = {"runs": Count("pk"), **ends, **spent}
    return {f"sum_{name}": value for name, value in every.items()}
