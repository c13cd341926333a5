"""The admin of deployments: deploy, change, activate, execute, clone, undeploy."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RadioFilter
from unfold.decorators import display

from deployments.admin.deployment_verbs import DeploymentVerbs
from deployments.admin.forms import DeploymentForm
from deployments.admin.key import KeyInline
from deployments.admin.shown import deployment_badge
from deployments.errors import (
    CallbackRefused,
    EndpointPathInvalid,
    EndpointPathTaken,
    PriceUnknown,
    VersionMisfit,
)
from deployments.models import LIMIT_GROUPS, Deployment
from deployments.schedules.admin.schedule import ScheduleInline
from deployments.schedules.store import describe, without_inputs
from deployments.services import change_deployment, deploy_design, undeploy
from designs.access import Caller
from designs.admin.base import become
from designs.admin.filters import VisibleFilter
from designs.admin.refusals import DESIGN_REFUSALS
from designs.admin.shown import EMPTY, badge, link, row_link, sentences
from executor.errors import NotAccepted

# Forms whose choice while typing has no use for what was undeployed; filters of the history do.
OFFERED_IN = ("schedule", "apikey")


class OfferedFilter(RadioFilter):
    title = "offered"
    parameter_name = "offered"
    all_option = ["", "Now"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("removed", "Undeployed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(removed_at__isnull=self.value() != "removed")


@admin.register(Deployment)
class DeploymentAdmin(DeploymentVerbs):
    form = DeploymentForm
    list_display = (
        "endpoint_path", "state", "design_version", "schedules_text", "next_run",
        "executions", "last_execution", "limited",
    )  # fmt: skip
    list_filter = (
        OfferedFilter,
        ("status", ChoicesCheckboxFilter),
        ("design", VisibleFilter),
        "created_at",
    )
    list_select_related = ("design", "version")
    search_fields = ("endpoint_path", "design__name")
    date_hierarchy = "created_at"
    deferred_in_lists = ("design__draft", "version__document")
    autocomplete_fields = ("design",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "endpoint_path", "endpoint_link", "design_version", "version_number",
                    "status", "status_reason", "groups",
                )
            },
        ),
        *(
            (title, {"fields": names, "classes": ("tab",)}) for title, names in LIMIT_GROUPS.items()
        ),
        ("Callback", {"fields": ("callback_url",), "classes": ("tab",)}),
        (
            "Activity",
            {
                "fields": (
                    "executions", "last_execution", "next_run", "created_by", "created_at",
                    "updated_at", "removed_at",
                ),
                "classes": ("tab",),
            },
        ),
    )  # fmt: skip
    add_fieldsets = (
        (None, {"fields": ("design", "version_number", "endpoint_path", "groups")}),
        *((title, {"fields": names}) for title, names in LIMIT_GROUPS.items()),
        ("Callback", {"fields": ("callback_url",)}),
    )
    readonly_fields = (
        "status_reason", "endpoint_link", "design_version", "executions",
        "last_execution", "next_run", "created_by", "created_at", "updated_at", "removed_at",
    )  # fmt: skip
    inlines = (ScheduleInline, KeyInline)
    actions_detail = (
        "execute",
        "live_page",
        {"title": "More", "items": ("add_schedule", "add_key", "callback_secret", "clone")},
    )
    refusals = {
        **DESIGN_REFUSALS,
        EndpointPathInvalid: "endpoint_path",
        EndpointPathTaken: "endpoint_path",
        CallbackRefused: "callback_url",
        PriceUnknown: "max_cost_usd",
        VersionMisfit: "version_number",
        NotAccepted: "",
    }

    # --- Rows -------------------------------------------------------------------------------------

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows.seen_by(caller)

    def get_queryset(self, request: Any) -> Any:
        rows = super().get_queryset(request).with_totals()
        return rows.prefetch_related("groups", without_inputs())

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        if request.GET.get("model_name") in OFFERED_IN:
            queryset = queryset.present()
        return super().get_search_results(request, queryset, search_term)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_there(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_there(obj) and super().has_delete_permission(request, obj)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    # --- Columns ----------------------------------------------------------------------------------

    @display(description="Status", ordering="status")
    def state(self, deployment: Deployment) -> str:
        return deployment_badge(deployment)

    @display(description="Design", ordering="design__name")
    def design_version(self, deployment: Deployment) -> str:
        text = f"{deployment.design} v{deployment.version.number}"
        return row_link(deployment.version, text)

    @display(description="Endpoint")
    def endpoint_link(self, deployment: Deployment) -> str:
        return deployment.endpoint_url

    @display(description="Schedules")
    def schedules_text(self, deployment: Deployment) -> str:
        descriptions = [describe(schedule) for schedule in deployment.schedules.all()]
        return sentences(
            badge("Error", "danger") if s["error"] else s["words"] for s in descriptions
        )

    @display(description="Next run", ordering="next_run_at")
    def next_run(self, deployment: Any) -> Any:
        return deployment.next_run_at

    @display(description="Executions", ordering="execution_count")
    def executions(self, deployment: Any) -> str:
        url = reverse("admin:executor_execution_changelist")
        address = f"{url}?deployment__id__exact={deployment.pk}"
        return link(address, f"{deployment.execution_count:,}")

    @display(description="Last execution", ordering="last_execution_at")
    def last_execution(self, deployment: Any) -> Any:
        return deployment.last_execution_at

    @display(description="Limited to")
    def limited(self, deployment: Deployment) -> str:
        return ", ".join(group.name for group in deployment.groups.all()) or EMPTY

    def version_number(self, deployment: Deployment) -> str:
        """Only for those who may not change it: the form has a field of this name."""
        return f"v{deployment.version.number}"

    # --- Writing ----------------------------------------------------------------------------------

    def store(self, request: Any, obj: Deployment, form: Any, change: bool) -> None:
        fields = form.fields_to_write()
        if change:
            # The form has written on `obj` already; the service reads what is stored.
            change_deployment(deployment=obj, caller=request.caller, **fields)
        else:
            design = form.cleaned_data["design"]
            become(obj, deploy_design(design=design, caller=request.caller, **fields))

    def reasons_to_keep(self, row: Any) -> list[str]:
        return []

    def delete_model(self, request: Any, obj: Deployment) -> None:
        undeploy(deployment=obj, caller=request.caller)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        for deployment in queryset.present():
            undeploy(deployment=deployment, caller=request.caller)


def _is_there(row: Any) -> bool:
    return not isinstance(row, Deployment) or row.removed_at is None
