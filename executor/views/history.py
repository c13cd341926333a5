"""The history: its page, its files, and the views that a person keeps of it."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from designs.access import Caller, caller_of, seen_deployments
from designs.auditing.audit import Action, note
from designs.models import Design
from designs.requests import PageRequest, requires
from designs.runtime.threads import read_in_threads, stream_response
from executor.errors import ViewNotSaved
from executor.history.counting import cached, counts_of, histogram_of, window_of
from executor.history.exports import CONTENT_TYPES, history_file
from executor.history.filters import HistoryFilter
from executor.history.notes import add_notes
from executor.history.quotes import hide_quotes
from executor.history.saved_views import plain_query, save_view, views_of
from executor.history.sorting import page_of_history
from executor.models import Execution
from executor.views.history_parts import chart_of, chips_of, columns_of, facets_of, name_of_window

VIEW = "executor.view_execution"
# Of a list to choose from.
MAX_CHOICES = 200
# The filters behind the button, besides times and states.
OTHERS = ("degraded", "design", "version", "user", "key", "cause")


@require_safe
@requires(VIEW)
def execution_list(request: PageRequest) -> HttpResponse:
    """The history, newest first; only its part `history` when htmx asks."""
    rows = Execution.objects.for_caller(request.caller)
    found = HistoryFilter(request.GET, queryset=rows, request=request)
    executions, newer, older = page_of_history(
        found.qs.for_list(),
        found.sort,
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    hide_quotes(request.caller, *executions)
    add_notes(executions)
    query = _query(request)
    first, last = (executions[0].pk, executions[-1].pk) if executions else (None, None)
    context = {
        "filter": found,
        "query": query,
        "chips": chips_of(found, request.GET, request.caller),
        "columns": columns_of(found, request.GET),
        "executions": executions,
        "newer": _with(request, after=first) if newer and first else "",
        "older": _with(request, before=last) if older and last else "",
        **_counted(request, found),
    }
    if request.htmx:
        response = render(request, "executor/execution_list.html#history", context)
        # Without the fields that are empty.
        response["HX-Push-Url"] = f"{request.path}?{query}" if query else request.path
        return response
    _offer_choices(found, request.caller)
    context |= {
        "inline": [found.form[name] for name in ("deployment", "trigger_type")],
        "others": [found.form[name] for name in OTHERS],
        "zone": found.zone,
        "given_zone": str(found.zone) if request.GET.get("zone") else "",
        "given_sort": found.sort if request.GET.get("sort") else "",
        "given_window": name_of_window(request.GET),
    }
    context["views"] = list(views_of(request.caller))
    return render(request, "executor/execution_list.html", context)


def _counted(request: PageRequest, found: HistoryFilter) -> dict[str, Any]:
    """Counts by state, and the chart; both are kept for some seconds."""
    name = request.GET.get("window", "")
    window = window_of(name, *found.span, timezone.now())
    who = (request.caller.user_id, request.caller.rights)
    key = (who, _query(request, "sort", "window"))
    counts = cached((*key, "counts"), lambda: counts_of(found.rows_without("status", "degraded")))
    histogram = cached(
        (*key, window), lambda: histogram_of(found.rows_without("since", "until"), window)
    )
    return {
        "counts": counts,
        "facets": facets_of(counts, found, request.GET),
        "chart": chart_of(histogram, found, request.GET),
    }


def _query(request: PageRequest, *others: str) -> str:
    try:
        query = plain_query(request.GET.urlencode())
    except ViewNotSaved:
        return ""
    return "&".join(part for part in query.split("&") if part.partition("=")[0] not in others)


def _with(request: PageRequest, **values: Any) -> str:
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    query.update({name: str(value) for name, value in values.items()})
    return query.urlencode()


def _offer_choices(found: HistoryFilter, caller: Caller) -> None:
    """What the lists of the form offer: what the caller sees, and what is chosen already."""
    keys: Any = apps.get_model("deployments", "ApiKey")._default_manager
    lists: dict[str, tuple[str, Any, str]] = {
        "deployment": ("Deployment", seen_deployments(caller), "endpoint_path"),
        "design": ("Any", Design.objects.for_caller(caller), "name"),
        "key": ("Any", keys.for_caller(caller), "name"),
    }
    for name, (empty, rows, label) in lists.items():
        offered = list(rows.order_by(label).values_list("pk", label)[:MAX_CHOICES])
        choices = [(str(pk), text or "without a name") for pk, text in offered]
        chosen = str(found.form.cleaned_data.get(name) or "")
        if chosen and chosen not in dict(choices):
            choices.append((chosen, f"…{chosen[-8:]}"))
        found.form.fields[name].widget.choices = [("", empty), *choices]


# --- Files ----------------------------------------------------------------------------------------


@require_safe
@requires(VIEW)
def execution_export(request: PageRequest) -> HttpResponseBase:
    """What the filters choose as a file, streamed while it is read."""
    form = request.GET.get("form", "csv")
    if form not in CONTENT_TYPES:
        raise Http404
    rows = Execution.objects.select_related("deployment", "design", "version").defer(
        "document", "given_outputs", "edited", "design__draft", "version__document"
    )
    found = HistoryFilter(request.GET, queryset=rows, request=request)
    chosen = found.qs
    note(Action.EXPORT, Execution, form=form, filter=request.GET.urlencode()[:1000])
    lines = history_file(form, chosen, found.sort, partial(_reader, request.caller.user_id))
    response: StreamingHttpResponse
    if isinstance(request, ASGIRequest):
        response = stream_response(read_in_threads(lines), CONTENT_TYPES[form])
    else:
        response = StreamingHttpResponse(lines, content_type=CONTENT_TYPES[form])
    name = f"history-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _reader(user_id: int | None) -> Caller | None:
    user = None if user_id is None else User.objects.filter(pk=user_id).first()
    caller = None if user is None else caller_of(user)
    return caller if caller is not None and caller.may(VIEW) else None


# --- Saved views ----------------------------------------------------------------------------------


@require_POST
@requires(VIEW)
def saved_view_save(request: PageRequest) -> HttpResponse:
    """Keep the filters in `query` under a name."""
    query = request.POST.get("query", "")
    try:
        view = save_view(caller=request.caller, name=request.POST.get("name", ""), query=query)
    except ViewNotSaved as error:
        messages.error(request, str(error))
        return redirect(reverse("executor:execution-list"))
    messages.success(request, f"Saved as “{view.name}”.")
    return redirect(f"{reverse('executor:execution-list')}?{view.query}")


@require_POST
@requires(VIEW)
def saved_view_delete(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    view = get_object_or_404(views_of(request.caller), pk=pk)
    view.delete()
    messages.success(request, f"The view “{view.name}” is deleted.")
    return redirect("executor:execution-list")
