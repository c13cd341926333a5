"""What can be done with a whole design: download it, copy it, delete it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from designs.errors import DesignInUse
from designs.models import Design
from designs.requests import PageRequest, requires
from designs.services import IN_USE, copy_design, delete_design, export_design


@require_safe
@requires("designs.view_design")
def design_export(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The draft as a file."""
    design = _find(request, pk)
    answer = HttpResponse(export_design(design), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{design.file_name}"'
    return answer


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
    """Asks first; says why not while something refers to it."""
    design = _find(request, pk)
    reason = IN_USE if design.is_referred_to() else ""
    if request.method == "POST":
        try:
            delete_design(design=design)
        except DesignInUse as error:
            reason = str(error)
        else:
            messages.success(request, f"{design.name} is deleted.")
            return redirect("designs:design-list")
    context = {"design": design, "reason": reason, "versions": design.versions.count()}
    status = 422 if request.method == "POST" else 200
    return render(request, "designs/design_delete.html", context, status=status)


def _find(request: PageRequest, pk: uuid.UUID) -> Design:
    design: Design = get_object_or_404(Design.objects.for_caller(request.caller), pk=pk)
    return design
