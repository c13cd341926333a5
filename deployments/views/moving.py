"""The page that moves deployments of a design to another of its versions, forward or back."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from deployments.errors import VersionMisfit
from deployments.models import Deployment
from deployments.services import change_deployment
from deployments.views.answers import REFUSALS
from designs.errors import DesignInvalid, RowGone
from designs.models import Design, DesignVersion
from designs.requests import PageRequest, page_of, requires, searched_text

# Versions in the list, and deployments moved at once.
SHOWN = 200
NUMBER = re.compile("[0-9]{1,9}")
NONE_TICKED = "Tick the deployments that are to use this version."
GONE = "It was undeployed a moment ago."
Refusals = dict[uuid.UUID, tuple[str, ...]]


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.change_deployment")
def deployment_move(request: PageRequest) -> HttpResponse:
    """Deployments of a `design` with another `version`, some by `text`; a POST moves some."""
    asked = request.POST if request.method == "POST" else request.GET
    design = _design(request, asked.get("design", ""))
    versions = list(design.versions.for_list(request.caller)[:SHOWN])
    version = _version(request, design, versions, asked.get("version", ""))
    rows = Deployment.objects.for_caller(request.caller).filter(design=design)
    rows = rows.exclude(version=version).select_related("version").order_by("endpoint_path")
    rows = rows.defer("version__document")
    refusals: Refusals = {}
    error = ""
    if request.method == "POST":
        ticked = list(rows.filter(pk__in=_ids(request.POST.getlist("deployment"))))
        refusals = _move(request, ticked, version)
        if ticked and not refusals:
            return redirect("deployments:deployment-list")
        error = "" if ticked else NONE_TICKED
    text = searched_text(request)
    if text:
        rows = rows.filter(endpoint_path__icontains=text)
    page, links = page_of(request, rows)
    context = {
        "design": design,
        "version": version,
        "versions": versions,
        "rows": [(row, refusals.get(row.pk, ())) for row in page],
        **links,
        "text": text,
        "error": error,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "deployments/deployment_move.html", context, status=status)


def _design(request: PageRequest, text: str) -> Any:
    try:
        pk = uuid.UUID(text)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Design.objects.for_caller(request.caller), pk=pk)


def _version(
    request: PageRequest, design: Design, versions: list[DesignVersion], text: str
) -> DesignVersion:
    """The one of that number, which is then among them; the latest if none is named. Raises
    Http404.
    """
    for version in versions:
        if text in ("", str(version.number)):
            return version
    if not NUMBER.fullmatch(text):
        raise Http404
    older = get_object_or_404(design.versions.for_list(request.caller), number=int(text))
    versions.append(older)
    return older


def _ids(texts: list[str]) -> list[uuid.UUID]:
    """Those that are ids."""
    ids = []
    for text in texts[:SHOWN]:
        with suppress(ValueError):
            ids.append(uuid.UUID(text))
    return ids


def _move(request: PageRequest, rows: list[Deployment], version: DesignVersion) -> Refusals:
    """Move each by itself; returns why some could not be."""
    refusals: Refusals = {}
    for row in rows:
        try:
            change_deployment(deployment=row, caller=request.caller, version=version.number)
        except (*REFUSALS, RowGone) as error:
            refusals[row.pk] = _sentences(error)
    moved = [row.endpoint_path for row in rows if row.pk not in refusals]
    if moved:
        which = moved[0] if len(moved) == 1 else f"{len(moved)} deployments"
        verb = "uses" if len(moved) == 1 else "use"
        messages.success(request, f"{which} {verb} v{version.number} now.")
    return refusals


def _sentences(error: Exception) -> tuple[str, ...]:
    if isinstance(error, VersionMisfit):
        return error.sentences
    if isinstance(error, DesignInvalid):
        return tuple(problem.message for problem in error.problems[:5])
    return (GONE if isinstance(error, RowGone) else str(error),)
