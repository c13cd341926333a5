"""The page of a design's versions and of its draft's history; restoring one as the draft."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from designs.access import Caller, seen_deployments
from designs.errors import DraftChanged
from designs.models import Design, DesignVersion
from designs.nested.uses import users_of
from designs.requests import PageRequest, page_of, requires
from designs.services import restore_checkpoint, restore_version
from designs.views.version_use import use_of_versions

# Of one version; the others are counted.
SHOWN_DEPLOYMENTS = 6
READ_DEPLOYMENTS = 500


class RestoreForm(forms.Form):
    """The number of a version or the id of a checkpoint, and the draft's revision."""

    number = forms.IntegerField(required=False, min_value=1, max_value=999_999_999)
    checkpoint = forms.UUIDField(required=False)
    revision = forms.IntegerField(min_value=0, max_value=2_147_483_647)


@require_safe
@requires("designs.view_designversion")
def version_list(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    design = _find(request, pk)
    rows = design.versions.for_list(request.caller)
    versions, links = page_of(request, rows)
    latest = rows.values_list("number", flat=True).first()
    uses = _uses(request.caller, versions)
    totals = use_of_versions([row.pk for row in versions], request.caller)
    may = request.caller.may
    context = {
        "design": design,
        "versions": [
            (row, uses[row.pk][:SHOWN_DEPLOYMENTS], row.pk in totals and totals[row.pk].total)
            for row in versions
        ],
        "latest": latest,
        "played_by": users_of(design, request.caller),
        **links,
        "checkpoints": design.checkpoints.select_related("author").defer("document"),
        "may_see_runs": may("executor.view_execution"),
        "may_change": may("designs.change_design"),
        "may_move": may("deployments.change_deployment"),
        "may_deploy": may("deployments.add_deployment"),
    }
    return render(request, "designs/version_list.html", context)


@require_POST
@requires("designs.change_design")
def version_restore(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Replace the draft; what it was before becomes a part of its history."""
    design, form = _find(request, pk), RestoreForm(request.POST)
    if not form.is_valid() or not _is_named(form.cleaned_data):
        messages.error(request, "Nothing was restored: the button did not say what was wanted.")
        return redirect("designs:version-list", pk=design.pk)
    data, caller = form.cleaned_data, request.caller
    revisions = (data["revision"],)
    try:
        if data["number"] is not None:
            version = get_object_or_404(design.versions.all(), number=data["number"])
            version.design = design
            restore_version(version=version, caller=caller, revisions=revisions)
            label = f"v{version.number}"
        else:
            checkpoint = get_object_or_404(design.checkpoints.all(), pk=data["checkpoint"])
            checkpoint.design = design
            restore_checkpoint(checkpoint=checkpoint, caller=caller, revisions=revisions)
            label = "an earlier draft"
    except DraftChanged as error:
        messages.warning(request, changed_meanwhile("Nothing was restored", error))
        return redirect("designs:version-list", pk=design.pk)
    messages.success(
        request, f"The draft is {label} now. As it was before, it is in the draft’s history."
    )
    return redirect("designs:design-edit", pk=design.pk)


def changed_meanwhile(what: str, error: DraftChanged) -> str:
    """For a page whose button was based on an older draft."""
    who = error.changed_by or "The installation"
    return f"{what}: {who} changed the draft in the meantime. Look at it first, then try again."


def _is_named(data: dict[str, Any]) -> bool:
    return (data["number"] is None) != (data["checkpoint"] is None)


def _find(request: PageRequest, pk: uuid.UUID) -> Design:
    rows = Design.objects.for_caller(request.caller).select_related("changed_by")
    design: Design = get_object_or_404(rows, pk=pk)
    return design


def _uses(
    caller: Caller, versions: Sequence[DesignVersion]
) -> defaultdict[uuid.UUID, list[tuple[uuid.UUID, str]]]:
    """Id and path of the deployments that use them, as far as the caller may see them."""
    rows = seen_deployments(caller).filter(version__in=versions).order_by("endpoint_path")
    uses: defaultdict[uuid.UUID, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    values = rows.values_list("version_id", "pk", "endpoint_path")
    for version_id, pk, path in values[:READ_DEPLOYMENTS]:
        uses[version_id].append((pk, path))
    return uses
