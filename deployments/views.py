"""The pages of deployments: cards, deploying, configuring, executing, undeploying."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from deployments.errors import (
    DeploymentInactive,
    EndpointPathInvalid,
    EndpointPathTaken,
    InputInvalid,
    ScheduleInvalid,
)
from deployments.forms import (
    SCHEDULE_FIELDS,
    ConfigureForm,
    DeployForm,
    ExecuteForm,
    ScheduleForm,
    zones,
)
from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules import store
from deployments.services import (
    UNCHANGED,
    change_deployment,
    deploy_design,
    invoke_deployment,
    undeploy,
)
from deployments.snippets import example_input, snippets
from designs.errors import DesignInvalid, NotAllowed, VersionUnknown
from designs.requests import PageRequest, requires
from executor.models import Execution, Trigger

SHOWN_RUNS = 10
SHOWN_OCCURRENCES = 50
MANAGE_SCHEDULE = "deployments.change_schedule"


def _rows(request: PageRequest) -> Any:
    rows = Deployment.objects.for_caller(request.caller).select_related("design", "version")
    return (
        rows.defer("design__draft")
        .prefetch_related(*store.PREFETCH)
        .with_activity()
        .with_last_run()
    )


def _find(request: PageRequest, pk: uuid.UUID) -> Deployment:
    found: Deployment = get_object_or_404(_rows(request), pk=pk)
    return found


def _rights(request: PageRequest) -> dict[str, bool]:
    may = request.caller.may
    return {
        "may_deploy": may("deployments.add_deployment"),
        "may_change": may("deployments.change_deployment"),
        "may_delete": may("deployments.delete_deployment"),
        "may_execute": may("deployments.execute_deployment"),
    }


@require_safe
@requires("deployments.view_deployment")
def deployment_list(request: PageRequest) -> HttpResponse:
    """Cards; only those when htmx asks, so that changes appear by themselves."""
    text = request.GET.get("text", "").strip()[:200]
    rows = _rows(request).containing(text).defer("version__document").order_by("endpoint_path")
    cards = [(row, store.schedule_of(row)) for row in rows]
    context = {"cards": cards, "text": text, **_rights(request)}
    part = "#cards" if request.htmx else ""
    return render(request, f"deployments/deployment_list.html{part}", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.add_deployment")
def deployment_new(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        form = DeployForm(
            caller=request.caller, initial={"kind": "none", "design": request.GET.get("design")}
        )
        return _form(request, "deployment_new", form)
    form = DeployForm(request.POST, caller=request.caller)
    if form.is_valid():
        data = form.cleaned_data
        try:
            deployment = deploy_design(
                design=data["design"],
                endpoint_path=data["endpoint_path"],
                caller=request.caller,
                schedule=form.fields_of_schedule(),
            )
        except REFUSALS as error:
            _show_refusal(form, error)
        else:
            messages.success(request, f"{deployment.endpoint_path} is deployed.")
            return _go(request, "deployments:deployment-detail", deployment)
    return _form(request, "deployment_new", form)


@require_safe
@requires("deployments.view_deployment")
def deployment_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """One deployment: what it is, how to call it, its last runs and occurrences."""
    deployment = _find(request, pk)
    executions = Execution.objects.for_caller(request.caller).filter(deployment=deployment)
    context = {
        "deployment": deployment,
        "schedule": store.schedule_of(deployment),
        "executions": executions.for_list().page(size=SHOWN_RUNS)[0],
        "snippets": snippets(deployment),
        "occurrences": Occurrence.objects.filter(schedule__deployment=deployment)[:SHOWN_RUNS],
        **_rights(request),
    }
    return render(request, "deployments/deployment_detail.html", context)


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
    if request.method == "POST" and form.is_valid():
        may_schedule = request.caller.may(MANAGE_SCHEDULE)
        try:
            change_deployment(
                deployment=deployment,
                caller=request.caller,
                schedule=form.fields_of_schedule() if may_schedule else UNCHANGED,
                **form.changes(),
            )
        except REFUSALS as error:
            _show_refusal(form, error)
        else:
            messages.success(request, "The changes are in force.")
            return _go(request, "deployments:deployment-detail", deployment)
    return _form(request, "deployment_configure", form, deployment=deployment)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.execute_deployment")
def deployment_execute(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Start a run by hand; its page follows it."""
    deployment = _find(request, pk)
    initial = {"input_data": example_input(deployment.version.document)}
    form = ExecuteForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            execution = invoke_deployment(
                deployment=deployment,
                input_data=form.cleaned_data["input_data"],
                trigger=Trigger.MANUAL,
                caller=request.caller,
            )
        except (DeploymentInactive, InputInvalid) as error:
            _show_refusal(form, error)
        else:
            return _go(request, "executor:execution-detail", execution)
    return _form(request, "deployment_execute", form, deployment=deployment)


