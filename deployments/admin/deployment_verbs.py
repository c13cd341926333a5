"""Verbs of deployments in the admin: execute, clone, activate, and links to related pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from deployments.admin.forms import CloneForm, ExecuteForm, OverlapForm
from deployments.admin.shown import skeleton
from deployments.callbacks.deliveries import change_secret
from deployments.models import LIMITS, Deployment
from deployments.services import change_deployment, deploy_design, invoke_deployment
from designs.access import Caller
from designs.admin.base import OrchestraAdmin
from designs.admin.shown import admin_url, json_block
from designs.admin.verbs import ActionResult, bulk_verb, page_verb, posted
from designs.requests import PageRequest
from executor.models import Execution, Trigger


def start_run(deployment: Deployment, caller: Caller, *, input_data: Any) -> Execution:
    return invoke_deployment(
        deployment=deployment, input_data=input_data, trigger=Trigger.MANUAL, caller=caller
    )


def change_status(deployment: Deployment, caller: Caller, *, status: str) -> None:
    change_deployment(deployment=deployment, caller=caller, status=status)


class DeploymentVerbs(OrchestraAdmin):
    """Each verb has its own confirmation page and calls one service."""

    actions = (
        bulk_verb("activate", "Activate", "change", "{count} activated.",
                  partial(change_status, status=Deployment.Status.ACTIVE)),
        bulk_verb("deactivate", "Deactivate", "change", "{count} deactivated.",
                  partial(change_status, status=Deployment.Status.INACTIVE)),
        bulk_verb("execute_selected", "Execute now, with an empty input", "execute",
                  "{count} started.", partial(start_run, input_data={})),
    )  # fmt: skip

    def has_execute_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.execute_deployment")

    def has_clone_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.add_deployment")

    def has_add_key_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.add_apikey")

    def has_add_schedule_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.add_schedule")

    def get_actions_detail(self, request: PageRequest, object_id: Any) -> list[Any]:
        """Undeployed rows are read-only."""
        row = self.get_object(request, str(object_id))
        there = row is not None and row.removed_at is None
        return super().get_actions_detail(request, object_id) if there else []

    def row(self, request: PageRequest, object_id: str) -> Deployment:
        deployment: Deployment = super().row(request, object_id)
        if deployment.removed_at is not None:
            raise Http404("It was undeployed.")
        return deployment

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

        def act(data: dict[str, Any]) -> ActionResult:
            execution = start_run(deployment, request.caller, **data)
            url = reverse("executor:execution-detail", args=[execution.pk])
            return ActionResult(f"{execution} runs {deployment}.", url)

        form = ExecuteForm(posted(request), initial={"input_data": skeleton(schema)})
        more = {"heading": "What the input must look like", "content": json_block(schema)}
        return self.ask(
            request, deployment, act, title=f"Execute {deployment}", button="Execute", form=form,
            more=more if schema else None,
        )  # fmt: skip

    @action(description="View on site", url_path="page", permissions=["view"], icon="open_in_new")
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

    @action(description="Create a key", url_path="add-key", permissions=["add_key"], icon="key")
    def add_key(self, request: PageRequest, object_id: str) -> HttpResponse:
        url = reverse("admin:deployments_apikey_add")
        return HttpResponseRedirect(f"{url}?deployments={self.row(request, object_id).pk}")

    @page_verb(
        "New callback secret", "change", icon="password", title="A new callback secret for {row}",
        text="Callbacks are signed with it, so that your server knows who calls. It is shown "
        "once. While the old one works, callbacks carry both signatures.",
        button="Create secret", form=OverlapForm,
    )  # fmt: skip
    def callback_secret(
        self, request: PageRequest, row: Deployment, data: dict[str, Any]
    ) -> ActionResult:
        secret = change_secret(deployment=row, **data)
        once = f"The secret is {secret} – copy it now: it cannot be shown again."
        self.message_user(request, once, messages.WARNING)
        return ActionResult(f"Callbacks of {row} have a new secret.")

    @page_verb(
        "Clone", "clone", icon="content_copy", title="Clone {row}",
        text="The version, the limits and the groups are taken over; schedules and keys are "
        "not. The copy is inactive until you activate it.",
        button="Clone", form=CloneForm,
        initial=lambda row: {"endpoint_path": f"{row.endpoint_path[:190]}-copy"},
    )  # fmt: skip
    def clone(self, request: PageRequest, row: Deployment, data: dict[str, Any]) -> ActionResult:
        copy = deploy_design(
            design=row.design,
            endpoint_path=data["endpoint_path"],
            caller=request.caller,
            version=row.version.number,
            groups=row.groups.all(),
            status=Deployment.Status.INACTIVE,
            **{name: getattr(row, name) for name in LIMITS},
        )
        return ActionResult(f"{copy} is a copy of {row}, not active yet.", admin_url(copy))

    def for_each(
        self, request: PageRequest, rows: Any, act: Callable[[Any], object], done: str
    ) -> None:
        super().for_each(request, rows.present(), act, done)
