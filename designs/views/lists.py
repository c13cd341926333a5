"""The list of designs to deploy."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from designs.models import Design
from designs.requests import PageRequest, page_of, requires, searched_text


@require_safe
@requires("designs.view_design")
def design_list(request: PageRequest) -> HttpResponse:
    """Every design with its latest version; editing is in the admin."""
    text = searched_text(request)
    rows = Design.objects.for_caller(request.caller).with_latest_version().defer("draft")
    if text:
        rows = rows.filter(name__icontains=text)
    may = request.caller.may
    designs, links = page_of(request, rows)
    context = {
        "designs": designs,
        **links,
        "text": text,
        "may_deploy": may("deployments.add_deployment"),
        "may_edit": may("designs.change_design") and request.user.is_staff,
        "may_add": may("designs.add_design") and request.user.is_staff,
    }
    return render(request, "designs/design_list.html", context)
