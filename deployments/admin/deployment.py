"""The admin of deployments: deploy, change, activate, execute, clone, undeploy."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RadioFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from deployments.admin.forms import (
    CALL_LIMITS,
    LIMITS,
    RUN_LIMITS,
    CloneForm,
    DeploymentForm,
    ExecuteForm,
    OverlapForm,
)
from deployments.admin.key import KeyInline
from deployments.admin.shown import deployment_badge, skeleton
from deployments.callbacks import change_secret
from deployments.errors import (
    CallbackRefused,
    DeploymentInactive,
    EndpointPathInvalid,
    EndpointPathTaken,
)
from deployments.models import Deployment
from deployments.schedules.admin.schedule import ScheduleInline
from deployments.schedules.store import PREFETCH, describe
from deployments.services import change_deployment, deploy_design, invoke_deployment, undeploy
from designs.access import Caller
from designs.admin.base import OrchestraAdmin, become
from designs.admin.filters import VisibleFilter
from designs.admin.refusals import DESIGN_REFUSALS
from designs.admin.shown import EMPTY, admin_url, badge, json_block, link, row_link, sentences
from designs.admin.verbs import Done, posted
from designs.requests import PageRequest
from executor.errors import InputInvalid
from executor.models import Trigger


class OfferedFilter(RadioFilter):
    """What is there now, or what was undeployed."""

    title = "offered"
    parameter_name = "offered"
    all_option = ["", "Now"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("removed", "Undeployed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(removed_at__isnull=self.value() != "removed")


@admin.register(Deployment)
class DeploymentAdmin(OrchestraAdmin):
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
        ("Limits of a run", {"fields": RUN_LIMITS, "classes": ("tab",)}),
        ("Limits of calls", {"fields": CALL_LIMITS, "classes": ("tab",)}),
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
        ("Limits of a run", {"fields": RUN_LIMITS}),
        ("Limits of calls", {"fields": CALL_LIMITS}),
        ("Callback", {"fields": ("callback_url",)}),
    )
    readonly_fields = (
        "status_reason", "endpoint_link", "design_version", "executions",
        "last_execution", "next_run", "created_by", "created_at", "updated_at", "removed_at",
    )  # fmt: skip
    inlines = (ScheduleInline, KeyInline)
    actions = ("activate", "deactivate", "execute_selected")
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
        DeploymentInactive: "",
        InputInvalid: "",
    }

    # --- Rows -------------------------------------------------------------------------------------

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows.seen_by(caller)

    def get_queryset(self, request: Any) -> Any:
        rows = super().get_queryset(request).with_activity()
        return rows.prefetch_related("groups", *PREFETCH)

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
        found = [describe(schedule) for schedule in deployment.schedules.all()]
        return sentences(badge("Error", "danger") if s["error"] else s["words"] for s in found)

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
            # The form has written on `obj` already; the service compares with what is stored.
            stored = Deployment.objects.select_related("version", "design").get(pk=obj.pk)
            change_deployment(deployment=stored, caller=request.caller, **fields)
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

    # --- Verbs ------------------------------------------------------------------------------------

    def has_execute_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.execute_deployment")

    def has_clone_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.add_deployment")

    def has_add_key_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.add_apikey")

    def has_add_schedule_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.add_schedule")

    def get_actions_detail(self, request: PageRequest, object_id: Any) -> list[Any]:
        """What was undeployed is only looked at."""
        row = self.get_object(request, str(object_id))
        there = row is not None and row.removed_at is None
        return super().get_actions_detail(request, object_id) if there else []

    def row(self, request: PageRequest, object_id: str) -> Deployment:
        found: Deployment = super().row(request, object_id)
        if found.removed_at is not None:
            raise Http404("It was undeployed.")
        return found

    @action(
        description="Execute now",
        url_path="execute",
        permissions=["execute"],
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
    )
    def execute(self, request: PageRequest, object_id: str) -> HttpResponse:
        deployment = self.row(request, object_id)
        schema = deployment.version.document.get("input_schema")

        def do(given: dict[str, Any]) -> Done:
            execution = invoke_deployment(
                deployment=deployment,
                input_data=given["input_data"],
                trigger=Trigger.MANUAL,
                caller=request.caller,
            )
            url = reverse("executor:execution-detail", args=[execution.pk])
            return Done(f"{execution} runs {deployment}.", url)

        form = ExecuteForm(posted(request), initial={"input_data": skeleton(schema)})
        more = {"heading": "What the input must look like", "content": json_block(schema)}
        return self.ask(
            request, deployment, do, title=f"Execute {deployment}", button="Execute", form=form,
            more=more if schema else None,
        )  # fmt: skip

    @action(description="Open its page", url_path="page", permissions=["view"], icon="open_in_new")
    def live_page(self, request: PageRequest, object_id: str) -> HttpResponse:
        deployment = self.row(request, object_id)
        return HttpResponseRedirect(reverse("deployments:deployment-detail", args=[deployment.pk]))

    @action(
        description="Add a schedule",
        url_path="add-schedule",
        permissions=["add_schedule"],
        icon="alarm_add",
    )
    def add_schedule(self, request: PageRequest, object_id: str) -> HttpResponse:
        url = reverse("admin:deployments_schedule_add")
        return HttpResponseRedirect(f"{url}?deployment={self.row(request, object_id).pk}")

    @action(description="Make a key", url_path="add-key", permissions=["add_key"], icon="key")
    def add_key(self, request: PageRequest, object_id: str) -> HttpResponse:
        url = reverse("admin:deployments_apikey_add")
        return HttpResponseRedirect(f"{url}?deployments={self.row(request, object_id).pk}")

    @action(
        description="New callback secret",
        url_path="callback-secret",
        permissions=["change"],
        icon="password",
    )
    def callback_secret(self, request: PageRequest, object_id: str) -> HttpResponse:
        deployment = self.row(request, object_id)

        def do(given: dict[str, Any]) -> Done:
            text = change_secret(deployment=deployment, **given)
            once = f"The secret is {text} – copy it now: it cannot be shown again."
            self.message_user(request, once, messages.WARNING)
            return Done(f"Callbacks of {deployment} have a new secret.")

        return self.ask(
            request,
            deployment,
            do,
            title=f"A new callback secret for {deployment}",
            text="Callbacks are signed with it, so that your server knows who calls. It is shown "
            "once. While the old one works, callbacks carry both signatures.",
            button="Make it",
            form=OverlapForm(posted(request)),
        )

    @action(description="Clone", url_path="clone", permissions=["clone"], icon="content_copy")
    def clone(self, request: PageRequest, object_id: str) -> HttpResponse:
        deployment = self.row(request, object_id)

        def do(given: dict[str, Any]) -> Done:
            made = deploy_design(
                design=deployment.design,
                endpoint_path=given["endpoint_path"],
                caller=request.caller,
                version=deployment.version.number,
                groups=deployment.groups.all(),
                status=Deployment.Status.INACTIVE,
                **{name: getattr(deployment, name) for name in LIMITS},
            )
            return Done(f"{made} is a copy of {deployment}, not active yet.", admin_url(made))

        path = f"{deployment.endpoint_path[:190]}-copy"
        return self.ask(
            request,
            deployment,
            do,
            title=f"Clone {deployment}",
            text="The version, the limits and the groups are taken over; schedules and keys are "
            "not. The copy is inactive until you activate it.",
            button="Clone",
            form=CloneForm(posted(request), initial={"endpoint_path": path}),
        )

    def _set_status(self, request: PageRequest, rows: Any, status: str, done: str) -> None:
        def do(row: Deployment) -> None:
            change_deployment(deployment=row, caller=request.caller, status=status)

        self.for_each(request, rows.present(), do, done)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: PageRequest, rows: Any) -> None:
        self._set_status(request, rows, Deployment.Status.ACTIVE, "{count} activated.")

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: PageRequest, rows: Any) -> None:
        self._set_status(request, rows, Deployment.Status.INACTIVE, "{count} deactivated.")

    @admin.action(description="Execute now, with an empty input", permissions=["execute"])
    def execute_selected(self, request: PageRequest, rows: Any) -> None:
        def do(row: Deployment) -> None:
            invoke_deployment(
                deployment=row, input_data={}, trigger=Trigger.MANUAL, caller=request.caller
            )

        self.for_each(request, rows.present(), do, "{count} started.")


def _is_there(row: Any) -> bool:
    return not isinstance(row, Deployment) or row.removed_at is None
