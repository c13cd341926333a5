"""The pages of executions: the history, and one execution while and after it runs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from designs.auditing.audit import Action, note
from designs.errors import SuggestionsOutdated
from designs.requests import PageRequest, requires
from designs.runtime.threads import event_response, in_thread
from executor.errors import ExecutionEnded, TooManyStreams
from executor.following import pubsub
from executor.following.broadcasts import (
    Broadcast,
    CachedAccess,
    Listener,
    broadcast_of,
    shared_access,
)
from executor.following.open_streams import Place, take_place
from executor.following.sight import sees, sitting
from executor.history.filters import HistoryFilter
from executor.history.quotes import hide_quotes
from executor.history.suggestions import apply_review, name_of, suggestions_of
from executor.history.timeline import readable, timeline
from executor.models import LIVE, Execution, Step
from executor.services import (
    REFUSALS,
    cancel_execution,
    in_words,
    may_start_again,
    rerun_execution,
    resume_execution,
)

CHANGED, ENDED = b"event: changed\ndata:\n\n", b"event: ended\ndata:\n\n"
# A page is told of changes at most this often; of a run with hundreds of steps less often.
GATHER_SECONDS = 1.0
MAX_GATHER_SECONDS = 5.0
ALIVE_SECONDS = 15.0
# A right that is taken, or a session that ended, ends a stream after this long.
LOOK_AGAIN_SECONDS = 8.0


@require_safe
@requires("executor.view_execution")
def execution_list(request: PageRequest) -> HttpResponse:
    """The history, newest first; only its table when htmx asks."""
    rows = Execution.objects.for_caller(request.caller).for_list()
    found = HistoryFilter(request.GET, queryset=rows, request=request)
    executions, newer, older = found.qs.page(
        before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    hide_quotes(request.caller, *executions)
    context = {
        "filter": found,
        "is_filtered": any(value for key, value in request.GET.items() if key != "page"),
        "executions": executions,
        "newer": _neighbour(request, after=executions[0].pk) if newer and executions else "",
        "older": _neighbour(request, before=executions[-1].pk) if older and executions else "",
    }
    part = "#table" if request.htmx else ""
    return render(request, f"executor/execution_list.html{part}", context)


def _neighbour(request: PageRequest, **keys: uuid.UUID) -> str:
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    query.update({name: str(value) for name, value in keys.items()})
    return query.urlencode()


@require_safe
@requires("executor.view_execution")
def execution_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The whole page, or only its `live` part when htmx asks."""
    execution = _find(request, pk)
    may_see = request.caller.may("executor.view_payload")
    hide_quotes(request.caller, execution)
    blocks, has_earlier_steps = timeline(execution, with_payloads=may_see)
    context: dict[str, Any] = {
        "execution": execution,
        "blocks": blocks,
        "has_earlier_steps": has_earlier_steps,
        "payload_hidden": not may_see,
        "may_operate": request.caller.may("executor.operate_execution"),
        "may_start_again": may_start_again(request.caller, execution),
        "error_block": (execution.error or {}).get("block_id"),
    }
    if may_see:
        context["input_text"] = readable(execution.input_data)
        context["has_suggestions"] = not execution.is_live and bool(suggestions_of(execution))
        if execution.result_data is not None:
            context["result_text"] = readable(execution.result_data)
    part = "#live" if request.htmx else ""
    return render(request, f"executor/execution_detail.html{part}", context)


