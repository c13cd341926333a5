"""The pages of deployments: cards, deploying, configuring, executing, undeploying."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deployments.forms.deployments import ConfigureForm, DeployForm
from deployments.forms.schedules import INPUT, ScheduleForm
from deployments.models import Deployment
from deployments.schedules import store
from deployments.services import (
    UNCHANGED,
    change_deployment,
    deploy_design,
    document_to_deploy,
    path_problem,
    undeploy,
)
from deployments.views.answers import (
    MANAGE_SCHEDULE,
    REFUSALS,
    UNSAID,
    form_page,
    go,
    show_refusal,
)
from designs.requests import PageRequest, requires
from executor.acceptance.offers import example_input

SHOWN_RUNS = 10


def _rows(request: PageRequest) -> Any:
    rows = Deployment.objects.for_caller(request.caller).select_related("design", "version")
    return (
        rows.defer("design__draft").prefetch_related(*store.PREFETCH).with_totals().with_last_run()
    )


def _find(request: PageRequest, pk: uuid.UUID) -> Deployment:
    deployment: Deployment = get_object_or_404(_rows(request), pk=pk)
    return deployment


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.add_deployment")
def deployment_new(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return form_page(request, "deployment_new", _filled_in(request))
    form = DeployForm(request.POST, caller=request.caller)
    _take_input(form, form.offered_version(request.POST.get("version", "")))
    if form.is_valid():
        data = form.cleaned_data
        try:
            deployment = deploy_design(
                design=data["design"],
                endpoint_path=data["endpoint_path"],
                version=data["version"],
                caller=request.caller,
                schedule=form.fields_of_schedule(),
            )
        except REFUSALS as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"{deployment.endpoint_path} is deployed.")
            return go(request, "deployments:deployment-detail", pk=deployment.pk)
    return form_page(request, "deployment_new", form)


@require_safe
@requires("deployments.add_deployment")
def deployment_path(request: PageRequest) -> HttpResponse:
    """What is to be said of a path that is being typed."""
    path = request.GET.get("endpoint_path", "")
    context = {"problem": path_problem(path), "path": path}
    return render(request, "deployments/deployment_path.html", context)


def _filled_in(request: PageRequest) -> DeployForm:
    """The form with the design and version of the query, a free path, and an example of the input.

    A typed path stays when another design is chosen; one that was suggested changes.
    """
    asked = request.GET
    form = DeployForm(
        caller=request.caller, initial={"kind": "none", "design": asked.get("design")}
    )
    typed = asked.get("endpoint_path", "")
    if typed != asked.get("suggested_path", ""):
        form.initial["endpoint_path"] = typed
    if form.chosen is not None:
        suggested = Deployment.objects.free_path(form.chosen.name)
        form.initial.setdefault("endpoint_path", suggested)
        form.initial["suggested_path"] = suggested
        form.initial["version"] = form.offered_version(asked.get("version", ""))
        document = document_to_deploy(form.chosen, form.initial["version"])
        form.initial[INPUT] = example_input(document)
    _take_input(form, form.initial.get("version"))
    return form


def _take_input(form: DeployForm, version: int | None) -> None:
    document = {} if form.chosen is None else document_to_deploy(form.chosen, version)
    form.take_input(document.get("input_schema"), example_input(document))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.change_deployment")
def deployment_configure(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    deployment = _find(request, pk)
    versions = list(deployment.design.versions.values_list("number", flat=True))
    initial = {
        **{name: getattr(deployment, name) for name in ConfigureForm.OWN if name != "version"},
        "version": deployment.version.number,
        **ScheduleForm.initial_of(store.schedule_of(deployment)),
    }
    form = ConfigureForm(
        request.POST if request.method == "POST" else None, versions=versions, initial=initial
    )
    if request.caller.may("executor.view_payload"):
        document = deployment.version.document
        form.take_input(document.get("input_schema"), example_input(document))
    if request.method == "POST" and form.is_valid():
        schedule: Any = UNCHANGED
        if request.caller.may(MANAGE_SCHEDULE):
            schedule, before = form.fields_of_schedule(), store.schedule_of(deployment)
            if schedule is not None and before is not None:
                # An input that the caller may not see stays.
                schedule.setdefault("input_data", before["input_data"])
        try:
            change_deployment(
                deployment=deployment,
                caller=request.caller,
                schedule=schedule,
                **form.changes(),
            )
        except REFUSALS as error:
            show_refusal(form, error)
        else:
            messages.success(request, "Changes saved.")
            return go(request, "deployments:deployment-detail", pk=deployment.pk)
    return form_page(request, "deployment_configure", form, deployment=deployment)


@require_POST
@requires("deployments.change_deployment")
def deployment_status(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Sets the status that the button named."""
    deployment = _find(request, pk)
    wanted = request.POST.get("status")
    if wanted not in (Deployment.Status.ACTIVE, Deployment.Status.INACTIVE):
        messages.warning(request, UNSAID)
        return go(request, "deployments:deployment-list")
    status = Deployment.Status(wanted)
    change_deployment(deployment=deployment, caller=request.caller, status=status)
    if request.htmx:
        # The switch shows it already; what else depends on it refreshes.
        return HttpResponse(status=204, headers={"HX-Trigger": "fresh"})
    messages.success(request, f"{deployment.endpoint_path} is {status.label.lower()} now.")
    return go(request, "deployments:deployment-list")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.delete_deployment")
def deployment_delete(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    deployment = _find(request, pk)
    if request.method == "POST":
        undeploy(deployment=deployment, caller=request.caller)
        messages.success(request, f"{deployment.endpoint_path} is undeployed; its history stays.")
        return go(request, "deployments:deployment-list")
    return render(request, "deployments/deployment_delete.html", {"deployment": deployment})
