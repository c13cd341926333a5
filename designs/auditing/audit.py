"""Writes into the audit what auditlog does not see: verbs, and changes made by a statement."""

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
# Of these nothing is written when they change, but when somebody does something with them.
NOTED = ("executor.Execution", "deployments.Delivery", "designs.AuditEntry")


def kinds() -> list[ContentType]:
    """The kinds of rows that entries are about, by name."""
    models_of_entries = {*auditlog.get_models(), *map(apps.get_model, NOTED)}
    found = ContentType.objects.get_for_models(*models_of_entries)
    return sorted(found.values(), key=lambda kind: str(kind.name).lower())


def note(action: Action, row: Row, *, caller: Caller | None = None, **details: Any) -> AuditEntry:
    """Write that somebody did this with the row, or with rows of this kind.

    `details` are JSON. A caller that is not given is the one that acts.
    """
    entry = _unsigned(action, row, caller, details)
    entry.save(force_insert=True)
    return entry


def note_change(row: models.Model, values: dict[str, Any]) -> None:
    """Write that a statement, which sends no signal, gave these values to a row read before it."""
    changes = {name: [getattr(row, name), value] for name, value in values.items()}
    entry = _unsigned(Action.UPDATE, row, None, {})
    entry.changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if entry.changes:
        entry.save(force_insert=True)


def new_entry(
    action: Action, row: Row, *, caller: Caller | None = None, **details: Any
) -> AuditEntry:
    """The entry that `note` writes, to be written together with other rows."""
    entry = _unsigned(action, row, caller, details)
    entry.sign()
    return entry


def prune(pks: Sequence[uuid.UUID], *, before: datetime) -> AuditEntry:
    """Let these entries go, which were written before that time, and write that they went.

    The one way out of the audit: the database lets an entry go only while the pass is there, which
    no other transaction ever sees, and none that is younger than `NEVER_BEFORE_DAYS`.
    """
    with transaction.atomic():
        leave = AuditPruning.objects.create(before=before)
        count, _ = AuditEntry.objects.filter(pk__in=pks).delete()
        entry = note(Action.PRUNE, AuditEntry, count=count, before=before.isoformat())
        leave.delete()
    return entry


def _unsigned(
    action: Action, row: Row, caller: Caller | None, details: dict[str, Any]
) -> AuditEntry:
    entry = AuditEntry(action=action, additional_data=details or None, **facts_of(row))
    if caller is not None:
        entry.say_caller(caller)
    return entry
