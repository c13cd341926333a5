"""The page that imports designs: what a file would become is shown before anything is saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from designs.errors import ImportRefused
from designs.requests import PageRequest, requires
from designs.services import import_designs, read_file

# What a form may carry to the second step.
MAX_BYTES = 1_000_000
TOO_LARGE = "This is larger than 1 MB. Split it into several files."
NOTHING = "Choose a file, or paste its text."
NOT_READ = "This is no text in UTF-8, so it is no design."
# Warnings and problems that are shown of one design.
SHOWN = 100


class ImportForm(forms.Form):
    """A file or its text; `confirm` saves what was shown."""

    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        label="File",
        widget=forms.ClearableFileInput(attrs={"accept": ".json,application/json"}),
    )
    text = forms.CharField(
        required=False,
        strip=False,
        max_length=MAX_BYTES,
        label="or its text",
        widget=forms.Textarea(
            attrs={"class": "json", "rows": 12, "spellcheck": "false", "autocomplete": "off"}
        ),
    )
    confirm = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """`content` is the text of either."""
        data = super().clean() or {}
        content, file = data.get("text", ""), data.get("file")
        if file is not None:
            if file.size > MAX_BYTES:
                raise forms.ValidationError(TOO_LARGE)
            try:
                content = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError(NOT_READ) from error
        if not self.errors and not content.strip():
            raise forms.ValidationError(NOTHING)
        data["content"] = content
        return data


@require_http_methods(["GET", "HEAD", "POST"])
@requires("designs.add_design")
def design_import(request: PageRequest) -> HttpResponse:
    """Two steps: the form, then the designs that were found with a button that saves them."""
    if request.method != "POST":
        return render(request, "designs/design_import.html", {"form": ImportForm()})
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "designs/design_import.html", {"form": form}, status=422)
    data = form.cleaned_data
    raw = data["content"].encode()
    context: dict[str, Any] = {"form": ImportForm(initial={"text": data["content"]})}
    try:
        if data["confirm"]:
            return _save(request, raw)
        context["found"] = read_file(raw=raw, caller=request.caller)
    except ImportRefused as error:
        context["refusals"] = error.problems[:SHOWN]
    status = 422 if "refusals" in context else 200
    return render(request, "designs/design_import.html", context, status=status)


def _save(request: PageRequest, raw: bytes) -> HttpResponse:
    """Raises ImportRefused."""
    imported = import_designs(raw=raw, caller=request.caller)
    if len(imported) == 1:
        messages.success(request, f"{imported[0].design.name} is imported as a new draft.")
        return redirect("designs:design-edit", pk=imported[0].design.pk)
    messages.success(request, f"{len(imported)} designs are imported.")
    return redirect("designs:design-list")
