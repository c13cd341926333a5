"""What the runs of one day, or hour, came to: charts and counts read these, not the history."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from designs.access import Caller, hidden_deployments
from designs.models import Design
from executor.models import durations
from executor.models.execution import Execution


class TotalsQuerySet(models.QuerySet[Any]):
    def for_caller(self, caller: Caller) -> TotalsQuerySet:
        """Those of the executions that are there for the caller."""
        if not caller.may("executor.view_execution"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            rows = rows.filter(deployment_id__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        return rows.exclude(deployment__in=hidden_deployments(caller))


class Totals(models.Model):
    """Executions that ended in some time: of one deployment, or tries of one design.

    Written by `executor.history.totals` alone.
    """

    # The field that says in which time.
    TIME: ClassVar[str]

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
    # Of the runs that began: how many, their milliseconds together, and those of the longest.
    timed = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)
    duration_ms_max = models.PositiveBigIntegerField(default=0)
    # How many took how long, in buckets (`executor.models.durations`). Days added up before there
    # were buckets have none.
    durations = models.JSONField(default=dict)
    model_calls = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    # Null: no price is known of anything that ran.
    cost_usd = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    last_run_at = models.DateTimeField(null=True)

    objects = TotalsQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def place_of(cls, execution: Execution) -> tuple[Any, Any, Any]:
        """Whose row counts the execution: deployment (or none), design, day or hour."""
        ended: datetime = execution.completed_at or execution.created_at
        # What a deployment ran is counted together, whichever design it offered then.
        design = None if execution.deployment_id else execution.design_id
        return execution.deployment_id, design, cls.time_of(ended.astimezone(UTC))

    @staticmethod
    def time_of(ended: datetime) -> Any:
        """The day or hour of a time in UTC."""
        raise NotImplementedError

    def add(self, execution: Execution) -> None:
        """Count an execution that has ended."""
        self.runs += 1
        for name in (execution.status, execution.trigger_type):
            setattr(self, name, getattr(self, name) + 1)
        self.degraded += bool(execution.degraded)
        took = execution.duration_ms
        if took is not None:
            self.timed += 1
            self.duration_ms += took
            self.duration_ms_max = max(self.duration_ms_max, took)
            durations.count(self.durations, took)
        self.model_calls += execution.model_calls
        self.input_tokens += execution.input_tokens
        self.output_tokens += execution.output_tokens
        if execution.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0) + execution.cost_usd
        self.last_run_at = max(self.last_run_at or execution.created_at, execution.created_at)


class DailyTotals(Totals):
    """Of a day (UTC). They stay when retention removes the executions."""

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


class HourlyTotals(Totals):
    """Of an hour; kept for some days, for figures of the last 24 hours."""

    TIME = "hour"

    deployment = models.ForeignKey(
        "deployments.Deployment", null=True, on_delete=models.CASCADE, related_name="+"
    )
    design = models.ForeignKey(Design, on_delete=models.CASCADE, related_name="+")
    # When it begins.
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


def start_of_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