@require_POST
@requires("executor.operate_execution")
def execution_cancel(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    execution = _find(request, pk)
    try:
        cancel_execution(execution=execution, caller=request.caller)
    except ExecutionEnded as error:
        messages.warning(request, str(error))
    return _back_to(request, execution)


@require_POST
@requires("executor.operate_execution")
def execution_rerun(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    execution = _find(request, pk)
    try:
        execution = rerun_execution(execution=execution, caller=request.caller)
    except REFUSALS as error:
        messages.warning(request, in_words(error))
    return _back_to(request, execution)


@require_POST
@requires("executor.operate_execution")
def execution_resume(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Go on where it stopped, as a new execution."""
    execution = _find(request, pk)
    try:
        execution = resume_execution(execution=execution, caller=request.caller)
    except REFUSALS as error:
        messages.warning(request, in_words(error))
    return _back_to(request, execution)


@require_safe
@requires("executor.view_payload")
def execution_result(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Input, result and error as a JSON file to keep."""
    execution = _find(request, pk)
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
    """What a review suggests for prompts, beside what they are."""
    return _suggestions(request, _find(request, pk))


@require_POST
@requires("designs.change_design")
def execution_suggestions_apply(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Put the chosen ones into the design's draft."""
    execution = _find(request, pk)
    try:
        agents = request.POST.getlist("agent")
        apply_review(execution=execution, agents=agents, caller=request.caller)
    except SuggestionsOutdated as error:
        return _suggestions(request, execution, error=str(error))
    messages.success(request, "The draft has the suggested prompts now.")
    return redirect("executor:execution-detail", pk=execution.pk)


def _suggestions(request: PageRequest, execution: Execution, error: str = "") -> HttpResponse:
    context = {
        "execution": execution,
        "suggestions": [(name_of(one), one) for one in suggestions_of(execution)],
        "may_apply": request.caller.may("designs.change_design"),
        "error": error,
    }
    status = 422 if error else 200
    return render(request, "executor/execution_suggestions.html", context, status=status)


@require_safe
@requires("executor.view_execution")
async def execution_stream(request: PageRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Server-sent events: `changed` when there is something new to fetch, `ended` at the end.

    Only a doorbell: what changed is read by the page, with the reader's rights.
    """
    if not await sees(request.caller, pk):
        raise Http404
    try:
        place = await take_place(request.caller, pk)
    except TooManyStreams as error:
        return HttpResponse(str(error), "text/plain", 429, headers={"Retry-After": "5"})
    session = request.session.session_key
    looks = shared_access((session, pk), lambda: _still_sees(session, pk), LOOK_AGAIN_SECONDS)
    looks.set(True)
    response = event_response(_changes(pk, looks, place))
    place.belong_to(response)
    return response


async def _changes(pk: uuid.UUID, looks: CachedAccess[bool], place: Place) -> AsyncIterator[bytes]:
    try:
        async with broadcast_of(Rings, pk) as rings:
            heard = rings.listen()
            # What happened before is not missed.
            ring: bytes | None = CHANGED
            while await looks.get():
                yield ring or b": alive\n\n"
                if heard.is_over:
                    # Without an end, the browser asks again by itself, and another process answers.
                    return
                ring = await _next_ring(rings, heard, looks.seconds_left)
    finally:
        place.free()


async def _next_ring(rings: Rings, heard: Listener[bytes], seconds: float) -> bytes | None:
    ring = await heard.next(seconds)
    return ENDED if heard.is_over and rings.has_ended else ring


class Rings(Broadcast[bytes]):
    """Says that something of a run changed, at a pace that its size allows: each page that hears it
    fetches and draws all steps anew.
    """

    has_ended = False

    async def produce(self) -> None:
        async with pubsub.subscribe(self.pk) as heard:
            while True:
                is_live, steps = await in_thread(_state, self.pk)
                self.mark_ready()
                self.publish(CHANGED)
                self.has_ended = not is_live
                if self.has_ended or pubsub.is_shutting_down():
                    return
                while await heard.next(ALIVE_SECONDS) is None:
                    # A wake-up may be lost.
                    if not (await in_thread(_state, self.pk))[0]:
                        break
                await asyncio.sleep(min(GATHER_SECONDS + steps / 100, MAX_GATHER_SECONDS))
                while not heard.queue.empty():
                    heard.queue.get_nowait()


async def _still_sees(session: str | None, pk: uuid.UUID) -> bool | None:
    return await sees((await sitting(session)).caller, pk)


def _state(pk: uuid.UUID) -> tuple[bool, int]:
    """Whether it is live, and how many steps it has."""
    rows = Execution.objects.filter(pk=pk)
    is_live, steps = rows.filter(status__in=LIVE).exists(), Step.objects.filter(execution_id=pk)
    return is_live, steps.count()


def _find(request: PageRequest, pk: uuid.UUID) -> Execution:
    rows = Execution.objects.for_caller(request.caller)
    return get_object_or_404(rows.select_related("deployment", "design", "version", "user"), pk=pk)


def _back_to(request: PageRequest, execution: Execution) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(f"/executions/{execution.pk}/")
    return redirect("executor:execution-detail", pk=execution.pk)
