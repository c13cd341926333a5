"""The admin of retention: how long history is kept, what is held, what a sweep would let go."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from deployments.models import Deployment, RetentionPolicy
from deployments.models.retention import NEW_AUDIT_DAYS, NEW_KEEP_LAST
from deployments.retention import KINDS, Swept, count_over, sweep
from designs.access import Caller
from designs.admin.base import OrchestraAdmin
from designs.admin.shown import EMPTY, row_link, sentences
from designs.admin.verbs import ActionResult
from designs.requests import PageRequest

KEEPS_ALL = (
    "Nothing is set, so everything is kept for ever and the database only grows. New installations "
    f"keep the last {NEW_KEEP_LAST:,} executions of each deployment, and the audit for "
    f"{NEW_AUDIT_DAYS} days; one that is older is left as it was until you set it here."
)
LIMITS = ("payload_days", "history_days", "keep_last")


@admin.register(RetentionPolicy)
class RetentionPolicyAdmin(OrchestraAdmin):
    list_display = ("of_whom", *LIMITS, "swept_at")
    list_select_related = ("deployment",)
    search_fields = ("deployment__endpoint_path",)
    ordering = ("-is_general", "deployment__endpoint_path")
    autocomplete_fields = ("deployment",)
    readonly_fields = ("of_whom", "held_text", "looked_at", "swept_text", "swept_at")
    actions_detail = ("sweep_now",)

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        if not caller.may("deployments.view_retentionpolicy"):
            return rows.none()
        seen = Deployment.objects.seen_by(caller)
        return rows.filter(deployment=None) | rows.filter(deployment__in=seen.values("pk"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        is_general = obj is not None and obj.is_general
        fields: tuple[str, ...] = ("of_whom" if obj else "deployment", *LIMITS)
        if is_general:
            fields = (*fields, "audit_days")
        fieldsets: list[Any] = [(None, {"fields": fields})]
        if is_general and obj.keeps_all:
            fieldsets[0][1]["description"] = KEEPS_ALL
        if is_general:
            state = ("held_text", "looked_at", "swept_text", "swept_at")
            fieldsets.append(("What is held", {"fields": state}))
        return fieldsets

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_general = obj is not None and obj.is_general
        return not is_general and super().has_delete_permission(request, obj)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "deployment" in form.base_fields:
            # The installation's policy is there already.
            form.base_fields["deployment"].required = True
        return form

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        super().delete_queryset(request, queryset.filter(is_general=None))

    @display(description="Of", ordering="deployment__endpoint_path")
    def of_whom(self, policy: RetentionPolicy) -> str:
        return str(policy) if policy.is_general else row_link(policy.deployment)

    @display(description="Executions by age")
    def held_text(self, policy: RetentionPolicy) -> str:
        return sentences(f"{age}: {count:,}" for age, count in policy.held.items())

    @display(description="The last sweep let go")
    def swept_text(self, policy: RetentionPolicy) -> str:
        return sentences(words_of(policy.swept)) if policy.swept else EMPTY

    @action(description="Sweep now", url_path="sweep", permissions=["change"], icon="delete_sweep")
    def sweep_now(self, request: PageRequest, object_id: str) -> HttpResponse:
        """Says what would be removed before it asks."""
        policy = self.row(request, object_id)

        def act(data: dict[str, Any]) -> ActionResult:
            return ActionResult("Gone: " + " ".join(words_of(asdict(sweep()))))

        text = "This would go, by all policies: " + " ".join(words_of(asdict(count_over())))
        return self.ask(
            request, policy, act, title="Sweep now", text=text, button="Let it go", danger=True
        )


def words_of(counts: dict[str, int]) -> list[str]:
    names = asdict(Swept())
    return [f"{counts.get(name, 0):,} {KINDS[name]}." for name in names]
