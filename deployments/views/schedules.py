"""The pages of schedules: what comes, what came, add, change, switch, end, fill in."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deployments.errors import BackfillRefused, DeploymentInactive, ScheduleInvalid
from deployments.forms.schedules import INPUT, KINDS, PRESETS, BackfillForm, ScheduleForm
from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules import store
from deployments.schedules.backfill import plan_backfill, start_backfill
from deployments.schedules.scheduling import (
    add_schedule,
    change_schedule,
    remove_schedule,
    switch_schedule,
)
from deployments.schedules.upcoming import upcoming_runs
from deployments.views.answers import (
    MANAGE_SCHEDULE,
    REFUSALS,
    UNSAID,
    form_page,
    go,
    show_refusal,
)
from deployments.views.schedule_lines import lines_of
from designs.requests import PageRequest, render_fresh, requires
from executor.acceptance.offers import example_input
from executor.history.timeline import readable

SHOWN_UPCOMING = 30
SHOWN_SILENT = 50
SHOWN_RUNS = 50
PAYLOAD = "executor.view_payload"
# A span to begin with, in a form that is not filled in yet.
USUAL_SPAN = timedelta(days=1)


@require_safe
@requires("deployments.view_schedule")
def schedule_list(request: PageRequest) -> HttpResponse:
    asked = request.htmx.target if request.htmx else None
    context: dict[str, Any] = {}
    if asked != "occurrences":
        seen = Schedule.objects.for_caller(request.caller).with_rule()
        seen = seen.select_related("deployment__design")
        seen = seen.defer("input_data", "deployment__design__draft")
        runs = Q(next_run_at__isnull=False, deployment__status=Deployment.Status.ACTIVE)
        silent = seen.exclude(runs).order_by("-error", "deployment__endpoint_path", "created_at")
        context = {
            "upcoming": upcoming_runs(seen, most=SHOWN_UPCOMING),
            "lines": lines_of(seen, request.caller),
            "silent": [(row, store.words_of(row)) for row in silent[:SHOWN_SILENT]],
            "has_schedules": seen.exists(),
            "may_deploy": request.caller.may("deployments.add_schedule"),
        }
    if asked != "upcoming":
        rows = Occurrence.objects.for_caller(request.caller).for_list()
        context.update(occurrences_page(request, rows))
    template = "deployments/schedule_list.html"
    if asked == "upcoming":
        return render_fresh(request, template, context, part="upcoming")
    part = "#occurrences" if asked == "occurrences" else ""
    return render(request, f"{template}{part}", context)


def occurrences_page(request: PageRequest, rows: Any) -> dict[str, Any]:
    outcome = request.GET.get("outcome", "")
    if outcome in Occurrence.Outcome.values:
        rows = rows.filter(outcome=outcome)
    page, newer, older = rows.page(
        before=request.GET.get("before", ""), after=request.GET.get("after", ""), size=SHOWN_RUNS
    )
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)

    def neighbour(name: str, row: Occurrence) -> str:
        link = query.copy()
        link[name] = row.place
        return link.urlencode()

    return {
        "occurrences": page,
        "outcome": outcome,
        "outcomes": Occurrence.Outcome.choices,
        "newer": neighbour("after", page[0]) if newer and page else "",
        "older": neighbour("before", page[-1]) if older and page else "",
    }


@require_POST
@requires("deployments.view_deployment")
def schedule_preview(request: PageRequest) -> HttpResponse:
    """The next times of a schedule that is being typed; stores nothing. A `preset` fills it in."""
    data, preset = request.POST.copy(), request.POST.get("preset")
    if preset in dict(PRESETS):
        data.setlist("kind", ["cron"])
        data.setlist("cron_expression", [preset])
    form = ScheduleForm(data)
    context: dict[str, Any] = {"form": form, "is_preset": preset in dict(PRESETS)}
    if form.is_valid():
        fields = form.fields_of_schedule()
        if fields is not None:
            try:
                words, runs = store.preview_fields(fields)
                context.update(words=words, runs=runs, is_left_out=bool(fields["calendar_id"]))
            except ScheduleInvalid as error:
                context["problems"] = [text for texts in error.errors.values() for text in texts]
    return render(request, "deployments/schedule_preview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.add_schedule")
def schedule_new(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    rows = Deployment.objects.for_caller(request.caller).select_related("design", "version")
    deployment: Deployment = get_object_or_404(rows, pk=pk)
    example = example_input(deployment.version.document)
    form = _form(request, deployment, {"kind": "cron", INPUT: example})
    if form.is_bound and form.is_valid():
        fields = form.fields_of_schedule() or {}
        try:
            schedule = add_schedule(deployment=deployment, fields=fields)
        except REFUSALS as error:
            show_refusal(form, error)
        else:
            messages.success(request, "Schedule added.")
            return _to(request, schedule)
    return form_page(request, "schedule_new", form, deployment=deployment)


@require_safe
@requires("deployments.view_schedule")
def schedule_detail(request: PageRequest, pk: uuid.UUID, schedule_id: uuid.UUID) -> HttpResponse:
    schedule = _find(request, pk, schedule_id)
    description = store.describe(schedule)
    rows = Occurrence.objects.for_caller(request.caller).for_list().filter(schedule=schedule)
    may = request.caller.may
    context = {
        "deployment": schedule.deployment,
        "schedule": schedule,
        "shown": {name: description[name] for name in description if name != "input_data"},
        "runs": store.preview_schedule(schedule),
        "may_change_schedule": may(MANAGE_SCHEDULE),
        "may_delete_schedule": may("deployments.delete_schedule"),
        **occurrences_page(request, rows),
    }
    if may(PAYLOAD):
        context["input_text"] = readable(description["input_data"])
    if _may_fill_in(request):
        context["backfill"] = _backfill_form(request, schedule)
    part = "#occurrences" if request.htmx else ""
    return render(request, f"deployments/schedule_detail.html{part}", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE_SCHEDULE)
def schedule_edit(request: PageRequest, pk: uuid.UUID, schedule_id: uuid.UUID) -> HttpResponse:
    schedule = _find(request, pk, schedule_id)
    initial = ScheduleForm.initial_of(store.describe(schedule))
    form = _form(request, schedule.deployment, initial)
    if form.is_bound and form.is_valid():
        fields = form.fields_of_schedule() or {}
        # An input that the caller may not see stays.
        fields.setdefault("input_data", schedule.input_data)
        try:
            change_schedule(schedule=schedule, fields=fields)
        except REFUSALS as error:
            show_refusal(form, error)
        else:
            messages.success(request, "Changes saved.")
            return _to(request, schedule)
    return form_page(
        request, "schedule_edit", form, deployment=schedule.deployment, schedule=schedule
    )


@require_POST
@requires(MANAGE_SCHEDULE)
def schedule_switch(request: PageRequest, pk: uuid.UUID, schedule_id: uuid.UUID) -> HttpResponse:
    """Switches to the state that the button named."""
    schedule = _find(request, pk, schedule_id)
    wanted = request.POST.get("enabled")
    if wanted not in ("on", "off"):
        messages.warning(request, UNSAID)
        return _to(request, schedule)
    enabled = wanted == "on"
    try:
        switch_schedule(schedule=schedule, enabled=enabled)
    except ScheduleInvalid as error:
        sentence = " ".join(chain.from_iterable(error.errors.values()))
        if request.htmx:
            return HttpResponse(sentence, "text/plain; charset=utf-8", 409)
        messages.error(request, sentence)
    else:
        if request.htmx:
            # The switch shows it already; what else depends on it refreshes.
            return HttpResponse(status=204, headers={"HX-Trigger": "fresh"})
        messages.success(request, f"The schedule is {'on' if enabled else 'off'} now.")
    return _to(request, schedule)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.delete_schedule")
def schedule_delete(request: PageRequest, pk: uuid.UUID, schedule_id: uuid.UUID) -> HttpResponse:
    schedule = _find(request, pk, schedule_id)
    if request.method == "POST":
        remove_schedule(schedule=schedule)
        messages.success(request, "The schedule is deleted; its executions stay.")
        return go(request, "deployments:deployment-detail", pk=pk)
    context = {
        "deployment": schedule.deployment,
        "schedule": schedule,
        "words": store.words_of(schedule),
        "occurrences": schedule.occurrences.count(),
    }
    return render(request, "deployments/schedule_delete.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE_SCHEDULE)
def schedule_backfill(request: PageRequest, pk: uuid.UUID, schedule_id: uuid.UUID) -> HttpResponse:
    """Ask for a span, show how many runs that starts, and start them once confirmed."""
    if not _may_fill_in(request):
        raise PermissionDenied
    schedule = _find(request, pk, schedule_id)
    form = _backfill_form(request, schedule)
    plan = None
    if form.is_bound and form.is_valid():
        try:
            if form.cleaned_data["confirm"]:
                done = start_backfill(schedule=schedule, **form.span())
                messages.success(request, f"Runs started: {done.runs}.")
                return _to(request, schedule)
            plan = plan_backfill(schedule=schedule, **form.span())
        except BackfillRefused as error:
            form.add_error("since" if error.field == "from" else error.field, str(error))
        except DeploymentInactive as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "plan": plan,
        "deployment": schedule.deployment,
        "schedule": schedule,
        "words": store.words_of(schedule),
        "zone": form.zone.key,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "deployments/schedule_backfill.html", context, status=status)


# --- Shared ---------------------------------------------------------------------------------------


def _find(request: PageRequest, pk: uuid.UUID, schedule_id: uuid.UUID) -> Schedule:
    rows = Schedule.objects.for_caller(request.caller).with_rule()
    rows = rows.select_related("deployment__design", "deployment__version").filter(deployment=pk)
    schedule: Schedule = get_object_or_404(rows, pk=schedule_id)
    return schedule


def _form(request: PageRequest, deployment: Deployment, initial: dict[str, Any]) -> ScheduleForm:
    form = ScheduleForm(request.POST if request.method == "POST" else None, initial=initial)
    form.fields["kind"].choices = [kind for kind in KINDS if kind[0] != "none"]  # type: ignore[attr-defined]
    if request.caller.may(PAYLOAD):
        document = deployment.version.document
        form.take_input(document.get("input_schema"), example_input(document))
    return form


def _backfill_form(request: PageRequest, schedule: Schedule) -> BackfillForm:
    rule = store.readable_rule(schedule)
    zone = ZoneInfo("UTC" if rule is None else rule.timezone)
    now = timezone.now().astimezone(zone).replace(tzinfo=None)
    initial = {"since": now - USUAL_SPAN, "until": now}
    data = request.POST if request.method == "POST" else None
    return BackfillForm(data, zone=zone.key, initial=initial)


def _may_fill_in(request: PageRequest) -> bool:
    may = request.caller.may
    return may(MANAGE_SCHEDULE) and may("deployments.execute_deployment")


def _to(request: PageRequest, schedule: Schedule) -> HttpResponse:
    keys = {"pk": schedule.deployment_id, "schedule_id": schedule.pk}
    return go(request, "deployments:schedule-detail", **keys)
