"""Keeps earlier states of drafts. All of it happens under the lock of the design's row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from designs.access import Caller
from designs.drafts.writing import lock_draft
from designs.errors import RevisionUnknown
from designs.models import Design, DraftCheckpoint
from designs.models.checkpoint import Reason
from designs.secrets.masking import masked_value

# The newest of a design.
KEPT = 50
# Of editing, after which the draft is kept again.
INTERVAL = timedelta(minutes=10)
# Two who edit together take turns with every save.
TURN = timedelta(minutes=1)


def keep_before(
    locked: Design, caller: Caller, reason: Reason | None = None, *, has_seen: bool = False
) -> None:
    """Keep the draft that a write is about to replace, if it has a reason or is due by itself.

    `has_seen`: the writer has named this revision, so it is not overwritten unseen.
    """
    reason = reason or _reason_by_itself(locked, caller, has_seen)
    if reason is not None:
        keep(locked, locked.draft, reason, author_id=locked.changed_by_id)


def keep(
    locked: Design,
    document: dict[str, Any],
    reason: Reason,
    *,
    author_id: int | None,
    revision: int | None = None,
) -> DraftCheckpoint:
    """Add a checkpoint, and let the oldest go."""
    checkpoint = DraftCheckpoint.objects.create(
        design=locked,
        revision=revision or locked.revision,
        document=document,
        author_id=author_id,
        reason=reason,
    )
    newest = DraftCheckpoint.objects.filter(design=locked).order_by("-pk").values("pk")
    DraftCheckpoint.objects.filter(pk__in=newest[KEPT : 2 * KEPT]).delete()
    return checkpoint


def keep_checkpoint(
    *,
    design: Design,
    caller: Caller,
    reason: Reason,
    document: dict[str, Any] | None = None,
    revision: int | None = None,
) -> DraftCheckpoint:
    """Keep a document that was based on that revision of the draft (the current one if None), or
    the draft itself. Of a conflict both sides are kept: whichever is chosen, nothing is lost.

    Raises RowGone, RevisionUnknown.
    """
    with transaction.atomic():
        locked = lock_draft(design, None)
        if revision is not None and revision > locked.revision:
            raise RevisionUnknown(
                f"The draft is at revision {locked.revision}: nothing is based on a later one."
            )
        is_conflict = reason == Reason.CONFLICT and revision != locked.revision
        if document is None or is_conflict:
            checkpoint = keep(locked, locked.draft, reason, author_id=locked.changed_by_id)
        if document is None:
            return checkpoint
        own = masked_value(document)
        return keep(locked, own, reason, author_id=caller.user_id, revision=revision)


def _reason_by_itself(locked: Design, caller: Caller, has_seen: bool) -> Reason | None:
    is_other = locked.changed_by_id != caller.user_id
    if is_other and not has_seen:
        return Reason.OTHER_PERSON
    newest = locked.checkpoints.order_by("-pk").values_list("created_at", flat=True).first()
    now = timezone.now()
    if is_other and (newest is None or now - newest >= TURN):
        return Reason.OTHER_PERSON
    return Reason.INTERVAL if now - (newest or locked.created_at) >= INTERVAL else None
