"""The list of designs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from designs.access import Caller, seen_deployments
from designs.graph.same_values import is_same
from designs.models import Design, DesignVersion
from designs.patterns.catalogue import PALETTE
from designs.pictures.svg import known_picture, remembered_picture
from designs.requests import PageRequest, page_of, requires, searched_text
from designs.runtime.cache import TextCache

# What was read from a draft and its latest version, by both; a few hundred characters each.
_facts: TextCache[tuple[uuid.UUID, int, int | None]] = TextCache(max_characters=1_000_000)


@dataclass(frozen=True, slots=True)
class Card:
    """A design as the list shows it."""

    design: Any
    picture: str
    # The types of its blocks with their names, in their order.
    kinds: list[tuple[str, str]]
    # Whether the draft differs from the latest version; False without one.
    is_changed: bool
    # Deployments that the caller may see.
    deployments: int


@require_safe
@requires("designs.view_design")
def design_list(request: PageRequest) -> HttpResponse:
    """Every design with its picture, its latest version, and what became of the draft since."""
    text = searched_text(request)
    rows = Design.objects.for_caller(request.caller).with_latest_version().defer("draft")
    if text:
        rows = rows.filter(name__icontains=text)
    may = request.caller.may
    designs, links = page_of(request, rows.select_related("changed_by"))
    context = {
        "cards": list(_cards(designs, request.caller)),
        **links,
        "text": text,
        "may_deploy": may("deployments.add_deployment"),
        "may_add": may("designs.add_design"),
        "may_change": may("designs.change_design"),
    }
    return render(request, "designs/design_list.html", context)


def _cards(designs: Sequence[Any], caller: Caller) -> Iterator[Card]:
    _remember(designs)
    counts = _deployments_of(designs, caller)
    for design in designs:
        facts = json.loads(_facts.get(_key(design)) or "{}")
        yield Card(
            design=design,
            picture=known_picture((design.pk, design.revision), "thumb") or "",
            kinds=[(name, PALETTE[name].label) for name in facts.get("kinds", ())],
            is_changed=facts.get("is_changed", False),
            deployments=counts.get(design.pk, 0),
        )


def _key(design: Any) -> tuple[uuid.UUID, int, int | None]:
    return design.pk, design.revision, design.latest_version


def _remember(designs: Sequence[Any]) -> None:
    """Pictures and facts of all drafts; those that are not remembered are read together."""
    missing = {
        row.pk: row
        for row in designs
        if known_picture((row.pk, row.revision), "thumb") is None or _facts.get(_key(row)) is None
    }
    if not missing:
        return
    latest = Q(pk__in=())
    for row in missing.values():
        if row.latest_version is not None:
            latest |= Q(design=row.pk, number=row.latest_version)
    versions = DesignVersion.objects.filter(latest).values_list("design_id", "document")
    published = dict(versions.iterator(chunk_size=10))
    drafts = Design.objects.filter(pk__in=missing).values_list("pk", "revision", "draft")
    for pk, revision, draft in drafts.iterator(chunk_size=10):
        remembered_picture((pk, revision), draft, "thumb")
        facts = {
            "kinds": _kinds(draft),
            "is_changed": pk in published and _is_changed(published[pk], draft),
        }
        _facts.put((pk, revision, missing[pk].latest_version), json.dumps(facts))


def _is_changed(before: Any, draft: Any) -> bool:
    """By what counts: where blocks are drawn does not."""
    return not is_same(_without_positions(before), _without_positions(draft))


def _without_positions(document: Any) -> Any:
    blocks = document.get("blocks") if isinstance(document, dict) else None
    if not isinstance(blocks, list):
        return document
    kept = [
        {name: value for name, value in block.items() if name != "position"}
        if isinstance(block, dict)
        else block
        for block in blocks
    ]
    return {**document, "blocks": kept}


def _kinds(draft: Any) -> list[str]:
    """The known types of blocks; a draft may be any JSON."""
    blocks = draft.get("blocks") if isinstance(draft, dict) else None
    blocks = blocks if isinstance(blocks, list) else []
    types = [block.get("type") for block in blocks if isinstance(block, dict)]
    return [name for name in dict.fromkeys(map(str, types)) if name in PALETTE]


def _deployments_of(designs: Sequence[Any], caller: Caller) -> dict[uuid.UUID, int]:
    if not caller.may("deployments.view_deployment"):
        return {}
    seen = seen_deployments(caller).filter(design__in=[design.pk for design in designs])
    return dict(seen.order_by().values_list("design").annotate(Count("pk")))
