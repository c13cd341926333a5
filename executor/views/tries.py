"""Trying a design without a deployment."""

from __future__ import annotations

import json
import uuid
from typing import Any, cast

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from designs.models import Design
from designs.requests import PageRequest, requires
from designs.services import check_draft
from designs.strict_json import JsonUnreadable, read_json_object
from executor.acceptance.offers import example_input, model_names
from executor.services import REFUSALS, refusal_text, try_design


class TryForm(forms.Form):
    """The input of a try as JSON, and a model instead of all that the design names."""

    input_data = forms.CharField(
        max_length=1_000_000,
        required=False,
        strip=False,
        label="Input",
        widget=forms.Textarea(attrs={"class": "json", "rows": 12, "spellcheck": "false"}),
    )
    model = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["model"])
        field.choices = [("", "As in the design"), *((name, name) for name in model_names())]

    def clean_input_data(self) -> dict[str, Any]:
        try:
            return read_json_object(self.cleaned_data["input_data"])
        except JsonUnreadable as error:
            raise forms.ValidationError(str(error)) from error


@require_http_methods(["GET", "HEAD", "POST"])
@requires("designs.try_design")
def design_try(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Run the draft with an input, without a deployment."""
    design = get_object_or_404(Design.objects.for_caller(request.caller), pk=pk)
    checked = check_draft(design)
    example = example_input(design.draft, is_valid=checked.graph is not None)
    form = TryForm(request.POST or None, initial={"input_data": _text(example)})
    if request.method == "POST" and form.is_valid():
        model = form.cleaned_data["model"] or None
        given = {"input_data": form.cleaned_data["input_data"], "model": model}
        try:
            execution = try_design(design=design, caller=request.caller, **given)
        except REFUSALS as error:
            form.add_error(None, refusal_text(error))
        else:
            return redirect("executor:execution-detail", pk=execution.pk)
    status = 200 if request.method != "POST" else 422
    context = {"design": design, "form": form, "problems": len(checked.problems)}
    return render(request, "executor/design_try.html", context, status=status)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
