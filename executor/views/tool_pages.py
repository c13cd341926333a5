"""The page of one tool: what is decided about it, what its server says now, and a try."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from designs.errors import RowGone
from designs.graph.word_changes import Steps, compare_words
from designs.requests import PageRequest, requires
from executor.engine.tools import ToolResult
from executor.errors import ToolsInvalid
from executor.history.timeline import readable
from executor.models import Effect, Tool, ToolConnection
from executor.tool_connections.tool_services import (
    DECIDED,
    accept_tool,
    change_tool,
    delete_tool,
    try_tool,
)
from executor.tool_connections.tool_texts import effect_suggested, unfit_to_offer
from executor.views.comparing import ComparedText
from executor.views.tool_forms import ToolForm, TryForm
from executor.views.tools import CHANGE, VIEW, add_errors

MAX_COMPARED = 8_000
_COMPARED = ("title", "description", "input_schema", "output_schema", "annotations", "http")
_TITLES = {
    "title": "Title",
    "description": "Description",
    "input_schema": "Arguments",
    "output_schema": "Answer",
    "annotations": "Hints",
    "http": "Request",
}


def _find(request: PageRequest, pk: int) -> Tool:
    rows = ToolConnection.objects.for_caller(request.caller)
    tools = Tool.objects.filter(connection__in=rows).select_related("connection", "approval_group")
    tool: Tool = get_object_or_404(tools, pk=pk)
    return tool


@require_safe
@requires(VIEW)
def tool_detail(request: PageRequest, pk: int) -> HttpResponse:
    return _page(request, _find(request, pk))


def _page(request: PageRequest, tool: Tool, status: int = 200, **more: Any) -> HttpResponse:
    suggested = effect_suggested(tool)
    # A tool that nobody has decided about begins with what its server says of it.
    is_new = not tool.is_offered and tool.effect == Effect.ONCE
    initial = {"effect": suggested} if is_new and suggested else {}
    context: dict[str, Any] = {
        "tool": tool,
        "connection": tool.connection,
        "suggested": suggested and Effect(suggested).label,
        "input_schema": readable(tool.input_schema),
        "request_text": readable(tool.http) if tool.http else "",
        "changes": _changes(tool),
        "unfit": unfit_to_offer(tool),
        "may_change": request.caller.may(CHANGE),
        "needs_confirmation": tool.effect != Effect.READ,
        "form": ToolForm(instance=tool, initial={**initial, "digest": tool.digest}),
        "try_form": TryForm(initial={"arguments": "{}"}),
    }
    return render(request, "executor/tool_detail.html", {**context, **more}, status=status)


def _changes(tool: Tool) -> list[ComparedText]:
    """What the server says now against what was accepted."""
    if tool.changed is None:
        return []
    steps = Steps()
    compared = []
    for name in _COMPARED:
        before, after = (
            (value if isinstance(value, str) else readable(value))[:MAX_COMPARED]
            for value in (getattr(tool, name) or "", tool.changed.get(name) or "")
        )
        if before != after:
            words = compare_words(before, after, steps)
            compared.append(ComparedText(_TITLES[name], False, words))
    return compared


@require_POST
@requires(CHANGE)
def tool_decide(request: PageRequest, pk: int) -> HttpResponse:
    """Keep what the administrator decided."""
    tool = _find(request, pk)
    form = ToolForm(request.POST, instance=_find(request, pk))
    if form.is_valid():
        changes = {name: form.cleaned_data[name] for name in DECIDED}
        try:
            change_tool(tool=tool, changes=changes, digest=form.cleaned_data["digest"])
        except (ToolsInvalid, RowGone) as error:
            _add(form, error)
        else:
            messages.success(request, "Changes saved.")
            return redirect("executor:tool-detail", pk)
    return _page(request, tool, status=422, form=form)


def _add(form: Any, error: Exception) -> None:
    if isinstance(error, ToolsInvalid):
        add_errors(form, error)
    else:
        form.add_error(None, str(error))


@require_POST
@requires(CHANGE)
def tool_accept(request: PageRequest, pk: int) -> HttpResponse:
    tool = _find(request, pk)
    try:
        accept_tool(tool=tool, digest=request.POST.get("digest", ""))
    except (ToolsInvalid, RowGone) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{tool} is accepted as its server describes it now.")
    return redirect("executor:tool-detail", pk)


@require_POST
@requires(CHANGE)
def tool_try(request: PageRequest, pk: int) -> HttpResponse:
    """Call it once, and show what a model would read."""
    tool, form = _find(request, pk), TryForm(request.POST)
    result: ToolResult | None = None
    if form.is_valid():
        try:
            result = try_tool(
                tool=tool,
                arguments=form.cleaned_data["arguments"],
                caller=request.caller,
                confirmed=form.cleaned_data["confirm"],
            )
        except ToolsInvalid as error:
            add_errors(form, error)
    return _page(request, tool, status=422 if form.errors else 200, try_form=form, result=result)


@require_POST
@requires(CHANGE)
def tool_delete(request: PageRequest, pk: int) -> HttpResponse:
    tool = _find(request, pk)
    try:
        delete_tool(tool=tool)
    except ToolsInvalid as error:
        messages.error(request, str(error))
        return redirect("executor:tool-detail", pk)
    messages.success(request, f"{tool} deleted.")
    return redirect("executor:tool-connection-detail", tool.connection_id)
