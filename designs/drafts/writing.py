"""Writes drafts: every write raises the revision, and may be refused if it was based on another."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils import timezone

from designs.access import Caller
from designs.drafts.news import tell_after_commit
from designs.errors import DraftChanged
from designs.models import Design
from designs.rows.locking import lock_row
from designs.secrets.masking import masked_value

UNNAMED = "Untitled design"
# None: whatever the revision is.
Revisions = Collection[int] | None


def lock_draft(design: Design, revisions: Revisions, *, to_delete: bool = False) -> Design:
    """The current row, locked until this transaction ends.

    Raises RowGone, and DraftChanged if its revision is none of these.
    """
    locked = lock_row(Design.objects.all(), design.pk, to_delete=to_delete)
    if revisions is not None and locked.revision not in revisions:
        raise DraftChanged(
            revision=locked.revision,
            document=locked.draft,
            changed_by=locked.changed_by_name,
            changed_at=locked.changed_at,
        )
    return locked


def write_draft(*, design: Design, locked: Design, draft: dict[str, Any], caller: Caller) -> Design:
    """Replace the draft of the locked row; the caller's copy becomes what was written."""
    design.draft = draft
    design.revision = locked.revision + 1
    design.changed_by_id = caller.user_id
    design.changed_at = timezone.now()
    for field, value in labels(draft).items():
        setattr(design, field, value)
    design.save(
        update_fields=[
            "draft", "name", "description", "revision", "changed_by", "changed_at", "updated_at",
        ]
    )  # fmt: skip
    tell_after_commit(design.pk)
    return design


def storable(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A copy of the document with that name (if any) and a description, with secrets masked."""
    draft = {**document, "name": name} if name else dict(document)
    if draft.get("description") is None:
        draft["description"] = ""
    masked_draft: dict[str, Any] = masked_value(draft)
    return masked_draft


def labels(draft: dict[str, Any]) -> dict[str, str]:
    """The columns of lists, from a draft that may have values of any type there."""
    name, description = draft.get("name"), draft.get("description")
    return {
        "name": (name if isinstance(name, str) else "")[:200] or UNNAMED,
        "description": description if isinstance(description, str) else "",
    }


def is_blank(name: object) -> bool:
    return name is None or (isinstance(name, str) and not name.strip())
