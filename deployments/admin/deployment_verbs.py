"""What can be done with a deployment in the admin: execute, clone, activate, and the ways on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from deployments.admin.forms import LIMITS, CloneForm, ExecuteForm, OverlapForm
from deployments.admin.shown import skeleton
from deployments.callbacks.deliveries import change_secret
from deployments.models import Deployment
from deployments.services import change_deployment, deploy_design, invoke_deployment
from designs.admin.base import OrchestraAdmin
from designs.admin.shown import admin_url, json_block
from designs.admin.verbs import Done, posted
from designs.requests import PageRequest
from executor.models import Trigger


class DeploymentVerbs(OrchestraAdmin):
    """Each asks on a page of its own, and calls one service."""

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
