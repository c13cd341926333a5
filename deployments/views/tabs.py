"""The page of one deployment in tabs, each with an address: overview, API, schedules, versions."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deployments.access.keys import create_key
from deployments.calls.snippets import LANGUAGES, MODES, snippet
from deployments.errors import VersionMisfit
from deployments.forms.keys import EndpointKeyForm
from deployments.models import ApiKey, Deployment, Occurrence
from deployments.schedules import store
from deployments.services import change_deployment
from deployments.views import words
from deployments.views.answers import MANAGE_SCHEDULE, REFUSALS, go, rights_of
from deployments.views.lists import shown_of
from deployments.views.schedules import occurrences_page
from designs.errors import DesignInvalid
from designs.models import DesignVersion
from designs.requests import PageRequest, render_fresh, requires
from executor.acceptance.offers import example_input
from executor.history.quotes import hide_quotes
from executor.models import Execution, VersionTotals
from executor.models.durations import percentile

SHOWN_RUNS = 8
SHOWN_KEYS = 50
SHOWN_VERSIONS = 200
NEXT_RUNS = 3
# So many failed runs in a row are a warning.
FAILED_IN_A_ROW = 3
TABS = {
    "detail": "Overview",
    "api": "API",
    "schedules": "Schedules",
    "versions": "Versions",
    "limits": "Limits and access",
}
# What a call may be answered with, besides the result.
ANSWERS = (
    (202, "The run continues: Location and status_url say where to look."),
    (401, "No valid key."),
    (403, "The key does not cover this deployment."),
    (409, "The deployment takes no calls, or the run was cancelled."),
    (422, "The input does not fit: errors names each field."),
    (429, "A limit is reached: Retry-After says when to try again."),
    (502, "The run failed."),
    (504, "The run timed out."),
)


def find_deployment(request: PageRequest, pk: uuid.UUID) -> Deployment:
    rows = Deployment.objects.for_caller(request.caller).select_related("design", "version")
    rows = rows.defer("design__draft").prefetch_related(*store.PREFETCH)
    deployment: Deployment = get_object_or_404(rows.with_totals(), pk=pk)
    return deployment


def tab_context(request: PageRequest, deployment: Deployment, tab: str) -> dict[str, Any]:
    """What the frame of each tab shows."""
    rights = rights_of(request)
    tabs = [
        (f"deployments:deployment-{name}", label, name)
        for name, label in TABS.items()
        if name != "schedules" or rights["may_see_schedules"]
    ]
    return {
        "deployment": deployment,
        "tab": tab,
        "tabs": tabs,
        "schedule_count": len(deployment.schedules.all()) if rights["may_see_schedules"] else 0,
        **rights,
    }


# --- Overview -------------------------------------------------------------------------------------


@require_safe
@requires("deployments.view_deployment")
def deployment_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    deployment = find_deployment(request, pk)
    rows = Execution.objects.for_caller(request.caller).filter(deployment=deployment)
    executions = rows.for_list().page(size=SHOWN_RUNS)[0]
    hide_quotes(request.caller, *executions)
    shown = shown_of(request, [deployment])[0]
    sums = shown.day.sums
    average = sums.cost_usd / sums.runs if sums.cost_usd is not None and sums.runs else None
    context = {
        **tab_context(request, deployment, "detail"),
        "shown": shown,
        "executions": executions,
        "failing": _failing(executions),
        "slow_ms": percentile(shown.day.durations, 95),
        "cost_of_run": words.cost_of(average, sums.model_calls) if sums.runs else "–",
        "may_design": request.caller.may("designs.view_design"),
    }
    return render_fresh(request, "deployments/deployment_detail.html", context)


def _failing(executions: list[Execution]) -> Execution | None:
    """The latest run, if it and those before it failed."""
    ended = [run for run in executions if not run.is_live][:FAILED_IN_A_ROW]
    has_failed = [run.status in ("failed", "timed_out") for run in ended]
    return ended[0] if len(ended) == FAILED_IN_A_ROW and all(has_failed) else None


# --- API ------------------------------------------------------------------------------------------


@require_safe
@requires("deployments.view_deployment")
def deployment_api(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """`?code=&mode=` choose what is shown of how to call it."""
    return _api_page(request, find_deployment(request, pk), EndpointKeyForm())


@require_POST
@requires("deployments.add_apikey")
def deployment_key_new(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Makes a key for this endpoint alone; the answer shows it once, in the code too."""
    deployment = find_deployment(request, pk)
    form = EndpointKeyForm(request.POST)
    if not form.is_valid():
        return _api_page(request, deployment, form)
    _, secret = create_key(
        owner=request.user,
        maker=request.caller,
        scopes=["execute"],
        deployments=[deployment],
        **form.cleaned_data,
    )
    return _api_page(request, deployment, EndpointKeyForm(), secret=secret)


