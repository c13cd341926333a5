"""Adds up ended executions by deployment, day, hour and version, in batches; reads the sums.

Counted executions are marked in the same transaction, so each is counted once; the few uncounted
ones have an index of their own. Runs do not write totals themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
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
from executor.models import LIVE, DailyTotals, Execution, HourlyTotals, Status, VersionTotals
from executor.models.durations import Durations, merge, percentile
from executor.models.totals import start_of_hour

BATCH = 500
RECENT_DAYS = 30
HOURS_KEPT = timedelta(days=3)
# The columns that totals need.
_COLUMNS = (
    "deployment_id", "design_id", "version_id", "status", "degraded", "trigger_type", "created_at",
    "started_at", "completed_at", "waited_ms", "model_calls", "input_tokens", "output_tokens",
    "cost_usd",
)  # fmt: skip


def add_up(*, rest_seconds: float = 0.0) -> int:
    """Count the executions that have ended since the last time; returns their number.

    Any process may call it, at any time. It sleeps `rest_seconds` between the batches.
    """
    total = 0
    while True:
        runs: list[Execution] = []
        with transaction.atomic():
            if take_turn(Turn.TOTALS):
                ended = Execution.objects.uncounted().exclude(status__in=LIVE).order_by()
                runs = list(ended.only(*_COLUMNS)[:BATCH])
            if runs:
                Execution.objects.filter(pk__in=[run.pk for run in runs]).update(is_counted=True)
                _add_to(DailyTotals, runs)
                oldest = timezone.now() - HOURS_KEPT
                recent = [run for run in runs if (run.completed_at or run.created_at) > oldest]
                _add_to(HourlyTotals, recent)
                _add_to_versions([run for run in runs if run.deployment_id and run.version_id])
        total += len(runs)
        if len(runs) < BATCH:
            return total
        sleep(rest_seconds)


def _add_to(model: Any, runs: list[Execution]) -> None:
    designs = {model.key_of(run): run.design_id for run in runs}
    stored = model.objects.filter(
        Q(deployment__in={deployment for deployment, _, _ in designs if deployment})
        | Q(deployment=None, design__in={design for _, design, _ in designs if design}),
        **{f"{model.TIME}__in": {at for _, _, at in designs}},
    )
    totals = {
        (
            row.deployment_id,
            None if row.deployment_id else row.design_id,
            getattr(row, model.TIME),
        ): row
        for row in stored
    }
    for run in runs:
        key = model.key_of(run)
        if key not in totals:
            totals[key] = model(
                deployment_id=key[0], design_id=designs[key], **{model.TIME: key[2]}
            )
        totals[key].add(run)
    for key in designs:
        totals[key].save()


def _add_to_versions(runs: list[Execution]) -> None:
    keys = {(run.version_id, run.deployment_id) for run in runs}
    stored = VersionTotals.objects.filter(
        version__in={version for version, _ in keys},
        deployment__in={deployment for _, deployment in keys},
    )
    totals: dict[Any, VersionTotals] = {(row.version_id, row.deployment_id): row for row in stored}
    for run in runs:
        key: Any = (run.version_id, run.deployment_id)
        if key not in totals:
            totals[key] = VersionTotals(version_id=key[0], deployment_id=key[1])
        totals[key].add(run)
    for total in totals.values():
        total.save()


def old_hours() -> Any:
    return HourlyTotals.objects.filter(hour__lt=timezone.now() - HOURS_KEPT)


@dataclass(frozen=True)
class Sums:
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
    """The start of the hour of 24 hours ago, from which the last day is counted."""
    return start_of_hour(timezone.now().astimezone(UTC) - timedelta(hours=24))


def sums_of_last_day(caller: Caller) -> Sums:
    """Of the executions that ended since `a_day_ago` and that the caller may see."""
    since = a_day_ago()
    counted = HourlyTotals.objects.for_caller(caller).filter(hour__gte=since)
    ended = Execution.objects.for_caller(caller).uncounted().exclude(status__in=LIVE)
    return _sums(counted.aggregate(**_of_totals())) + _sums(
        ended.filter(completed_at__gte=since).aggregate(**_of_rows())
    )


@dataclass(frozen=True)
class LastDay:
    sums: Sums = Sums()
    durations: Durations = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """Of the runs that ended by themselves, how many in 100 succeeded."""
        ended = self.sums.completed + self.sums.failed + self.sums.timed_out
        return 100 * self.sums.completed / ended if ended else None

    @property
    def median_ms(self) -> int | None:
        return percentile(self.durations, 50)


def last_day_of_deployments(pks: Iterable[uuid.UUID]) -> dict[uuid.UUID, LastDay]:
    """For each deployment the executions that ended since `a_day_ago`, by two queries in all.

    Durations are of those that are counted already.
    """
    since = a_day_ago()
    days = {pk: LastDay() for pk in pks}
    hours: dict[uuid.UUID, list[HourlyTotals]] = {pk: [] for pk in days}
    for row in HourlyTotals.objects.filter(deployment__in=days, hour__gte=since).order_by():
        if row.deployment_id is not None:
            hours[row.deployment_id].append(row)
    ended = Execution.objects.uncounted().exclude(status__in=LIVE).filter(completed_at__gte=since)
    rest = ended.filter(deployment__in=days).order_by().values("deployment")
    uncounted = {part["deployment"]: _sums({**part}) for part in rest.annotate(**_of_rows())}
    for pk, rows in hours.items():
        sums = sum((_sums(_as_sums(row)) for row in rows), uncounted.get(pk, Sums()))
        days[pk] = LastDay(sums, merge(row.durations for row in rows))
    return days


def _as_sums(row: HourlyTotals) -> dict[str, Any]:
    return {f"sum_{name}": getattr(row, name) for name in (*_NUMBERS, "cost_usd")}


def durations_of(deployment_id: uuid.UUID, *, days: int = RECENT_DAYS) -> Durations:
    since = today() - timedelta(days=days - 1)
    rows = DailyTotals.objects.filter(deployment=deployment_id, day__gte=since).order_by()
    return merge(rows.values_list("durations", flat=True))


def sums_of_deployments(pks: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Sums]]:
    """For each deployment the sums of `today`, `last_30_days` and `total`, live runs included, by
    six queries in all.
    """
    sums = {pk: dict.fromkeys(("today", "last_30_days", "total"), Sums()) for pk in pks}
    since = {
        "today": today(),
        "last_30_days": today() - timedelta(days=RECENT_DAYS - 1),
        "total": date.min,
    }
    totals = DailyTotals.objects.filter(deployment__in=sums).order_by()
    rows = Execution.objects.uncounted().filter(deployment__in=sums).order_by()
    for name, day in since.items():
        in_days, in_rows = Q(), Q()
        if name != "total":
            in_days = Q(day__gte=day)
            start = datetime.combine(day, time.min, UTC)
            in_rows = Q(completed_at=None) | Q(completed_at__gte=start)
        parts: tuple[Any, ...] = (
            totals.filter(in_days).values("deployment").annotate(**_of_totals()),
            rows.filter(in_rows).values("deployment").annotate(**_of_rows()),
        )
        for part in chain.from_iterable(parts):
            sums[part["deployment"]][name] += _sums(part)
    return sums


def _sums(values: dict[str, Any]) -> Sums:
    """From an aggregate with names that begin with `sum_`; nulls become 0, but for the cost."""
    numbers = {name: values[f"sum_{name}"] or 0 for name in _NUMBERS}
    return Sums(**numbers, cost_usd=values["sum_cost_usd"])


def _of_totals() -> dict[str, Any]:
    return {f"sum_{name}": Sum(name) for name in (*_NUMBERS, "cost_usd")}


def _of_rows() -> dict[str, Any]:
    ends = {name: Count("pk", filter=Q(status=Status(name))) for name in _NUMBERS[1:5]}
    spent = {name: Sum(name) for name in (*_NUMBERS[5:], "cost_usd")}
    every = {"runs": Count("pk"), **ends, **spent}
    return {f"sum_{name}": value for name, value in every.items()}
