"""Automatic layout for the designer."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from designs.access import Caller
from designs.graph.placing import Link, Size, place
from designs.graph.spec import MAX_BLOCKS, MAX_CONNECTIONS
from designs.models import Design
from designs.requests import PageRequest, requires
from designs.runtime.computing import compute, compute_large
from designs.runtime.threads import in_thread
from designs.strict_json import JsonUnreadable, read_strict_json
from designs.views.problems import unreadable

MAX_ID = 200
# In pixels.
MAX_SIDE = 10_000
SHAPE = 'Send {"blocks": [{"id", "width", "height"}], "connections": [{"source", "target"}]}.'


class _Unreadable(Exception):
    """The body has another shape; the message says what to send."""


@require_POST
@requires("designs.view_design")
async def design_place(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Positions for blocks of these sizes. Nothing is read from the draft, and nothing stored."""
    if not await in_thread(_is_seen, request.caller, pk):
        raise Http404
    try:
        sizes, links = await compute_large(len(request.body), _read, request.body)
    except (JsonUnreadable, _Unreadable) as error:
        return unreadable(error)
    placing = await compute(place, sizes, links)
    positions = {name: {"x": x, "y": y} for name, (x, y) in placing.positions.items()}
    return JsonResponse({"positions": positions})


def _is_seen(caller: Caller, pk: uuid.UUID) -> bool:
    return Design.objects.for_caller(caller).filter(pk=pk).exists()


def _read(body: bytes) -> tuple[dict[str, Size], list[Link]]:
    """Raises JsonUnreadable, _Unreadable."""
    raw = read_strict_json(body)
    if not isinstance(raw, dict):
        raise _Unreadable(SHAPE)
    blocks = _objects(raw.get("blocks"), "blocks", MAX_BLOCKS)
    sizes = {
        _name(block.get("id")): (_side(block.get("width")), _side(block.get("height")))
        for block in blocks
    }
    if len(sizes) != len(blocks):
        raise _Unreadable("Two blocks have the same id. Give each an id of its own.")
    connections = _objects(raw.get("connections", []), "connections", MAX_CONNECTIONS)
    return sizes, [(_name(row.get("source")), _name(row.get("target"))) for row in connections]


def _objects(raw: object, name: str, most: int) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise _Unreadable(SHAPE)
    if len(raw) > most:
        raise _Unreadable(f"There may be at most {most:,} {name}, and there are {len(raw):,}.")
    return raw


def _name(raw: object) -> str:
    if not isinstance(raw, str) or len(raw) > MAX_ID:
        raise _Unreadable(f"An id is a text of at most {MAX_ID} characters.")
    return raw


def _side(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 1 <= raw <= MAX_SIDE:
        raise _Unreadable(f"A width or height is a number from 1 to {MAX_SIDE:,}.")
    return raw
