"""What the runs of one day came to: charts and counts read these rows, not the history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models import Q

from designs.access import Caller
from designs.models import Design
from executor.models.execution import Execution, hidden_deployments


class DailyTotalsQuerySet(models.QuerySet["DailyTotals"]):
    def for_caller(self, caller: Caller) -> DailyTotalsQuerySet:
        """Those of the executions that are there for the caller."""
        if not caller.may("executor.view_execution"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            rows = rows.filter(deployment_id__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        return rows.exclude(deployment__in=hidden_deployments(caller))


class DailyTotals(models.Model):
    """Executions that ended on that day (UTC): of one deployment, or tries of one design.

    Written by `executor.totals` alone. They stay when retention removes the executions.
    """

    id = models.BigAutoField(primary_key=True)
    deployment = models.ForeignKey(
        "deployments.Deployment", null=True, on_delete=models.CASCADE, related_name="daily_totals"
    )
    design = models.ForeignKey(Design, on_delete=models.CASCADE, related_name="daily_totals")
    day = models.DateField()
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
    model_calls = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    # Null: no price is known of anything that ran.
    cost_usd = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    last_run_at = models.DateTimeField(null=True)

    objects = DailyTotalsQuerySet.as_manager()

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
    def place_of(execution: Execution) -> tuple[Any, Any, Any]:
        """Whose row counts the execution: deployment (or none), design, day."""
        ended: datetime = execution.completed_at or execution.created_at
        # What a deployment ran is counted together, whichever design it offered then.
        design = None if execution.deployment_id else execution.design_id
        return execution.deployment_id, design, ended.astimezone(UTC).date()

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
        self.model_calls += execution.model_calls
        self.input_tokens += execution.input_tokens
        self.output_tokens += execution.output_tokens
        if execution.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0) + execution.cost_usd
        self.last_run_at = max(self.last_run_at or execution.created_at, execution.created_at)
