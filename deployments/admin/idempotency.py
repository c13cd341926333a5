"""The admin of idempotency keys: which call started which execution. Read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from unfold.decorators import display

from deployments.models import Deployment, IdempotencyKey
from designs.access import Caller
from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.filters import VisibleFilter
from designs.admin.shown import row_link
from executor.models import Execution


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnly, OrchestraAdmin):
    list_display = ("key", "deployment_link", "caller", "execution_link", "created_at")
    list_filter = (("deployment", VisibleFilter), "created_at")
    list_select_related = ("deployment", "execution")
    search_fields = ("key", "caller", "deployment__endpoint_path")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    deferred_in_lists = (
        "execution__document", "execution__input_data", "execution__result_data",
    )  # fmt: skip
    fields = ("key", "deployment_link", "caller", "execution_link", "body_digest", "created_at")

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        if not caller.may("deployments.view_idempotencykey"):
            return rows.none()
        seen = Deployment.objects.seen_by(caller)
        return rows.filter(
            deployment__in=seen.values("pk"), execution__in=Execution.objects.for_caller(caller)
        )

    @display(description="Deployment", ordering="deployment__endpoint_path")
    def deployment_link(self, key: IdempotencyKey) -> str:
        return row_link(key.deployment)

    @display(description="Execution")
    def execution_link(self, key: IdempotencyKey) -> str:
        return row_link(key.execution)