def _api_page(
    request: PageRequest, deployment: Deployment, form: EndpointKeyForm, secret: str = ""
) -> HttpResponse:
    document = deployment.version.document
    context = {
        **tab_context(request, deployment, "api"),
        **_code(request, deployment, secret),
        "secret": secret,
        "key_form": form if request.caller.may("deployments.add_apikey") else None,
        "keys": _keys(request, deployment),
        "answers": ANSWERS,
        "example": _json(example_input(document)),
        "input_schema": _json(document.get("input_schema")),
        "output_schema": _json(document.get("output_schema")),
    }
    part = "#api" if request.htmx else ""
    status = 422 if form.is_bound else 200
    response = render(request, f"deployments/deployment_api.html{part}", context, status=status)
    if secret:
        # No address leads back to it, and nothing stores it.
        response["Cache-Control"] = "no-store"
    return response


def _code(request: PageRequest, deployment: Deployment, secret: str) -> dict[str, Any]:
    code, mode = request.GET.get("code", ""), request.GET.get("mode", "")
    code, mode = code if code in LANGUAGES else "curl", mode if mode in MODES else "wait"

    def address(**chosen: str) -> str:
        return f"?{urlencode({'code': code, 'mode': mode, **chosen})}"

    return {
        "code": code,
        "mode": mode,
        "snippet": snippet(deployment, language=code, mode=mode, key=secret),
        "languages": [(name, label, address(code=name)) for name, label in LANGUAGES.items()],
        "modes": [(name, label, address(mode=name)) for name, (label, _) in MODES.items()],
    }


def _keys(request: PageRequest, deployment: Deployment) -> list[ApiKey]:
    """The keys that the person may see and that are bound to this endpoint."""
    if not request.caller.may("deployments.view_apikey"):
        return []
    rows = ApiKey.objects.for_caller(request.caller).filter(deployments=deployment)
    return list(rows.filter(revoked_at=None).order_by("-created_at")[:SHOWN_KEYS])


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)


# --- Schedules ------------------------------------------------------------------------------------


@require_safe
@requires("deployments.view_schedule")
def deployment_schedules(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    deployment = find_deployment(request, pk)
    rows = Occurrence.objects.for_caller(request.caller).for_list()
    name = "deployments/deployment_schedules.html"
    context = {**tab_context(request, deployment, "schedules")}
    if request.htmx and request.htmx.target == "occurrences":
        context |= occurrences_page(request, rows.filter(schedule__deployment=deployment))
        return render(request, f"{name}#occurrences", context)
    latest = {row.schedule_id: row for row in rows.latest_of(deployment.schedules)}
    context |= {
        "schedules": [_schedule(row, latest.get(row.pk)) for row in deployment.schedules.all()],
        "may_fill_in": request.caller.may(MANAGE_SCHEDULE)
        and request.caller.may("deployments.execute_deployment"),
    }
    if not request.htmx:
        context |= occurrences_page(request, rows.filter(schedule__deployment=deployment))
    return render_fresh(request, name, context)


def _schedule(row: Any, latest: Occurrence | None) -> dict[str, Any]:
    description = store.describe(row)
    # Not everybody may see inputs.
    description.pop("input_data", None)
    description["next_runs"] = store.preview_schedule(row, most=NEXT_RUNS)
    description["overlap"] = row.get_overlap_display()
    description["latest"] = latest
    return description


# --- Versions -------------------------------------------------------------------------------------


@require_safe
@requires("deployments.view_deployment")
def deployment_versions(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    deployment = find_deployment(request, pk)
    totals = {
        row.version_id: row
        for row in VersionTotals.objects.filter(deployment=deployment).order_by()
    }
    versions = deployment.design.versions.for_list(request.caller)[:SHOWN_VERSIONS]
    context = {
        **tab_context(request, deployment, "versions"),
        "versions": [_version(row, totals.get(row.pk)) for row in versions],
        "may_compare": request.caller.may("designs.view_design"),
    }
    return render(request, "deployments/deployment_versions.html", context)


def _version(row: DesignVersion, totals: VersionTotals | None) -> dict[str, Any]:
    ended = totals.completed + totals.failed + totals.timed_out if totals else 0
    return {
        "row": row,
        "runs": totals.runs if totals else 0,
        "share": words.percent(100 * totals.completed / ended if totals and ended else None),
        "median_ms": percentile(totals.durations, 50) if totals else None,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.change_deployment")
def deployment_use(request: PageRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Asks, then has the deployment use another version, forward or back."""
    deployment = find_deployment(request, pk)
    version = get_object_or_404(deployment.design.versions, number=number)
    problems: tuple[str, ...] = ()
    if request.method == "POST":
        try:
            change_deployment(deployment=deployment, caller=request.caller, version=number)
        except VersionMisfit as error:
            problems = error.sentences
        except DesignInvalid as error:
            problems = tuple(problem.message for problem in error.problems[:5])
        except REFUSALS as error:
            problems = (str(error),)
        else:
            messages.success(request, f"{deployment.endpoint_path} uses v{number} now.")
            return go(request, "deployments:deployment-versions", pk=pk)
    if deployment.version.number == number:
        return go(request, "deployments:deployment-versions", pk=pk)
    live = Execution.objects.for_caller(request.caller).live().filter(deployment=deployment)
    context = {
        "deployment": deployment,
        "version": version,
        "is_back": number < deployment.version.number,
        "live": live.count(),
        "problems": problems,
    }
    status = 422 if problems else 200
    return render(request, "deployments/deployment_use.html", context, status=status)
