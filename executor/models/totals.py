"""Totals of runs by day, hour and version: charts and counts read these, not the history."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from designs.access import Caller
from designs.models import Design, DesignVersion
from executor.models import durations
from executor.models.execution import Execution, visible_to


class TotalsQuerySet(models.QuerySet[Any]):
    def for_caller(self, caller: Caller) -> TotalsQuerySet:
        return visible_to(caller, self)


class Totals(models.Model):
    """Totals of ended executions. Only `executor.history.totals` writes them."""

    id = models.BigAutoField(primary_key=True)
    runs = models.PositiveBigIntegerField(default=0)
    completed = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    timed_out = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    degraded = models.PositiveBigIntegerField(default=0)
    manual = models.PositiveBigIntegerField(default=0)
    scheduled = models.PositiveBigIntegerField(default=0)
    api = models.PositiveBigIntegerField(default=0)
    # Of the runs that started: their number, their milliseconds in sum, and the maximum.
    timed = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)
    duration_ms_max = models.PositiveBigIntegerField(default=0)
    # A histogram (`executor.models.durations`); the oldest rows have none.
    durations = models.JSONField(default=dict)
    model_calls = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    # Null if no price of any run is known.
    cost_usd = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    last_run_at = models.DateTimeField(null=True)

    objects = TotalsQuerySet.as_manager()

    class Meta:
        abstract = True

    def add(self, execution: Execution) -> None:
        self.runs += 1
        for name in (execution.status, execution.trigger_type):
            setattr(self, name, getattr(self, name) + 1)
        self.degraded += bool(execution.degraded)
        duration_ms = execution.duration_ms
        if duration_ms is not None:
            self.timed += 1
            self.duration_ms += duration_ms
            self.duration_ms_max = max(self.duration_ms_max, duration_ms)
            durations.count(self.durations, duration_ms)
        self.model_calls += execution.model_calls
        self.input_tokens += execution.input_tokens
        self.output_tokens += execution.output_tokens
        if execution.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0) + execution.cost_usd
        self.last_run_at = max(self.last_run_at or execution.created_at, execution.created_at)


class PeriodTotals(Totals):
    """Of one deployment, or of the tries of one design, in one day or hour."""

    # The field of the day or hour.
    TIME: ClassVar[str]

    class Meta:
        abstract = True

    @classmethod
    def key_of(cls, execution: Execution) -> tuple[Any, Any, Any]:
        """The key of the row that counts the execution: deployment or None, design, day or hour."""
        ended: datetime = execution.completed_at or execution.created_at
        # One row per deployment, whichever design it offered then.
        design = None if execution.deployment_id else execution.design_id
        return execution.deployment_id, design, cls.time_of(ended.astimezone(UTC))

    @staticmethod
    def time_of(ended: datetime) -> Any:
        raise NotImplementedError


class DailyTotals(PeriodTotals):
    """Of a day (UTC). They outlive the executions that retention removes."""

    TIME = "day"

    deployment = models.ForeignKey(
        "deployments.Deployment", null=True, on_delete=models.CASCADE, related_name="daily_totals"
    )
    design = models.ForeignKey(Design, on_delete=models.CASCADE, related_name="daily_totals")
    day = models.DateField()

    class Meta:
        verbose_name_plural = "daily totals"
        constraints = [
            models.UniqueConstraint(
                fields=("deployment", "day"),
                condition=Q(deployment__isnull=False),
                name="dailytotals_deployment_day",
            ),
            models.UniqueConstraint(
                fields=("design", "day"),
                condition=Q(deployment__isnull=True),
                name="dailytotals_tries_day",
            ),
        ]
        indexes = [models.Index(fields=("day",), name="dailytotals_by_day")]

    def __str__(self) -> str:
        return f"{self.deployment_id or self.design_id} {self.day}"

    @staticmethod
    def time_of(ended: datetime) -> date:
        return ended.date()


class HourlyTotals(PeriodTotals):
    """Of an hour; removed after some days, since only the last 24 hours are shown."""

    TIME = "hour"

    deployment = models.ForeignKey(
        "deployments.Deployment", null=True, on_delete=models.CASCADE, related_name="+"
    )
    design = models.ForeignKey(Design, on_delete=models.CASCADE, related_name="+")
    # The start of the hour.
    hour = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=("deployment", "hour"),
                condition=Q(deployment__isnull=False),
                name="hourlytotals_deployment_hour",
            ),
            models.UniqueConstraint(
                fields=("design", "hour"),
                condition=Q(deployment__isnull=True),
                name="hourlytotals_tries_hour",
            ),
        ]
        indexes = [models.Index(fields=("hour",), name="hourlytotals_by_hour")]

    def __str__(self) -> str:
        return f"{self.deployment_id or self.design_id} {self.hour:%Y-%m-%d %H}"

    @staticmethod
    def time_of(ended: datetime) -> datetime:
        return start_of_hour(ended)


class VersionTotals(Totals):
    """Of a version where it is or was deployed, since the beginning. Tries are no use."""

    deployment = models.ForeignKey(
        "deployments.Deployment", on_delete=models.CASCADE, related_name="version_totals"
    )
    # The constraint has the index.
    version = models.ForeignKey(
        DesignVersion, on_delete=models.CASCADE, related_name="totals", db_index=False
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=("version", "deployment"), name="versiontotals_version_deployment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.version_id}"


def start_of_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
