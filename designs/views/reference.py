"""The reference of what expressions can do, beside the designer."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from designs.graph.reference import GROUPS, LANGUAGE
from designs.requests import PageRequest, requires


@require_safe
@requires("designs.view_design")
def expression_reference(request: PageRequest) -> HttpResponse:
    groups = [(title, entries) for title, entries in {**LANGUAGE, **GROUPS}.items()]
    context = {"groups": groups, "count": sum(map(len, GROUPS.values()))}
    return render(request, "designs/expression_reference.html", context)
