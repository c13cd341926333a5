"""Starting a run again with another input, or from a chosen block."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from designs.input_forms import InputForm
from designs.requests import PageRequest, requires
from designs.strict_json import JsonUnreadable, read_strict_json
from executor.acceptance.edits import sources_of
from executor.errors import InputInvalid
from executor.history.kept import document_of, edited_for
from executor.history.quotes import PAYLOAD
from executor.models import BlockResult, Execution
from executor.services import (
    REFUSALS,
    may_start_again,
    refusal_text,
    rerun_execution,
    resume_execution,
)
from executor.views.runs import find_run

MAX_CHARACTERS = 1_000_000
MAX_SOURCES = 12


def _json_field(label: str, rows: int) -> forms.CharField:
    attrs = {"class": "json", "rows": rows, "spellcheck": "false"}
    return forms.CharField(
        max_length=MAX_CHARACTERS,
        required=False,
        strip=False,
        label=label,
        widget=forms.Textarea(attrs=attrs),
    )


class ResumeFromForm(forms.Form):
    """What the block gets from each of its sources, as JSON; only what was changed counts."""

    def __init__(self, *args: Any, outputs: Mapping[str, tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outputs = outputs
        for name, (label, value) in outputs.items():
            field = _json_field(f"From {label}", 10)
            field.initial = text_of(value)
            self.fields[name] = field

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, (_, before) in self.outputs.items():
            try:
                value = read_strict_json(self.cleaned_data.get(name) or "null")
            except JsonUnreadable as error:
                self.add_error(name, str(error))
            else:
                # As text: true is not 1.
                if text_of(value) != text_of(before):
                    given[name] = value
        return given


@require_http_methods(["GET", "HEAD", "POST"])
@requires("executor.operate_execution")
def execution_again(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Run it again with another input."""
    execution = _startable(request, pk)
    schema = document_of(execution).get("input_schema")
    status = 200
    if request.method != "POST":
        form = InputForm(schema, execution.input_data, example=execution.input_data)
    else:
        form = InputForm.posted(schema, request.POST, example=execution.input_data)
        if not form.is_asking:
            if (new := _run_again(request, execution, form)) is not None:
                return redirect("executor:execution-detail", pk=new.pk)
            status = 422
    context = {"execution": execution, "input": form}
    return render(request, "executor/execution_again.html", context, status=status)


def _run_again(request: PageRequest, execution: Execution, form: InputForm) -> Execution | None:
    """None if it was refused; the form says why."""
    if form.value is None or not form.is_readable:
        return None
    try:
        return rerun_execution(
            execution=execution,
            caller=request.caller,
            newest="newest" in request.POST and execution.version is not None,
            input_data=form.value,
        )
    except InputInvalid as error:
        form.show_errors(error.errors)
    except REFUSALS as error:
        form.errors.append(refusal_text(error))
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@requires("executor.operate_execution")
def execution_resume_from(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Go on from a chosen block with another input of it."""
    execution = _startable(request, pk)
    block_id = request.GET.get("block", "")
    blocks = {part["id"]: part for part in document_of(execution).get("blocks", ())}
    if block_id not in blocks:
        raise Http404
    posted = request.POST if request.method == "POST" else None
    form = ResumeFromForm(posted, outputs=_outputs(execution, block_id, blocks))
    if form.is_valid():
        try:
            new = resume_execution(
                execution=execution,
                caller=request.caller,
                block=block_id,
                given=form.cleaned_data,
            )
        except REFUSALS as error:
            form.add_error(None, refusal_text(error))
        else:
            return redirect("executor:execution-detail", pk=new.pk)
    context = {
        "execution": execution,
        "form": form,
        "block_id": block_id,
        "label": blocks[block_id].get("label") or block_id,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "executor/execution_resume_from.html", context, status=status)


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _startable(request: PageRequest, pk: uuid.UUID) -> Execution:
    """Raises PermissionDenied for who may not start it again, or not see its payloads."""
    execution = find_run(request, pk)
    may_start = may_start_again(request.caller, execution)
    if not may_start or not request.caller.may(PAYLOAD):
        raise PermissionDenied
    return execution


def _outputs(
    execution: Execution, block_id: str, blocks: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[str, Any]]:
    """By source: its label, and what the block got from it."""
    sources = sources_of(document_of(execution), block_id)[:MAX_SOURCES]
    rows = BlockResult.objects.filter(execution=execution, block_id__in=sources)
    outputs = dict(rows.values_list("block_id", "output"))
    outputs = {**outputs, **edited_for(execution, block_id)}
    return {
        name: (blocks[name].get("label") or name, outputs[name])
        for name in sources
        if name in outputs and name in blocks
    }
