"""What can be compared: the versions of a design, its draft, and the draft's earlier states."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404

from designs.access import Caller
from designs.models import Design, DraftCheckpoint

DRAFT = "draft"
SHOWN_VERSIONS = 200
_NUMBER = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Place:
    """`name` is its word in addresses: `draft`, the number of a version, the id of a checkpoint.
    `version_id` is that of a version.
    """

    name: str
    label: str
    by: str | None
    at: datetime
    read: Callable[[], Any]
    version_id: uuid.UUID | None = None

    @property
    def is_version(self) -> bool:
        return self.version_id is not None


def draft_place(design: Design) -> Place:
    return Place(DRAFT, "Draft", design.changed_by_name, design.changed_at, lambda: design.draft)


def version_places(design: Design, caller: Caller) -> list[Place]:
    """Newest first."""
    rows = design.versions.for_list(caller)[:SHOWN_VERSIONS]
    return [_version(row) for row in rows]


def checkpoint_places(design: Design) -> list[Place]:
    """Newest first."""
    rows = design.checkpoints.select_related("author").defer("document").order_by("-pk")
    return [_checkpoint(row) for row in rows]


def find_place(design: Design, text: str) -> Place:
    """Raises Http404."""
    if text == DRAFT:
        return draft_place(design)
    if _NUMBER.fullmatch(text):
        version = design.versions.filter(number=int(text)).select_related("created_by").first()
        if version is not None:
            return _version(version)
    try:
        rows = design.checkpoints.filter(pk=uuid.UUID(text)).select_related("author")
    except ValueError:
        raise Http404 from None
    checkpoint = rows.first()
    if checkpoint is None:
        raise Http404
    return _checkpoint(checkpoint)


def _version(row: Any) -> Place:
    return Place(
        str(row.number),
        f"v{row.number}",
        row.created_by_name,
        row.created_at,
        lambda: row.document,
        row.pk,
    )


def _checkpoint(row: DraftCheckpoint) -> Place:
    label = f"draft of {row.created_at:%Y-%m-%d %H:%M} UTC"
    return Place(str(row.pk), label, row.author_name, row.created_at, lambda: row.document)
