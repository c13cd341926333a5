"""The pages of tool connections, for administrators: list, form, test, reading, deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from designs.errors import RowGone
from designs.requests import PageRequest, requires
from executor.errors import ToolsInvalid, ToolsNotRead
from executor.models import ToolConnection, ToolKind
from executor.tool_connections.services import (
    delete_connection,
    read_tools,
    save_connection,
    test_connection,
)
from executor.tool_connections.tool_services import import_tools, save_http_tool
from executor.tool_connections.tool_texts import ToolText
from executor.views.tool_forms import HttpToolForm, ImportForm, ToolConnectionForm

VIEW = "executor.view_toolconnection"
CHANGE = "executor.change_toolconnection"
SHOWN = 200
# Of one connection on its page.
TOOLS_SHOWN = 500
_LARGE = ("input_schema", "output_schema", "annotations", "http", "changed")


@dataclass(frozen=True)
class Row:
    """A connection with the sign of its state."""

    connection: ToolConnection

    @property
    def state(self) -> str:
        """The sign of the row: skipped, pending, completed or failed."""
        if not self.connection.is_enabled:
            return "skipped"
        if self.connection.test_passed is None:
            return "pending"
        return "completed" if self.connection.test_passed else "failed"

    @property
    def word(self) -> str:
        words = {
            "skipped": "Disabled", "pending": "Not tested", "completed": "Answers",
            "failed": "Fails",
        }  # fmt: skip
        return words[self.state]


def find_connection(request: PageRequest, pk: int) -> ToolConnection:
    rows = ToolConnection.objects.for_caller(request.caller)
    connection: ToolConnection = get_object_or_404(rows, pk=pk)
    return connection


def _rights(request: PageRequest) -> dict[str, bool]:
    may = request.caller.may
    return {
        "may_add": may("executor.add_toolconnection"),
        "may_change": may(CHANGE),
        "may_delete": may("executor.delete_toolconnection"),
    }


@require_safe
@requires(VIEW)
def tool_connection_list(request: PageRequest) -> HttpResponse:
    rows = ToolConnection.objects.for_caller(request.caller).annotate(
        listed=Count("tools", filter=Q(tools__is_gone=False)),
        offered=Count("tools", filter=Q(tools__is_offered=True)),
        changed=Count("tools", filter=Q(tools__is_offered=True, tools__changed__isnull=False)),
        gone=Count("tools", filter=Q(tools__is_offered=True, tools__is_gone=True)),
    )
    context = {"rows": [Row(row) for row in rows.order_by("name")[:SHOWN]], **_rights(request)}
    return render(request, "executor/tool_connection_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("executor.add_toolconnection")
def tool_connection_new(request: PageRequest) -> HttpResponse:
    return _form_page(request, ToolConnectionForm(_posted(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(CHANGE)
def tool_connection_edit(request: PageRequest, pk: int) -> HttpResponse:
    connection = find_connection(request, pk)
    return _form_page(request, ToolConnectionForm(_posted(request), instance=connection))


@require_safe
@requires(VIEW)
def tool_connection_detail(request: PageRequest, pk: int) -> HttpResponse:
    return connection_page(request, find_connection(request, pk))


def connection_page(
    request: PageRequest, connection: ToolConnection, status: int = 200, **forms: Any
) -> HttpResponse:
    # Schemas and texts of hundreds of tools would be much, and are shown on the pages of tools.
    rows = connection.tools.annotate(has_changed=Q(changed__isnull=False)).defer(*_LARGE)
    context: dict[str, Any] = {
        "connection": connection,
        "row": Row(connection),
        "tools": rows.order_by("name")[:TOOLS_SHOWN],
        "is_mcp": connection.kind == ToolKind.MCP,
        **_rights(request),
    }
    if connection.kind == ToolKind.HTTP:
        context |= {"import_form": ImportForm(), "http_form": HttpToolForm()}
    return render(
        request, "executor/tool_connection_detail.html", {**context, **forms}, status=status
    )


def _posted(request: PageRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _form_page(request: PageRequest, form: ToolConnectionForm) -> HttpResponse:
    is_new = form.instance.pk is None
    if form.is_bound and form.is_valid() and _is_saved(request, form):
        messages.success(request, "Connection added." if is_new else "Changes saved.")
        if "test" in request.POST:
            _test(request, form.instance)
        return redirect("executor:tool-connection-detail", form.instance.pk)
    context = {"form": form, "connection": None if is_new else form.instance}
    status = 422 if form.is_bound else 200
    return render(request, "executor/tool_connection_edit.html", context, status=status)


def _is_saved(request: PageRequest, form: ToolConnectionForm) -> bool:
    given = form.cleaned_data
    headers = given["new_headers"]
    try:
        save_connection(
            connection=form.instance,
            new_secret=given["new_secret"],
            remove_secret=given.get("remove_secret", False),
            new_headers={} if given.get("remove_headers") else headers,
            groups=given["groups"],
            caller=request.caller,
        )
    except ToolsInvalid as error:
        add_errors(form, error)
        return False
    except RowGone as error:
        form.add_error(None, str(error))
        return False
    return True


def add_errors(form: Any, error: ToolsInvalid) -> None:
    for name, sentences in error.errors.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)


@require_POST
@requires(CHANGE)
def tool_connection_test(request: PageRequest, pk: int) -> HttpResponse:
    """Ask the server. The page that asks stays usable meanwhile; without a script it waits."""
    connection = find_connection(request, pk)
    if not request.htmx:
        _test(request, connection)
        return redirect("executor:tool-connection-detail", pk)
    test_connection(connection=connection, caller=request.caller)
    row = Row(find_connection(request, pk))
    return render(request, "executor/_connection_state.html", {"row": row})


def _test(request: PageRequest, connection: ToolConnection) -> None:
    passed, sentence = test_connection(connection=connection, caller=request.caller)
    messages.add_message(request, messages.SUCCESS if passed else messages.ERROR, sentence)


@require_POST
@requires(CHANGE)
def tool_connection_read(request: PageRequest, pk: int) -> HttpResponse:
    connection = find_connection(request, pk)
    try:
        reading = read_tools(connection=connection, caller=request.caller)
    except (ToolsNotRead, RowGone) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, reading.sentence)
    return redirect("executor:tool-connection-detail", pk)


@require_POST
@requires(CHANGE)
def tool_connection_import(request: PageRequest, pk: int) -> HttpResponse:
    """Take an OpenAPI document's operations as tools."""
    connection, form = find_connection(request, pk), ImportForm(request.POST)
    if form.is_valid():
        document = form.cleaned_data["document"]
        try:
            reading = import_tools(connection=connection, document=document, caller=request.caller)
        except ToolsInvalid as error:
            add_errors(form, error)
        else:
            messages.success(request, reading.sentence)
            return redirect("executor:tool-connection-detail", pk)
    return connection_page(request, connection, status=422, import_form=form)


@require_POST
@requires(CHANGE)
def tool_connection_describe(request: PageRequest, pk: int) -> HttpResponse:
    """Describe a tool of an HTTP API by hand."""
    connection, form = find_connection(request, pk), HttpToolForm(request.POST)
    if form.is_valid():
        try:
            tool = save_http_tool(connection=connection, text=ToolText(**form.cleaned_data))
        except ToolsInvalid as error:
            add_errors(form, error)
        else:
            messages.success(request, f"{tool} added.")
            return redirect("executor:tool-detail", tool.pk)
    return connection_page(request, connection, status=422, http_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("executor.delete_toolconnection")
def tool_connection_delete(request: PageRequest, pk: int) -> HttpResponse:
    connection = find_connection(request, pk)
    if request.method == "POST":
        delete_connection(connection=connection)
        messages.success(request, f"{connection} deleted.")
        return redirect("executor:tool-connection-list")
    return render(request, "executor/tool_connection_delete.html", {"connection": connection})
