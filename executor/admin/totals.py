"""The read-only admin of totals, by day and by version."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from unfold.decorators import display

from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.filters import VisibleFilter
from designs.admin.shown import row_link
from executor.admin.shown import cost, duration
from executor.models import DailyTotals, VersionTotals
from executor.models.durations import percentile


@admin.register(DailyTotals)
class DailyTotalsAdmin(ReadOnly, OrchestraAdmin):
    list_display = (
        "day", "deployment_link", "design_link", "runs", "completed", "failed", "timed_out",
        "cancelled", "half", "most", "longest", "tokens", "cost",
    )  # fmt: skip
    list_filter = (("deployment", VisibleFilter), ("design", VisibleFilter), "day")
    list_select_related = ("deployment", "design")
    deferred_in_lists = ("design__draft",)
    search_fields = ("deployment__endpoint_path", "design__name")
    ordering = ("-day", "-id")
    fields = (
        "day", "deployment_link", "design_link", "runs", "completed", "failed", "timed_out",
        "cancelled", "degraded", "manual", "scheduled", "api", "mean", "half", "most", "longest",
        "model_calls", "input_tokens", "output_tokens", "cost", "last_run_at",
    )  # fmt: skip

    @display(description="Deployment", ordering="deployment__endpoint_path")
    def deployment_link(self, row: DailyTotals) -> str:
        return row_link(row.deployment)

    @display(description="Design", ordering="design__name")
    def design_link(self, row: DailyTotals) -> str:
        return row_link(row.design)

    @display(description="Mean duration")
    def mean(self, row: DailyTotals) -> str:
        return duration(round(row.duration_ms / row.timed) if row.timed else None)

    @display(description="Half took at most")
    def half(self, row: DailyTotals) -> str:
        return duration(percentile(row.durations, 50))

    @display(description="95 % took at most")
    def most(self, row: DailyTotals) -> str:
        return duration(percentile(row.durations, 95))

    @display(description="Longest", ordering="duration_ms_max")
    def longest(self, row: DailyTotals) -> str:
        return duration(row.duration_ms_max if row.timed else None)

    @display(description="Tokens")
    def tokens(self, row: DailyTotals) -> str:
        return f"{row.input_tokens + row.output_tokens:,}"

    @display(description="Cost", ordering="cost_usd")
    def cost(self, row: DailyTotals) -> Any:
        return cost(row.cost_usd)


@admin.register(VersionTotals)
class VersionTotalsAdmin(ReadOnly, OrchestraAdmin):
    """For who may see daily totals: they have no permission of their own."""

    list_display = (
        "deployment_link", "version_link", "runs", "completed", "degraded", "failed", "timed_out",
        "cancelled", "half", "most", "tokens", "cost",
    )  # fmt: skip
    list_filter = (("deployment", VisibleFilter),)
    list_select_related = ("deployment", "version__design")
    deferred_in_lists = ("version__document", "version__design__draft")
    search_fields = ("deployment__endpoint_path", "version__design__name")
    ordering = ("-id",)
    fields = (*list_display[:-2], "model_calls", "input_tokens", "output_tokens", "cost")

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.caller.may("executor.view_dailytotals"))

    @display(description="Deployment", ordering="deployment__endpoint_path")
    def deployment_link(self, row: VersionTotals) -> str:
        return row_link(row.deployment)

    @display(description="Version")
    def version_link(self, row: VersionTotals) -> str:
        return row_link(row.version)

    @display(description="Half took at most")
    def half(self, row: VersionTotals) -> str:
        return duration(percentile(row.durations, 50))

    @display(description="95 % took at most")
    def most(self, row: VersionTotals) -> str:
        return duration(percentile(row.durations, 95))

    @display(description="Tokens")
    def tokens(self, row: VersionTotals) -> str:
        return f"{row.input_tokens + row.output_tokens:,}"

    @display(description="Cost", ordering="cost_usd")
    def cost(self, row: VersionTotals) -> Any:
        return cost(row.cost_usd)
