"""The page that runs a deployment by hand: the input on the left, the run on the right."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import push_url

from deployments.calls.lookup import deployed
from deployments.errors import InputInvalid, NotAccepted
from deployments.models import Deployment
from deployments.services import invoke_deployment
from deployments.views import words
from designs.graph.bounds import Bound, bound_of
from designs.input_forms import InputForm
from designs.nested.places import graph_finder
from designs.patterns.catalogue import PALETTE
from designs.requests import PageRequest, requires
from executor.acceptance.offers import example_input
from executor.errors import ModelUnavailable
from executor.history.quotes import PAYLOAD
from executor.language_models.registry import default_models, price_of
from executor.models import Execution, Trigger
from executor.views.runs import run_context

RECENT = 5
# How many of a person's latest runs are looked at for those of this deployment.
SEARCHED = 200
MAX_EXCERPT = 90


@dataclass(frozen=True)
class RecentInput:
    execution: Execution
    excerpt: str


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.execute_deployment")
def deployment_execute(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """`?input=` fills in the input of an execution, `?run=` shows one beside the form."""
    rows = Deployment.objects.for_caller(request.caller).select_related("design", "version")
    deployment: Deployment = get_object_or_404(rows.defer("design__draft"), pk=pk)
    if request.method == "POST":
        return _posted(request, deployment)
    run = _run(request, deployment, request.GET.get("run", ""))
    return _page(request, deployment, _first_form(request, deployment, run), run)


def _posted(request: PageRequest, deployment: Deployment) -> HttpResponse:
    example = example_input(deployment.version.document)
    schema = deployment.version.document.get("input_schema")
    form = InputForm.posted(schema, request.POST, example=example)
    if form.is_asking:
        # The address that the page has now.
        run = _run(request, deployment, request.POST.get("run", ""))
        return _page(request, deployment, form, run)
    if form.value is None or not form.is_readable:
        return _page(request, deployment, form, None, status=422)
    try:
        execution = invoke_deployment(
            deployment=deployment,
            input_data=form.value,
            trigger=Trigger.MANUAL,
            caller=request.caller,
        )
    except InputInvalid as error:
        form.show_errors(error.errors)
    except NotAccepted as error:
        form.errors.append(str(error))
    else:
        if not request.htmx:
            return redirect("executor:execution-detail", pk=execution.pk)
        address = f"{reverse('deployments:deployment-execute', args=[deployment.pk])}?run="
        run = _run(request, deployment, str(execution.pk))
        return push_url(_page(request, deployment, form, run), f"{address}{execution.pk}")
    return _page(request, deployment, form, None, status=422)


def _page(
    request: PageRequest,
    deployment: Deployment,
    form: InputForm | None,
    run: dict[str, Any] | None,
    *,
    part: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"deployment": deployment, **(run or {})}
    if form is not None:
        context |= {
            "input": form,
            "recent": recent_inputs(request, deployment, context.get("execution")),
            "bound": bound_in_words(deployment),
        }
    if request.htmx and not part:
        part = "#execute"
    name = "deployments/deployment_execute.html"
    return render(request, f"{name}{part}", context, status=status)


def _first_form(
    request: PageRequest, deployment: Deployment, run: dict[str, Any] | None
) -> InputForm:
    """Filled in with the input of the run that is shown or named, else with the example."""
    document = deployment.version.document
    example = example_input(document)
    source = run["execution"] if run else _find(request, deployment, request.GET.get("input", ""))
    value = example
    if source is not None and request.caller.may(PAYLOAD) and source.payload_removed_at is None:
        value = source.input_data
    return InputForm(document.get("input_schema"), value, example=example)


def _find(request: PageRequest, deployment: Deployment, text: str) -> Execution | None:
    rows = Execution.objects.for_caller(request.caller).filter(deployment=deployment)
    try:
        return (
            rows.select_related("version", "design", "deployment").filter(pk=text).first()
            if text
            else None
        )
    except (ValidationError, ValueError):
        return None


def _run(request: PageRequest, deployment: Deployment, text: str) -> dict[str, Any] | None:
    """What the right side shows; None without a run."""
    if not request.caller.may("executor.view_execution"):
        return None
    execution = _find(request, deployment, text)
    if execution is None:
        return None
    return run_context(request, execution, kept={"run": str(execution.pk)})


def recent_inputs(
    request: PageRequest, deployment: Deployment, shown: Execution | None = None
) -> list[RecentInput]:
    """The person's latest runs of this deployment by hand, each different input once, but for the
    run that is `shown`.
    """
    if not request.caller.may(PAYLOAD):
        return []
    rows = Execution.objects.for_caller(request.caller)
    mine = rows.filter(triggered_by=request.caller.name, user=request.caller.user_id)
    latest = mine.order_by("-id").values_list("pk", "deployment_id", "trigger_type")[:SEARCHED]
    found = [pk for pk, of, how in latest if of == deployment.pk and how == Trigger.MANUAL]
    inputs: dict[str, RecentInput] = {}
    columns = ("input_data", "status", "degraded", "created_at", "payload_removed_at")
    for row in rows.filter(pk__in=found[: 3 * RECENT]).only(*columns).order_by("-id"):
        if row.payload_removed_at is None and row != shown:
            text = json.dumps(row.input_data, ensure_ascii=False)
            inputs.setdefault(text, RecentInput(row, _excerpt(row.input_data, text)))
    return list(inputs.values())[:RECENT]


def _excerpt(value: dict[str, Any], text: str) -> str:
    """The first text in it, which people recognise, else its JSON."""
    first = next((one for one in value.values() if isinstance(one, str) and one.strip()), None)
    shown = text if first is None else f"“{' '.join(first.split())}”"
    if len(shown) <= MAX_EXCERPT:
        return shown
    return f"{shown[:MAX_EXCERPT]} …" + ("”" if first is not None else "")


def bound_in_words(deployment: Deployment) -> str:
    """`at most 2 model calls, $0.0020, 10 min`, by the design and the deployment's limits."""
    graph = deployed(deployment).graph
    if graph is None:
        return ""
    graph_of = graph_finder(deployment.version.document if graph.named else None)
    return words_of_bound(
        bound_of(graph.graph, PALETTE, default_models(), _price, graph_of),
        calls=deployment.max_model_calls,
        cost=deployment.max_cost_usd,
        seconds=deployment.timeout_seconds,
    )


def _price(name: str) -> Any:
    try:
        return price_of(name)
    except ModelUnavailable:
        return None


def words_of_bound(bound: Bound, *, calls: int | None, cost: Decimal | None, seconds: int) -> str:
    most_calls = bound.calls if calls is None else min(bound.calls, calls)
    if not most_calls:
        return f"no model calls, at most {words.minutes(seconds)}"
    costs = [one for one in (bound.cost_usd, cost) if one is not None]
    parts = [f"{most_calls:,} model call{'' if most_calls == 1 else 's'}"]
    if costs:
        parts.append(words.dollars(min(costs)))
    return f"at most {', '.join(parts)}, {words.minutes(seconds)}"
