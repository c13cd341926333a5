"""The page of one run, while and after it runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from designs.access import Caller
from designs.requests import PageRequest, requires
from executor.decisions import groups_of, requests_of
from executor.history.run_page import run_page
from executor.models import Execution
from executor.services import may_start_again
from executor.views.request_cards import Card, card_of


@require_safe
@requires("executor.view_execution")
def execution_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The whole page; when a script asks, its parts, or only the details of a block (`?part=`)."""
    execution = find_run(request, pk)
    is_small = request.GET.get("small") == "1"
    kept = {"run": str(execution.pk)} if is_small else None
    context = run_context(request, execution, kept)
    if not request.htmx:
        return render(request, "executor/execution_detail.html", context)
    if request.GET.get("part") == "details":
        return render(request, "executor/_run_details.html", context)
    template = "executor/_run_small.html" if is_small else "executor/execution_detail.html#live"
    return render(request, template, context)


def run_context(
    request: PageRequest, execution: Execution, kept: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What `executor/_run.html` needs; `kept` is what its links keep of the page's query."""
    caller, query = request.caller, request.GET
    block, tab = query.get("block", ""), query.get("tab", "")
    items = query.get("items", "")
    run = run_page(execution, caller, block=block, tab=tab, items=items, kept=kept)
    return {
        "run": run,
        "execution": execution,
        "requests": _requests(caller, execution),
        "may_operate": caller.may("executor.operate_execution"),
        "may_start_again": may_start_again(caller, execution),
        "may_open_design": caller.may("designs.view_design"),
        "may_change_connection": caller.may("executor.change_modelconnection"),
        "may_configure": caller.may("deployments.change_deployment"),
    }


def _requests(caller: Caller, execution: Execution) -> list[Card]:
    """What the run asks people. Costs a run that never waited no query."""
    has_waited = execution.waiting_since is not None or execution.waited_ms is not None
    if not has_waited:
        return []
    groups = groups_of(caller)
    return [card_of(caller, row, groups) for row in requests_of(execution.pk, caller)]


def find_run(request: PageRequest, pk: uuid.UUID) -> Execution:
    rows = Execution.objects.for_caller(request.caller)
    return get_object_or_404(rows.select_related("deployment", "design", "version", "user"), pk=pk)
