"""Verbs, files and suggestions of one execution, and the stream of its changes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from designs.auditing.audit import Action, note
from designs.errors import NotAllowed, SuggestionsOutdated
from designs.requests import PageRequest, requires
from designs.runtime.threads import in_thread
from executor.errors import ExecutionEnded
from executor.following import pubsub
from executor.following.broadcasts import Broadcast, CachedAccess, broadcast_of
from executor.following.open_streams import Place
from executor.following.sight import sees
from executor.history.suggestions import (
    apply_review,
    judged_suggestions,
    name_of,
)
from executor.models import LIVE, Execution, Step
from executor.services import (
    REFUSALS,
    cancel_execution,
    refusal_text,
    rerun_execution,
    resume_execution,
)
from executor.views.page_streams import page_stream
from executor.views.runs import find_run

CHANGED, ENDED = b"event: changed\ndata:\n\n", b"event: ended\ndata:\n\n"
# The minimum between two `changed` events; it grows with the number of steps up to the maximum.
GATHER_SECONDS = 1.0
MAX_GATHER_SECONDS = 5.0
# The interval of polls, since a notification may be lost.
ALIVE_SECONDS = 15.0


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
    return _start_again(request, pk, resume_execution)


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
        "suggestions": [
            (name_of(entry), entry) for entry in judged_suggestions(execution, request.caller)
        ],
        "may_apply": request.caller.may("designs.change_design"),
        "error": error,
    }
    status = 422 if error else 200
    return render(request, "executor/execution_suggestions.html", context, status=status)


@require_safe
@requires("executor.view_execution")
async def execution_stream(request: PageRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Server-sent events: `changed` when there is something new to fetch, `ended` at the end.

    They carry no data: the page fetches it with its reader's permissions.
    """
    return await page_stream(request, pk, sees, _changes)


async def _changes(pk: uuid.UUID, access: CachedAccess[bool], place: Place) -> AsyncIterator[bytes]:
    try:
        async with broadcast_of(ChangeEvents, pk) as broadcast:
            listener = broadcast.listen()
            # Covers changes between the page's own fetch and this stream.
            event: bytes | None = CHANGED
            while await access.get():
                is_last = listener.is_over
                yield event or b": alive\n\n"
                if is_last:
                    # Without `ended` the browser reconnects, and another process answers.
                    return
                event = await listener.next(access.seconds_left)
                if listener.is_over and broadcast.has_ended:
                    event = ENDED
    finally:
        place.free()


class ChangeEvents(Broadcast[bytes]):
    """Publishes that a run changed, less often for large runs: each page that listens then fetches
    and renders all steps.
    """

    has_ended = False

    async def produce(self) -> None:
        async with pubsub.subscribe(self.pk) as changes:
            while True:
                is_live, steps = await in_thread(_state, self.pk)
                self.mark_ready()
                self.publish(CHANGED)
                self.has_ended = not is_live
                if self.has_ended or pubsub.is_shutting_down():
                    return
                while await changes.next(ALIVE_SECONDS) is None:
                    if not (await in_thread(_state, self.pk))[0]:
                        break
                await asyncio.sleep(min(GATHER_SECONDS + steps / 100, MAX_GATHER_SECONDS))
                while not changes.queue.empty():
                    changes.queue.get_nowait()


def _state(pk: uuid.UUID) -> tuple[bool, int]:
    """(is it live, its number of steps)"""
    rows = Execution.objects.filter(pk=pk)
    is_live, steps = rows.filter(status__in=LIVE).exists(), Step.objects.filter(execution_id=pk)
    return is_live, steps.count()


def _back_to(request: PageRequest, execution: Execution) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(f"/executions/{execution.pk}/")
    return redirect("executor:execution-detail", pk=execution.pk)
