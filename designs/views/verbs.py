"""What can be done with a whole design: download it, copy it, delete it."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from designs.errors import DesignInUse, DraftChanged
from designs.models import Design
from designs.requests import PageRequest, file_answer, requires
from designs.services import IN_USE, copy_design, delete_design, export_design
from designs.views.versions import changed_meanwhile


class DeleteForm(forms.Form):
    """The revision of the draft that the person saw."""

    revision = forms.IntegerField(min_value=1, max_value=2_147_483_647)


@require_safe
@requires("designs.view_design")
def design_export(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The draft as a file."""
    design = _find(request, pk)
    return file_answer(export_design(design), design.file_name)


@require_POST
@requires("designs.add_design")
def design_clone(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    design = _find(request, pk)
    copy = copy_design(design=design, caller=request.caller)
    messages.success(request, f"This is a copy of {design.name}.")
    return redirect("designs:design-edit", pk=copy.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("designs.delete_design")
def design_delete(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Asks first; says why not while something refers to it, or if the draft is another now."""
    design = _find(request, pk)
    reason = IN_USE if design.is_referred_to() else ""
    warning = ""
    if request.method == "POST":
        form = DeleteForm(request.POST)
        try:
            # Without a number, no draft was seen.
            seen = form.cleaned_data["revision"] if form.is_valid() else 0
            delete_design(design=design, revisions=(seen,))
        except DesignInUse as error:
            reason = str(error)
        except DraftChanged as error:
            design = _find(request, pk)
            warning = changed_meanwhile("Nothing was deleted", error)
        else:
            messages.success(request, f"{design.name} is deleted.")
            return redirect("designs:design-list")
    context = {
        "design": design,
        "reason": reason,
        "warning": warning,
        "versions": design.versions.count(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "designs/design_delete.html", context, status=status)


def _find(request: PageRequest, pk: uuid.UUID) -> Design:
    design: Design = get_object_or_404(Design.objects.for_caller(request.caller), pk=pk)
    return design
