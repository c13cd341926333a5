"""The page that compares two versions of a design, and takes parts of one into the draft."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from designs.access import seen_deployments
from designs.errors import DraftChanged, PartGone
from designs.graph.compare import Comparison, name_of
from designs.graph.uniting import United, united
from designs.models import Design
from designs.patterns.comparison import compare_designs
from designs.requests import PageRequest, requires
from designs.services import take_part
from designs.views.places import (
    DRAFT,
    Place,
    checkpoint_places,
    draft_place,
    find_place,
    version_places,
)
from designs.views.shown_changes import ShownChanges
from designs.views.version_use import ComparedUse, compared_use
from designs.views.versions import changed_meanwhile

# A larger picture says nothing and takes long to lay out; up to `FITTING` it is read at a glance.
MAX_PICTURE, FITTING = 120, 24
SHOWN_PATHS = 5
SIDE, WHOLE = "side", "whole"
KINDS = ("block", "agent", "connection", "design")


class TakeForm(forms.Form):
    """One part, named as in a comparison; `source` is where it is taken from. An agent has a
    `block`.
    """

    source = forms.CharField(max_length=40)
    kind = forms.ChoiceField(choices=[(kind, kind) for kind in KINDS])
    block = forms.CharField(max_length=10_000, strip=False, required=False)
    part = forms.CharField(max_length=10_000, strip=False)
    revision = forms.IntegerField(min_value=0, max_value=2_147_483_647)


@require_safe
@requires("designs.view_designversion")
def version_compare(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """`?from=&to=`: without them the latest version with the draft."""
    design = _find(request, pk)
    versions = version_places(design, request.caller)
    latest = versions[0].name if versions else DRAFT
    asked = request.GET
    before = find_place(design, asked.get("from") or latest)
    after = find_place(design, asked.get("to") or DRAFT)
    documents = before.read(), after.read()
    comparison = compare_designs(*documents)
    both = united(documents[1], comparison)
    is_side, is_whole = asked.get("show") == SIDE, asked.get("text") == WHOLE
    context = {
        "design": design,
        "before": before,
        "after": after,
        "places": _groups(
            versions, draft_place(design), checkpoint_places(design), (before, after)
        ),
        "changes": _changes(comparison, both, whole=is_whole),
        "summary": comparison.summary(),
        "is_coarse": comparison.is_coarse,
        "only_positions": _is_only_positions(comparison),
        "both": both,
        "has_picture": len(both.document["blocks"]) <= MAX_PICTURE,
        "fits": len(both.document["blocks"]) <= FITTING,
        "uses": [
            (place, _paths(request, design, place)) for place in (after, before) if place.is_version
        ],
        "in_use": _in_use(request, before, after),
        "is_side": is_side,
        "is_whole": is_whole,
        "links": {
            "text": _query(before, after, text=is_whole),
            "side": _query(before, after, side=True, text=is_whole),
            "whole": _query(before, after, side=is_side, text=True),
            "swap": _query(after, before, side=is_side, text=is_whole),
        },
        "may_change": request.caller.may("designs.change_design"),
    }
    return render(request, "designs/version_compare.html", context)


@require_POST
@requires("designs.change_design")
def version_take(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Put one part into the draft as it is in a version or an earlier draft."""
    design, form = _find(request, pk), TakeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was taken: the button did not say what was wanted.")
        return redirect("designs:version-compare", pk=design.pk)
    data = form.cleaned_data
    place = find_place(design, data["source"])
    try:
        take_part(
            design=design,
            source=place.read(),
            kind=data["kind"],
            part_id=data["part"],
            block_id=data["block"],
            caller=request.caller,
            revisions=(data["revision"],),
        )
    except DraftChanged as error:
        messages.warning(request, changed_meanwhile("Nothing was taken", error))
    except PartGone as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The draft has this part as in {place.label} now.")
    return _compare(design, place.name)


def _find(request: PageRequest, pk: uuid.UUID) -> Design:
    rows = Design.objects.for_caller(request.caller).select_related("changed_by")
    design: Design = get_object_or_404(rows, pk=pk)
    return design


def _changes(comparison: Comparison, both: United, *, whole: bool) -> ShownChanges:
    parts = both.document["blocks"]
    blocks = {part["id"]: part for part in parts if isinstance(part.get("id"), str)}
    types = {name: part.get("type") for name, part in blocks.items()}
    return ShownChanges(
        comparison,
        types={name: kind for name, kind in types.items() if isinstance(kind, str)},
        labels={name: name_of(part) for name, part in blocks.items()},
        whole=whole,
    )


def _paths(request: PageRequest, design: Design, place: Place) -> list[str]:
    """Where the version is deployed, as far as the caller may see it."""
    rows = seen_deployments(request.caller).filter(version__design=design)
    paths = rows.filter(version__number=int(place.name)).values_list("endpoint_path", flat=True)
    return list(paths.order_by("endpoint_path")[:SHOWN_PATHS])


def _in_use(request: PageRequest, *places: Place) -> ComparedUse | None:
    """What both did, older first."""
    versions = {place.label: place.version_id for place in places if place.version_id}
    return compared_use(versions, request.caller) if versions else None


def _is_only_positions(comparison: Comparison) -> bool:
    fields = [one.name for part in comparison.changes for one in part.fields]
    return bool(fields) and set(fields) == {"position"}


def _groups(
    versions: list[Place], draft: Place, checkpoints: list[Place], chosen: tuple[Place, ...]
) -> list[tuple[str, list[Place]]]:
    """By kind; `chosen` ones are there also if they are older than what is listed."""
    names = {place.name for place in versions}
    older = {one.name: one for one in chosen if one.is_version and one.name not in names}
    versions += sorted(older.values(), key=lambda place: -int(place.name))
    groups = [("", [draft]), ("Versions", versions), ("Draft history", checkpoints)]
    return [(title, places) for title, places in groups if places]


def _query(before: Place, after: Place, *, side: bool = False, text: bool = False) -> str:
    shown = {"show": SIDE} if side else {}
    return urlencode(
        {"from": before.name, "to": after.name, **shown, **({"text": WHOLE} if text else {})}
    )


def _compare(design: Design, source: str) -> HttpResponse:
    address = reverse("designs:version-compare", args=(design.pk,))
    return HttpResponseRedirect(f"{address}?{urlencode({'from': source, 'to': DRAFT})}")
