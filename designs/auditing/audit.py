"""Writes audit entries that auditlog does not: for actions, and for changes by a statement."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from auditlog.registry import auditlog
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction

from designs.access import Caller
from designs.models import Action, AuditEntry, AuditPruning
from designs.models.audit import facts_of

__all__ = ["Action", "AuditEntry", "kinds", "new_entry", "note", "note_change", "prune"]

Row = models.Model | type[models.Model]
# Not registered with auditlog: only actions with them are recorded, not their changes.
NOTED = (
    "executor.Execution", "executor.DecisionRequest", "deployments.Delivery", "designs.AuditEntry",
)  # fmt: skip


def kinds() -> list[ContentType]:
    models_of_entries = {*auditlog.get_models(), *map(apps.get_model, NOTED)}
    types = ContentType.objects.get_for_models(*models_of_entries)
    return sorted(types.values(), key=lambda kind: str(kind.name).lower())


def note(action: Action, row: Row, *, caller: Caller | None = None, **details: Any) -> AuditEntry:
    """Record an action with the row, or with rows of this kind.

    `details` are JSON. `caller` defaults to the current actor.
    """
    entry = _unsigned(action, row, caller, details)
    entry.save(force_insert=True)
    return entry


def note_change(row: models.Model, values: dict[str, Any]) -> None:
    """Record that a statement, which sends no signal, has set these values in the row, which was
    read before it.
    """
    changes = {name: [getattr(row, name), value] for name, value in values.items()}
    entry = _unsigned(Action.UPDATE, row, None, {})
    entry.changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if entry.changes:
        entry.save(force_insert=True)


def new_entry(
    action: Action, row: Row, *, caller: Caller | None = None, **details: Any
) -> AuditEntry:
    """Like `note`, but not saved, for a bulk insert."""
    entry = _unsigned(action, row, caller, details)
    entry.sign()
    return entry


def prune(pks: Sequence[uuid.UUID], *, before: datetime) -> AuditEntry:
    """Delete these entries, written before that time, and record that.

    A trigger refuses all other deletions: it requires the permit's row, which no other transaction
    sees, and an entry older than `NEVER_BEFORE_DAYS`.
    """
    with transaction.atomic():
        permit = AuditPruning.objects.create(before=before)
        count, _ = AuditEntry.objects.filter(pk__in=pks).delete()
        entry = note(Action.PRUNE, AuditEntry, count=count, before=before.isoformat())
        permit.delete()
    return entry


def _unsigned(
    action: Action, row: Row, caller: Caller | None, details: dict[str, Any]
) -> AuditEntry:
    entry = AuditEntry(action=action, additional_data=details or None, **facts_of(row))
    if caller is not None:
        entry.set_actor(caller)
    return entry
