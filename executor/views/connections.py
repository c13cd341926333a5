"""The pages of model connections, for administrators: list, form, test, default, deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from designs.auditing.audit import Action, note
from designs.errors import RowGone
from designs.requests import PageRequest, requires
from executor.connections import (
    choose_default,
    delete_connection,
    probe_connection,
    save_connection,
)
from executor.engine.llm.offline import NAME as STAND_IN
from executor.engine.llm.prices import Price, listed_price
from executor.errors import ConnectionInvalid
from executor.language_models.probe import PROBE_SECONDS, ProbeResult
from executor.language_models.registry import LOCAL, default_models
from executor.models import ModelConnection
from executor.models.connection import HOSTED
from executor.views.connection_form import ConnectionForm

# Connections are made by hand; a list beyond this has the admin's search.
SHOWN = 200


@dataclass(frozen=True)
class Row:
    """A connection, and the price of its default model (None: unknown)."""

    connection: ModelConnection
    price: Price | None

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


def _find(request: PageRequest, pk: int) -> ModelConnection:
    rows = ModelConnection.objects.for_caller(request.caller)
    connection: ModelConnection = get_object_or_404(rows, pk=pk)
    return connection


def _price(connection: ModelConnection) -> Price | None:
    if connection.input_price_usd is not None and connection.output_price_usd is not None:
        return Price(connection.input_price_usd, connection.output_price_usd)
    if connection.provider not in HOSTED:
        return None
    return listed_price(connection.provider, connection.default_model)


@require_safe
@requires("executor.view_modelconnection")
def connection_list(request: PageRequest) -> HttpResponse:
    connections = ModelConnection.objects.for_caller(request.caller)[:SHOWN]
    current = default_models()
    context = {
        "rows": [Row(connection, _price(connection)) for connection in connections],
        "default": current[0],
        "fallbacks": current[1:],
        "is_fixed": bool(settings.ENVIRONMENT.model),
        "is_stand_in": current[0] == STAND_IN,
        "is_local": current[0] == LOCAL,
        "may_add": request.caller.may("executor.add_modelconnection"),
        "may_change": request.caller.may("executor.change_modelconnection"),
        "may_delete": request.caller.may("executor.delete_modelconnection"),
        "seconds": int(PROBE_SECONDS),
    }
    return render(request, "executor/connection_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("executor.add_modelconnection")
def connection_new(request: PageRequest) -> HttpResponse:
    form = ConnectionForm(_posted(request), initial={"is_enabled": True})
    return _form_page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("executor.change_modelconnection")
def connection_edit(request: PageRequest, pk: int) -> HttpResponse:
    connection = _find(request, pk)
    return _form_page(request, ConnectionForm(_posted(request), instance=connection))


def _posted(request: PageRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _form_page(request: PageRequest, form: ConnectionForm) -> HttpResponse:
    is_new = form.instance.pk is None
    if form.is_bound and form.is_valid() and _is_saved(request, form):
        messages.success(request, "Connection added." if is_new else "Changes saved.")
        if "test" in request.POST:
            _test(request, form.instance)
        return redirect("executor:connection-list")
    context = {"form": form, "connection": None if is_new else form.instance}
    status = 422 if form.is_bound else 200
    return render(request, "executor/connection_edit.html", context, status=status)


def _is_saved(request: PageRequest, form: ConnectionForm) -> bool:
    try:
        save_connection(
            connection=form.instance,
            new_key=form.cleaned_data["new_key"],
            remove_key=form.cleaned_data.get("remove_key", False),
            caller=request.caller,
        )
    except ConnectionInvalid as error:
        _add_errors(form, error)
        return False
    except RowGone as error:
        form.add_error(None, str(error))
        return False
    return True


def _add_errors(form: ConnectionForm, error: ConnectionInvalid) -> None:
    for name, sentences in error.errors.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)


@require_POST
@requires("executor.change_modelconnection")
def connection_test(request: PageRequest, pk: int) -> HttpResponse:
    """Ask the server. The page that asks stays usable meanwhile; without a script it waits."""
    connection = _find(request, pk)
    if not request.htmx:
        _test(request, connection)
        return redirect("executor:connection-list")
    _probe(request, connection)
    connection = _find(request, pk)
    row = Row(connection, _price(connection))
    return render(request, "executor/_connection_state.html", {"row": row})


def _test(request: PageRequest, connection: ModelConnection) -> None:
    result = _probe(request, connection)
    level = messages.SUCCESS if result.passed else messages.ERROR
    messages.add_message(request, level, result.sentence)


def _probe(request: PageRequest, connection: ModelConnection) -> ProbeResult:
    result = probe_connection(connection=connection)
    note(Action.UPDATE, connection, caller=request.caller, test_passed=result.passed)
    return result


@require_POST
@requires("executor.change_modelconnection")
def connection_default(request: PageRequest, pk: int) -> HttpResponse:
    connection = _find(request, pk)
    try:
        choose_default(connection=connection)
    except (ConnectionInvalid, RowGone) as error:
        sentences = getattr(error, "errors", {"": [str(error)]}).values()
        messages.error(request, " ".join(sentence for group in sentences for sentence in group))
    else:
        messages.success(request, f"{connection} is now the default model.")
    return redirect("executor:connection-list")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("executor.delete_modelconnection")
def connection_delete(request: PageRequest, pk: int) -> HttpResponse:
    connection = _find(request, pk)
    if request.method == "POST":
        delete_connection(connection=connection)
        messages.success(request, f"{connection} deleted.")
        return redirect("executor:connection-list")
    return render(request, "executor/connection_delete.html", {"connection": connection})