@require_POST
@requires("deployments.change_deployment")
def deployment_status(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Switch between active and inactive."""
    deployment = _find(request, pk)
    status = Deployment.Status.INACTIVE if deployment.is_active else Deployment.Status.ACTIVE
    change_deployment(deployment=deployment, caller=request.caller, status=status)
    messages.success(request, f"{deployment.endpoint_path} is {status.label.lower()} now.")
    return _go(request, "deployments:deployment-list")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.delete_deployment")
def deployment_delete(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask, saying what is lost; then undeploy."""
    deployment = _find(request, pk)
    if request.method == "POST":
        undeploy(deployment=deployment, caller=request.caller)
        messages.success(request, f"{deployment.endpoint_path} is undeployed; its history stays.")
        return _go(request, "deployments:deployment-list")
    return render(request, "deployments/deployment_delete.html", {"deployment": deployment})


@require_POST
@requires("deployments.view_deployment")
def schedule_preview(request: PageRequest) -> HttpResponse:
    """The next times of a schedule that is being typed; stores nothing."""
    form = ScheduleForm(request.POST)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        fields = form.fields_of_schedule()
        if fields is not None:
            try:
                words, runs = store.preview_fields(fields)
                context.update(words=words, times=[run.local for run in runs])
            except ScheduleInvalid as error:
                context["problems"] = [text for texts in error.errors.values() for text in texts]
    return render(request, "deployments/schedule_preview.html", context)


@require_safe
@requires("deployments.view_schedule")
def schedule_list(request: PageRequest) -> HttpResponse:
    """What will run over all deployments, and what became of the last planned times."""
    deployments = Deployment.objects.for_caller(request.caller)
    schedules = (
        Schedule.objects.filter(deployment__in=deployments)
        .select_related("deployment__design", "beat_task__crontab", "beat_task__interval")
        .defer("deployment__design__draft")
        .order_by("next_due_at", "created_at")
    )
    occurrences = Occurrence.objects.filter(schedule__deployment__in=deployments)
    context = {
        "schedules": [(row, store.describe(row)) for row in schedules],
        "occurrences": occurrences.select_related("schedule__deployment")[:SHOWN_OCCURRENCES],
    }
    return render(request, "deployments/schedule_list.html", context)


# --- What forms share -----------------------------------------------------------------------------

REFUSALS = (
    EndpointPathInvalid, EndpointPathTaken, ScheduleInvalid,
    DesignInvalid, NotAllowed, VersionUnknown,
)  # fmt: skip


def _show_refusal(form: forms.Form, error: Exception) -> None:
    """A service's refusal, at the field that it is about."""
    if isinstance(error, EndpointPathInvalid | EndpointPathTaken):
        form.add_error("endpoint_path", str(error))
    elif isinstance(error, ScheduleInvalid):
        for name, texts in error.errors.items():
            field = SCHEDULE_FIELDS.get(name, name)
            form.add_error(field if field in form.fields else None, texts)  # type: ignore[arg-type]
    elif isinstance(error, InputInvalid):
        for path, texts in error.errors.items():
            form.add_error("input_data", [f"{path}: {text}" for text in texts])  # type: ignore[arg-type]
    elif isinstance(error, DesignInvalid):
        form.add_error(None, "The design has problems and cannot be deployed. Repair it first:")
        for problem in error.problems[:20]:
            form.add_error(None, f"{problem.path or 'design'}: {problem.message}")
    else:
        form.add_error(None, str(error))


def _form(request: PageRequest, name: str, form: forms.Form, **more: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    context = {
        "form": form,
        "may_schedule": request.caller.may(MANAGE_SCHEDULE),
        "zones": zones() if "timezone" in form.fields else (),
        **more,
    }
    part = "#form" if request.htmx else ""
    return render(request, f"deployments/{name}.html{part}", context, status=status)


def _go(request: PageRequest, name: str, row: Any = None) -> HttpResponse:
    response = redirect(name, pk=row.pk) if row is not None else redirect(name)
    return HttpResponseClientRedirect(response["Location"]) if request.htmx else response
