"""Trying a design without a deployment."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from designs.input_forms import InputForm
from designs.models import Design
from designs.requests import PageRequest, requires
from designs.services import check_draft
from executor.acceptance.offers import example_input, model_names
from executor.errors import InputInvalid
from executor.models import Execution
from executor.services import REFUSALS, refusal_text, try_design


class TryForm(forms.Form):
    """A model instead of all that the design names."""

    model = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["model"])
        field.choices = [("", "As in the design"), *((name, name) for name in model_names())]


@require_http_methods(["GET", "HEAD", "POST"])
@requires("designs.try_design")
def design_try(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Run the draft with an input, without a deployment."""
    design = get_object_or_404(Design.objects.for_caller(request.caller), pk=pk)
    checked = check_draft(design)
    # The schema of a draft with problems may be any JSON.
    schema = None if checked.graph is None else design.draft.get("input_schema")
    example = example_input(design.draft, is_valid=checked.graph is not None)
    form, status = TryForm(request.POST or None), 200
    if request.method != "POST":
        given = InputForm(schema, example, example=example)
    else:
        given = InputForm.posted(schema, request.POST, example=example)
        if not given.is_asking:
            if (run := _try(request, design, form, given)) is not None:
                return redirect("executor:execution-detail", pk=run.pk)
            status = 422
    context = {"design": design, "form": form, "input": given, "problems": len(checked.problems)}
    return render(request, "executor/design_try.html", context, status=status)


def _try(request: PageRequest, design: Design, form: TryForm, given: InputForm) -> Execution | None:
    """None if it was refused; the forms say why."""
    if not form.is_valid() or given.value is None or not given.is_readable:
        return None
    model = form.cleaned_data["model"] or None
    try:
        return try_design(design=design, caller=request.caller, input_data=given.value, model=model)
    except InputInvalid as error:
        given.show_errors(error.errors)
    except REFUSALS as error:
        form.add_error(None, refusal_text(error))
    return None
