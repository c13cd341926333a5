"""The admin of executions: the history, read-only, with cancel and re-run."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.filters import TimeRangeFilter, VisibleFilter
from designs.admin.growing import BoundedPaginator, with_quick_dates
from designs.admin.shown import EMPTY, admin_url, badge, json_block, link, row_link, sentences
from designs.admin.verbs import Done
from designs.requests import PageRequest
from executor.admin.parts import BlockResultInline, StepInline, without_payload
from executor.admin.shown import cost, duration, execution_badge
from executor.errors import ExecutionEnded
from executor.history.pruning import hold
from executor.models import Execution, parse_execution_id
from executor.services import (
    REFUSALS,
    cancel_execution,
    may_start_again,
    rerun_execution,
    resume_execution,
)

AUDIT = "designs.view_auditentry"


@admin.register(Execution)
class ExecutionAdmin(ReadOnly, OrchestraAdmin):
    list_display = (
        "short", "state", "deployment_link", "design_version", "trigger_type", "triggered_by",
        "created_at", "took", "token_count", "cost",
    )  # fmt: skip
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("trigger_type", ChoicesCheckboxFilter),
        "degraded",
        ("deployment", VisibleFilter),
        ("design", VisibleFilter),
        ("created_at", TimeRangeFilter),
    )
    list_select_related = ("deployment", "design", "version")
    paginator = BoundedPaginator
    # For the box alone: `ExecutionQuerySet.about` says what is found.
    search_fields = ("deployment__endpoint_path", "design__name", "user__username")
    search_help_text = "Path, design, person, key, schedule, an id, or where it was called from."
    date_hierarchy = "created_at"
    deferred_in_lists = (
        "document", "input_data", "result_data", "design__draft", "version__document",
    )  # fmt: skip
    PAYLOADS = ("input_text", "result_text")
    # Their words may quote a payload.
    QUOTES = ("error_text", "degraded_text")
    # For those who read the audit.
    ORIGIN = ("key_link", "caller_address")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "public_id", "state", "deployment_link", "design_version", "trigger_type",
                    "triggered_by", "key_link", "caller_address", "rerun_of_link",
                    "resumed_from_link", "created_at", "started_at", "completed_at", "took",
                    *QUOTES, *PAYLOADS,
                )
            },
        ),
        (
            "Usage and limits",
            {
                "fields": (
                    "model_calls", "input_tokens", "output_tokens", "cost", "limits_text",
                    "models_text",
                ),
                "classes": ("tab",),
            },
        ),
        (
            "How it was carried",
            {
                "fields": (
                    "attempt", "losses", "owner", "lease_until", "deadline_at", "not_before",
                    "cancel_requested_at", "is_held", "payload_removed_at",
                ),
                "classes": ("tab",),
            },
        ),
    )  # fmt: skip
    inlines = (BlockResultInline, StepInline)
    actions = (
        "cancel_selected", "rerun_selected", "resume_selected", "hold_selected", "release_selected",
    )  # fmt: skip
    actions_detail = ("live_page", "resume", "rerun", "cancel")
    refusals = {**OrchestraAdmin.refusals, ExecutionEnded: "", **dict.fromkeys(REFUSALS, "")}

    def get_queryset(self, request: Any) -> Any:
        return with_quick_dates(super().get_queryset(request))

    def get_fieldsets(self, request: PageRequest, obj: Any = None) -> Any:
        hidden = () if request.caller.may(AUDIT) else self.ORIGIN
        found = []
        for name, options in self.fieldsets:
            fields = without_payload(request, options["fields"], self.QUOTES + self.PAYLOADS)
            found.append((name, {**options, "fields": [f for f in fields if f not in hidden]}))
        return found

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[Any, bool]:
        found = parse_execution_id(search_term.strip())
        if found is not None:
            return queryset.filter(pk=found), False
        text = search_term.replace("\0", "").strip()
        if not text:
            return queryset, False
        about = queryset.about(text, request.caller)
        if request.caller.may(AUDIT) and is_address(text):
            about = queryset.filter(caller_address=text)
        return about, False

    # --- Columns ----------------------------------------------------------------------------------

    @display(description="Execution", ordering="created_at")
    def short(self, execution: Execution) -> str:
        return execution.short_id

    @display(description="Status", ordering="status")
    def state(self, execution: Execution) -> str:
        return execution_badge(execution)

    @display(description="Deployment", ordering="deployment__endpoint_path")
    def deployment_link(self, execution: Execution) -> str:
        return row_link(execution.deployment)

    @display(description="Design", ordering="design__name")
    def design_version(self, execution: Execution) -> str:
        number = f" v{execution.version.number}" if execution.version else " (draft)"
        return row_link(execution.version or execution.design, f"{execution.design}{number}")

    @display(description="Duration")
    def took(self, execution: Execution) -> str:
        return duration(execution.duration_ms)

    @display(description="Tokens", ordering=models.F("input_tokens") + models.F("output_tokens"))
    def token_count(self, execution: Execution) -> str:
        return f"{execution.tokens:,}"

    @display(description="Cost", ordering="cost_usd")
    def cost(self, execution: Execution) -> str:
        return cost(execution.cost_usd)

    @display(description="Key")
    def key_link(self, execution: Execution) -> str:
        if execution.key_id is None:
            return EMPTY
        url = reverse("admin:deployments_apikey_change", args=[execution.key_id])
        return link(url, execution.key_id)

    @display(description="Re-run of")
    def rerun_of_link(self, execution: Execution) -> str:
        return row_link(execution.rerun_of) if execution.rerun_of_id else EMPTY

    @display(description="Goes on from")
    def resumed_from_link(self, execution: Execution) -> str:
        return row_link(execution.resumed_from) if execution.resumed_from_id else EMPTY

    @display(description="Error")
    def error_text(self, execution: Execution) -> str:
        return json_block(execution.error)

    @display(description="Degraded")
    def degraded_text(self, execution: Execution) -> str:
        if not execution.degraded:
            return "No"
        return badge("Degraded", "warning") + sentences(execution.degraded_reasons, empty="")

    @display(description="Input")
    def input_text(self, execution: Execution) -> str:
        return json_block(execution.input_data)

    @display(description="Result")
    def result_text(self, execution: Execution) -> str:
        return json_block(execution.result_data)

    @display(description="Limits")
    def limits_text(self, execution: Execution) -> str:
        return json_block(execution.limits)

    @display(description="Models")
    def models_text(self, execution: Execution) -> str:
        return sentences(execution.models_default)

    # --- Verbs ------------------------------------------------------------------------------------

    def has_operate_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("executor.operate_execution")

    def has_hold_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("executor.change_execution")

    def get_actions_detail(self, request: PageRequest, object_id: Any) -> list[Any]:
        """Cancelling is offered while there is something to cancel, resuming when work is left."""
        found = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id))
        may_start = row is not None and may_start_again(request.caller, row)
        offered = {
            "cancel": row is not None and row.is_live,
            "resume": row is not None and row.is_resumable and may_start,
            "rerun": may_start,
        }
        return [v for v in found if offered.get(v.action_name.rpartition("_")[2], True)]

    @action(
        description="Open the live page", url_path="live", permissions=["view"], icon="open_in_new"
    )
    def live_page(self, request: PageRequest, object_id: str) -> HttpResponse:
        execution = self.row(request, object_id)
        return HttpResponseRedirect(reverse("executor:execution-detail", args=[execution.pk]))

    @action(
        description="Re-run",
        url_path="rerun",
        permissions=["operate"],
        icon="replay",
        variant=ActionVariant.PRIMARY,
    )
    def rerun(self, request: PageRequest, object_id: str) -> HttpResponse:
        execution = self.row(request, object_id)

        def do(given: dict[str, Any]) -> Done:
            again = rerun_execution(execution=execution, caller=request.caller)
            return Done(f"{again} runs the same version with the same input.", admin_url(again))

        text = "A new execution of the same version starts with the same input."
        return self.ask(request, execution, do, title=f"Re-run {execution}", text=text)

    @action(
        description="Resume from failure",
        url_path="resume",
        permissions=["operate"],
        icon="resume",
    )
    def resume(self, request: PageRequest, object_id: str) -> HttpResponse:
        execution = self.row(request, object_id)

        def do(given: dict[str, Any]) -> Done:
            again = resume_execution(execution=execution, caller=request.caller)
            return Done(f"{again} goes on where {execution} stopped.", admin_url(again))

        text = "A new execution goes on from its finished steps; they are not paid again."
        return self.ask(request, execution, do, title=f"Resume {execution}", text=text)

    @action(
        description="Cancel",
        url_path="cancel",
        permissions=["operate"],
        icon="cancel",
        variant=ActionVariant.DANGER,
    )
    def cancel(self, request: PageRequest, object_id: str) -> HttpResponse:
        execution = self.row(request, object_id)

        def do(given: dict[str, Any]) -> Done:
            cancel_execution(execution=execution, caller=request.caller)
            return Done(f"{execution} was told to stop.")

        text = "A waiting execution ends at once; a running one stops the call in flight."
        return self.ask(
            request, execution, do, title=f"Cancel {execution}", text=text, button="Cancel it",
            danger=True,
        )  # fmt: skip

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel_selected(self, request: PageRequest, rows: Any) -> None:
        self.for_each(
            request,
            rows,
            lambda row: cancel_execution(execution=row, caller=request.caller),
            "{count} told to stop.",
        )

    @admin.action(description="Resume from failure", permissions=["operate"])
    def resume_selected(self, request: PageRequest, rows: Any) -> None:
        self.for_each(
            request,
            rows,
            lambda row: resume_execution(execution=row, caller=request.caller),
            "{count} go on where they stopped.",
        )

    @admin.action(description="Re-run", permissions=["operate"])
    def rerun_selected(self, request: PageRequest, rows: Any) -> None:
        self.for_each(
            request,
            rows,
            lambda row: rerun_execution(execution=row, caller=request.caller),
            "{count} started again.",
        )

    @admin.action(description="Hold: retention leaves them", permissions=["hold"])
    def hold_selected(self, request: PageRequest, rows: Any) -> None:
        self.for_each(
            request, rows, lambda row: hold(execution=row, caller=request.caller), "{count} held."
        )

    @admin.action(description="Hold no longer", permissions=["hold"])
    def release_selected(self, request: PageRequest, rows: Any) -> None:
        self.for_each(
            request,
            rows,
            lambda row: hold(execution=row, caller=request.caller, held=False),
            "{count} held no longer.",
        )


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
