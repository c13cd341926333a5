"""Entries of the audit as API and files show them: JSON, and CSV that no spreadsheet computes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from designs.access import Caller
from designs.models import AuditEntry, AuditEntryQuerySet

ROWS_AT_ONCE = 500
COLUMNS = (
    "id", "at", "action", "actor", "actor_id", "key", "key_id", "address", "model", "object_id",
    "object", "changes", "details", "correlation_id",
)  # fmt: skip
# A cell that begins so is a formula to a spreadsheet, with the wide letters of East Asia as well.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def entry_as_json(entry: AuditEntry, caller: Caller) -> dict[str, Any]:
    """One entry as the caller may see it, under the names of COLUMNS."""
    changes = entry.changes_for(caller)
    return {
        "id": str(entry.pk),
        "at": _time(entry.timestamp),
        "action": entry.action_name,
        "actor": entry.actor_name,
        "actor_id": entry.actor_id,
        "key": entry.key_name or None,
        "key_id": None if entry.key_id is None else str(entry.key_id),
        "address": entry.remote_addr,
        "model": entry.model,
        "object_id": entry.object_pk,
        "object": entry.object_repr,
        "changes": [
            {"field": path, "before": before, "after": after} for path, before, after in changes
        ],
        "details": entry.additional_data or {},
        "correlation_id": entry.cid or None,
    }


def json_lines(rows: AuditEntryQuerySet, caller: Caller) -> Iterator[str]:
    """A line for each entry, newest first, several hundred in one text."""
    return _texts(rows, lambda entry: _json(entry_as_json(entry, caller)) + "\n")


def csv_lines(rows: AuditEntryQuerySet, caller: Caller) -> Iterator[str]:
    """A line of names, then one for each entry, newest first, several hundred in one text."""
    yield _csv(COLUMNS)
    yield from _texts(rows, lambda entry: _csv(list(entry_as_json(entry, caller).values())))


def _texts(rows: AuditEntryQuerySet, line: Callable[[AuditEntry], str]) -> Iterator[str]:
    """By keyset: a long list keeps neither a transaction nor the rows."""
    page = list(rows.order_by("-pk")[:ROWS_AT_ONCE])
    while page:
        yield "".join(map(line, page))
        page = list(rows.order_by("-pk").filter(pk__lt=page[-1].pk)[:ROWS_AT_ONCE])


def _csv(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(map(_cell, values))
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return _json(value) if value else ""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
