"""The tab of a deployment's limits: each with what is used of it today, changed in its place."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from deployments.access.limits import limits_of, used_now
from deployments.forms.fields import check_groups, form_field
from deployments.models import LIMITS, Deployment
from deployments.services import change_deployment
from deployments.views import words
from deployments.views.answers import REFUSALS, go
from deployments.views.tabs import find_deployment, tab_context
from designs.input_forms import GroupsField
from designs.requests import PageRequest, requires
from executor.engine.limits import MOST_TOOL_CALLS
from executor.history.totals import Sums, sums_of_deployments, today
from executor.models import DailyTotals, Execution

GROUPS = "groups"
# Column → its name, and what happens beyond it.
WORDS = {
    "timeout_seconds": ("Time", "A run that takes longer is stopped as timed out."),
    "wait_seconds": ("Synchronous wait", "After this the caller gets 202 and the run continues."),
    "max_model_calls": ("Model calls of a run", "The run is stopped before the call beyond it."),
    "max_tool_calls": ("Tool calls of a run", "Agents then answer with what they have."),
    "max_tokens": ("Tokens of a run", "The run is stopped before the call beyond it."),
    "max_cost_usd": ("Cost of a run", "The run is stopped before the call that would go beyond."),
    "max_input_bytes": ("Input size", "A larger input is refused with 422."),
    "max_output_bytes": ("Result size", "A run with a larger result fails."),
    "max_memory_mb": ("Memory of a run", "Each run then gets its own process."),
    "max_concurrent": ("Concurrent runs", "Extra synchronous calls get 429; others queue."),
    "requests_per_minute": ("Calls a minute", "Over all callers. Beyond it they get 429."),
    "requests_per_day": ("Calls a day", "Over all callers, by UTC. Beyond it they get 429."),
}
UNITS = {
    "timeout_seconds": "seconds",
    "wait_seconds": "seconds",
    "max_cost_usd": "US dollars",
    "max_input_bytes": "bytes",
    "max_output_bytes": "bytes",
    "max_memory_mb": "MB",
}


@dataclass(frozen=True)
class Row:
    name: str
    label: str
    help: str
    value: str
    use: str = ""
    used: float | Decimal | None = None
    limit: Any = None


@require_safe
@requires("deployments.view_deployment")
def deployment_limits(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    deployment = find_deployment(request, pk)
    use = _use(request, deployment)
    context = {
        **tab_context(request, deployment, "limits"),
        "rows": [_row(deployment, name, use) for name in (*LIMITS, GROUPS)],
    }
    return render(request, "deployments/deployment_limits.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.change_deployment")
def deployment_limit(request: PageRequest, pk: uuid.UUID, name: str) -> HttpResponse:
    """One limit to be changed: htmx gets its row, a browser without script a page."""
    if name not in (*LIMITS, GROUPS):
        raise Http404
    deployment = find_deployment(request, pk)
    form = _form(deployment, name, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            check_groups(form.cleaned_data.get(GROUPS, ()), request.caller)
            change_deployment(
                deployment=deployment, caller=request.caller, **{name: form.cleaned_data[name]}
            )
        except ValidationError as error:
            form.add_error(name, error)
        except REFUSALS as error:
            form.add_error(name, str(error))
        else:
            if not request.htmx:
                return go(request, "deployments:deployment-limits", pk=pk)
            return _one(request, find_deployment(request, pk), name)
    if request.htmx and request.GET.get("cancel"):
        return _one(request, deployment, name)
    return _one(request, deployment, name, form)


def _one(
    request: PageRequest, deployment: Deployment, name: str, form: forms.Form | None = None
) -> HttpResponse:
    context = {
        **tab_context(request, deployment, "limits"),
        "row": _row(deployment, name, _use(request, deployment)),
        "form": form,
        "field": form and form[name],
        "unit": UNITS.get(name, ""),
    }
    status = 422 if form is not None and form.is_bound else 200
    part = "#row" if request.htmx else ""
    return render(request, f"deployments/deployment_limit.html{part}", context, status=status)


def _form(deployment: Deployment, name: str, data: Any) -> forms.Form:
    form = forms.Form(data, initial={name: getattr(deployment, name)})
    if name == GROUPS:
        form.initial[name] = deployment.groups.all()
        form.fields[name] = GroupsField(
            Group.objects.order_by("name"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text="None: open to all who may see deployments.",
        )
    else:
        form.fields[name] = form_field(Deployment, name)
    form.fields[name].label = _words(name)[0]
    return form


def _words(name: str) -> tuple[str, str]:
    return WORDS.get(name, ("Who", "Only these groups see and call it."))


# --- Values and use -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    sums: Sums
    longest_ms: int
    live: int
    # Calls that were counted, by the column of the limit.
    calls: Mapping[str, int]


def _use(request: PageRequest, deployment: Deployment) -> Use:
    days = DailyTotals.objects.filter(deployment=deployment, day=today()).order_by()
    live = Execution.objects.busy().filter(deployment=deployment)
    return Use(
        sums=sums_of_deployments([deployment.pk])[deployment.pk]["today"],
        longest_ms=days.values_list("duration_ms_max", flat=True).first() or 0,
        live=live.order_by().count(),
        calls=_calls(deployment),
    )


def _calls(deployment: Deployment) -> dict[str, int]:
    limits = limits_of(
        "deployment", deployment.pk, deployment.requests_per_minute, deployment.requests_per_day
    )
    used = used_now(limits)
    names = {"deployment-minute": "requests_per_minute", "deployment-day": "requests_per_day"}
    return {names[policy]: count for policy, count in used.items()}


# What an empty limit means where it is not "No limit".
DEFAULTS = {"max_tool_calls": f"{MOST_TOOL_CALLS:,}"}


def _row(deployment: Deployment, name: str, use: Use) -> Row:
    label, help_text = _words(name)
    if name == GROUPS:
        groups = ", ".join(group.name for group in deployment.groups.all())
        return Row(name, label, help_text, groups or "Everyone who may see deployments")
    limit = getattr(deployment, name)
    used, said = _used(name, use)
    return Row(name, label, help_text, _value(name, limit), said, used, limit)


def _value(name: str, limit: Any) -> str:
    if limit is None:
        return DEFAULTS.get(name, "No limit")
    if name.endswith("seconds"):
        return words.minutes(limit)
    if name == "max_cost_usd":
        return words.dollars(limit)
    return " ".join(part for part in (f"{limit:,}", UNITS.get(name, "")) if part)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _used(name: str, use: Use) -> tuple[float | Decimal | None, str]:
    """How much of the limit was used today, and in words."""
    runs = use.sums.runs
    if name == "timeout_seconds":
        return (
            use.longest_ms / 1000,
            f"longest today {use.longest_ms / 1000:,.1f} s" if runs else "",
        )
    if name == "max_concurrent":
        return use.live, f"{use.live:,} now"
    if name in use.calls:
        when = "this minute" if name == "requests_per_minute" else "today"
        return use.calls[name], f"{_counted(use.calls[name], 'call')} {when}"
    if name == "requests_per_day":
        return runs, f"{_counted(runs, 'run')} today"
    totals = {
        "max_model_calls": use.sums.model_calls,
        "max_tokens": use.sums.input_tokens + use.sums.output_tokens,
        "max_cost_usd": use.sums.cost_usd,
    }
    total = totals.get(name)
    if total is None or not runs:
        return None, ""
    average = total / runs
    shown = words.dollars(Decimal(average)) if name == "max_cost_usd" else f"{average:,.0f}"
    return average, f"{shown} on average today"
