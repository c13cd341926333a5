"""Leads from a block that plays a design to that design."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from designs.graph.nesting import Body
from designs.models import Design
from designs.nested.places import find_bodies
from designs.requests import PageRequest, requires


@require_safe
@requires("designs.view_design")
def design_played(request: PageRequest) -> HttpResponse:
    """To the design with this id (`?design=`), or to the one that is deployed at this `?path=`."""
    path, name = request.GET.get("path", ""), request.GET.get("design", "")
    found = find_bodies([Body(path=path)], request.caller).get(path) if _is_text(path) else None
    try:
        pk = UUID(name) if found is None else found.design_id
    except ValueError:
        raise Http404 from None
    design = get_object_or_404(Design.objects.for_caller(request.caller).only("pk"), pk=pk)
    return redirect("designs:design-edit", design.pk)


def _is_text(path: str) -> bool:
    """Whether any deployment may have this path: PostgreSQL takes no NUL."""
    return bool(path) and "\0" not in path
