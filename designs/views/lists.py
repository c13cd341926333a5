"""The list of designs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from designs.models import Design
from designs.pictures.svg import known_picture, remembered_picture
from designs.requests import PageRequest, page_of, requires, searched_text


@require_safe
@requires("designs.view_design")
def design_list(request: PageRequest) -> HttpResponse:
    """Every design with its picture and its latest version."""
    text = searched_text(request)
    rows = Design.objects.for_caller(request.caller).with_latest_version().defer("draft")
    if text:
        rows = rows.filter(name__icontains=text)
    may = request.caller.may
    designs, links = page_of(request, rows)
    pictures = _pictures(designs)
    context = {
        "designs": [(design, pictures.get(design.pk, "")) for design in designs],
        **links,
        "text": text,
        "may_deploy": may("deployments.add_deployment"),
        "may_add": may("designs.add_design"),
        "may_change": may("designs.change_design"),
    }
    return render(request, "designs/design_list.html", context)


def _pictures(designs: Sequence[Design]) -> dict[uuid.UUID, str]:
    """Of all drafts; those that are not remembered are read together."""
    pictures = {row.pk: known_picture((row.pk, row.revision), "thumb") for row in designs}
    missing = [pk for pk, picture in pictures.items() if picture is None]
    rows: Any = Design.objects.filter(pk__in=missing).values_list("pk", "revision", "draft")
    for pk, revision, draft in rows.iterator(chunk_size=10) if missing else ():
        pictures[pk] = remembered_picture((pk, revision), draft, "thumb")
    return {pk: picture or "" for pk, picture in pictures.items()}
