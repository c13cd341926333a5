"""Who else has a draft open."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from designs.drafts.presence import Person, Tab, report
from designs.models import Design
from designs.requests import PageRequest, person_of, requires
from designs.strict_json import JsonUnreadable, read_strict_json
from designs.views.problems import unreadable

MAX_BLOCK = 200
TAB = re.compile(r"[A-Za-z0-9._-]{1,64}")
SHAPE = (
    'Send {"tab": "…", "block": "…"}: any name of this tab, of up to 64 letters, digits and - _ ., '
    f"and the id of the selected block, of up to {MAX_BLOCK} characters, or null."
)


class _WrongShape(Exception):
    """The body says something else; the message says what to send."""


@require_POST
@requires("designs.view_design")
def design_presence(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Note that this tab has the draft open; the other people who have."""
    if not Design.objects.for_caller(request.caller).filter(pk=pk).exists():
        raise Http404
    try:
        tab, block = _read(request.body)
    except (JsonUnreadable, _WrongShape) as error:
        return unreadable(error)
    user: Any = request.user
    me = Person(user.pk, user.get_username(), **person_of(user))
    others = report(pk, me, tab, block)
    return JsonResponse({"people": [_shown(other) for other in others]})


def _shown(other: Tab) -> dict[str, str | None]:
    person = other.person
    return {
        "user": person.user,
        "name": person.name,
        "initials": person.initials,
        "block": other.block,
    }


def _read(body: bytes) -> tuple[str, str | None]:
    """Raises JsonUnreadable, _WrongShape."""
    raw = read_strict_json(body)
    if not isinstance(raw, dict):
        raise _WrongShape(SHAPE)
    tab, block = raw.get("tab"), raw.get("block")
    if not isinstance(tab, str) or not TAB.fullmatch(tab):
        raise _WrongShape(SHAPE)
    if block is not None and not (isinstance(block, str) and len(block) <= MAX_BLOCK):
        raise _WrongShape(SHAPE)
    return tab, block
