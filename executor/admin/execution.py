"""The admin of executions: the history, read-only, with cancel and re-run."""

from __future__ import annotations

from contextlib import suppress
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
from designs.admin.verbs import ActionResult, bulk_verb, page_verb
from designs.requests import PageRequest
from executor.admin.parts import BlockResultInline, StepInline, without_payload
from executor.admin.shown import cost, duration, status_badge
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
    # Only makes the search box appear: `ExecutionQuerySet.about` does the search.
    search_fields = ("deployment__endpoint_path", "design__name", "user__username")
    search_help_text = "Path, design, person, key, schedule, an id, or where it was called from."
    date_hierarchy = "created_at"
    deferred_in_lists = (
        "document", "input_data", "given_outputs", "edited", "result_data", "design__draft",
        "version__document",
    )  # fmt: skip
    PAYLOADS = ("input_text", "result_text")
    # Their texts may quote a payload.
    QUOTES = ("error_text", "degraded_text")
    # Only for readers of the audit.
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
        bulk_verb("cancel_selected", "Cancel", "operate", "{count} told to stop.",
                  lambda row, caller: cancel_execution(execution=row, caller=caller)),
        bulk_verb("rerun_selected", "Re-run", "operate", "{count} started again.",
                  lambda row, caller: rerun_execution(execution=row, caller=caller)),
        bulk_verb("resume_selected", "Resume from failure", "operate", "{count} resumed.",
                  lambda row, caller: resume_execution(execution=row, caller=caller)),
        bulk_verb("hold_selected", "Hold: retention leaves them", "hold", "{count} held.",
                  lambda row, caller: hold(execution=row, caller=caller)),
        bulk_verb("release_selected", "Hold no longer", "hold", "{count} held no longer.",
                  lambda row, caller: hold(execution=row, caller=caller, held=False)),
    )  # fmt: skip
    actions_detail = ("live_page", "resume", "rerun", "cancel")
    refusals = {**OrchestraAdmin.refusals, ExecutionEnded: "", **dict.fromkeys(REFUSALS, "")}

    def get_queryset(self, request: Any) -> Any:
        return with_quick_dates(super().get_queryset(request))

    def get_fieldsets(self, request: PageRequest, obj: Any = None) -> Any:
        hidden = () if request.caller.may(AUDIT) else self.ORIGIN
        fieldsets = []
        for name, options in self.fieldsets:
            fields = without_payload(request, options["fields"], self.QUOTES + self.PAYLOADS)
            fieldsets.append((name, {**options, "fields": [f for f in fields if f not in hidden]}))
        return fieldsets

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[Any, bool]:
        pk = parse_execution_id(search_term.strip())
        if pk is not None:
            return queryset.filter(pk=pk), False
        text = search_term.replace("\0", "").strip()
        if not text:
            return queryset, False
        if request.caller.may(AUDIT):
            with suppress(ValueError):
                ip_address(text)
                return queryset.filter(caller_address=text), False
        return queryset.about(text, request.caller), False

    # --- Columns ----------------------------------------------------------------------------------

    @display(description="Execution", ordering="created_at")
    def short(self, execution: Execution) -> str:
        return execution.short_id

    @display(description="Status", ordering="status")
    def state(self, execution: Execution) -> str:
        return status_badge(execution)

    @display(description="Deployment", ordering="deployment__endpoint_path")
    def deployment_link(self, execution: Execution) -> str:
        return row_link(execution.deployment)

    @display(description="Design", ordering="design__name")
    def design_version(self, execution: Execution) -> str:
        number = f" v{execution.version.number}" if execution.version else " (draft)"
        part = f", only {execution.part['label']}" if execution.part else ""
        return row_link(execution.version or execution.design, f"{execution.design}{number}{part}")

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

    @display(description="Resumed from")
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
        verbs = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id))
        may_start = row is not None and may_start_again(request.caller, row)
        offered = {
            "cancel": row is not None and row.is_live,
            "resume": row is not None and row.is_resumable and may_start,
            "rerun": may_start,
        }
        return [verb for verb in verbs if offered.get(verb.action_name.rpartition("_")[2], True)]

    @action(
        description="Open the live page", url_path="live", permissions=["view"], icon="open_in_new"
    )
    def live_page(self, request: PageRequest, object_id: str) -> HttpResponse:
        execution = self.row(request, object_id)
        return HttpResponseRedirect(reverse("executor:execution-detail", args=[execution.pk]))

    @page_verb(
        "Re-run", "operate", icon="replay", variant=ActionVariant.PRIMARY, title="Re-run {row}",
        text="A new execution of the same version starts with the same input.",
    )  # fmt: skip
    def rerun(self, request: PageRequest, row: Execution, data: dict[str, Any]) -> ActionResult:
        new = rerun_execution(execution=row, caller=request.caller)
        return ActionResult(f"{new} runs the same version with the same input.", admin_url(new))

    @page_verb(
        "Resume from failure", "operate", icon="resume", title="Resume {row}",
        text="A new execution goes on from its finished steps; they are not paid again.",
    )  # fmt: skip
    def resume(self, request: PageRequest, row: Execution, data: dict[str, Any]) -> ActionResult:
        new = resume_execution(execution=row, caller=request.caller)
        return ActionResult(f"{new} goes on where {row} stopped.", admin_url(new))

    @page_verb(
        "Cancel", "operate", icon="cancel", variant=ActionVariant.DANGER, title="Cancel {row}",
        text="A waiting execution ends at once; a running one stops the call in flight.",
        button="Cancel run",
    )  # fmt: skip
    def cancel(self, request: PageRequest, row: Execution, data: dict[str, Any]) -> ActionResult:
        cancel_execution(execution=row, caller=request.caller)
        return ActionResult(f"{row} was told to stop.")
