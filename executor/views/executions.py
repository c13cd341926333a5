"""Verbs, files and suggestions of one execution."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from designs.auditing.audit import Action, note
from designs.errors import NotAllowed, SuggestionsOutdated
from designs.graph.word_changes import Steps, compare_words
from designs.requests import PageRequest, requires
from executor.errors import ExecutionEnded
from executor.history.suggestions import apply_review, judged_suggestions, name_of
from executor.models import Execution
from executor.services import (
    REFUSALS,
    cancel_execution,
    refusal_text,
    rerun_execution,
    resume_execution,
)
from executor.views.runs import find_run


@require_POST
@requires("executor.operate_execution")
def execution_cancel(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    execution = find_run(request, pk)
    try:
        cancel_execution(execution=execution, caller=request.caller)
    except ExecutionEnded as error:
        messages.warning(request, str(error))
    return _back_to(request, execution)


@require_POST
@requires("executor.operate_execution")
def execution_rerun(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    return _start_again(request, pk, rerun_execution)


@require_POST
@requires("executor.operate_execution")
def execution_resume(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    only = "failed" if request.POST.get("only") == "failed" else None
    return _start_again(request, pk, functools.partial(resume_execution, only=only))


def _start_again(
    request: PageRequest, pk: uuid.UUID, service: Callable[..., Execution]
) -> HttpResponse:
    execution = find_run(request, pk)
    try:
        execution = service(execution=execution, caller=request.caller)
    except REFUSALS as error:
        messages.warning(request, refusal_text(error))
    return _back_to(request, execution)


@require_safe
@requires("executor.view_payload")
def execution_result(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    execution = find_run(request, pk)
    note(Action.EXPORT, execution)
    content = {
        "execution_id": execution.public_id,
        "status": execution.status,
        "input_data": execution.input_data,
        "result_data": execution.result_data,
        "error": execution.error,
    }
    options = {"ensure_ascii": False, "indent": 2}
    response = JsonResponse(content, json_dumps_params=options)
    response["Content-Disposition"] = f'attachment; filename="{execution.public_id}.json"'
    return response


@require_safe
@requires("executor.view_payload")
def execution_suggestions(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    return _suggestions(request, find_run(request, pk))


@require_POST
@requires("designs.change_design")
def execution_suggestions_apply(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    execution = find_run(request, pk)
    try:
        agents = request.POST.getlist("agent")
        apply_review(execution=execution, agents=agents, caller=request.caller)
    except SuggestionsOutdated as error:
        return _suggestions(request, execution, error=str(error))
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    messages.success(request, "The draft has the suggested prompts now.")
    return redirect("executor:execution-detail", pk=execution.pk)


def _suggestions(request: PageRequest, execution: Execution, error: str = "") -> HttpResponse:
    context = {
        "execution": execution,
        "suggestions": list(_compared(judged_suggestions(execution, request.caller))),
        "may_apply": request.caller.may("designs.change_design"),
        "error": error,
    }
    status = 422 if error else 200
    return render(request, "executor/execution_suggestions.html", context, status=status)


def _compared(
    suggestions: Iterable[dict[str, Any]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each by its name, with its prompts word by word; all of them share one bound."""
    steps = Steps()
    for entry in suggestions:
        words = compare_words(entry["current_prompt"], entry["suggested_prompt"], steps)
        yield name_of(entry), {**entry, "words": words}


def _back_to(request: PageRequest, execution: Execution) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(reverse("executor:execution-detail", args=[execution.pk]))
    return redirect("executor:execution-detail", pk=execution.pk)
