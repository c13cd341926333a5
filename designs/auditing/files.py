"""Audit entries as JSON, and as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from designs.access import Caller
from designs.models import AuditEntry, AuditEntryQuerySet

ROWS_AT_ONCE = 500
COLUMNS = (
    "id", "at", "action", "actor", "actor_id", "key", "key_id", "address", "model", "object_id",
    "object", "changes", "details", "correlation_id",
)  # fmt: skip
# Beginnings of formulas in spreadsheets, including full-width characters.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def entry_as_json(entry: AuditEntry, caller: Caller) -> dict[str, Any]:
    """An entry as the caller may see it; the keys are COLUMNS."""
    changes = entry.changes_for(caller)
    return {
        "id": str(entry.pk),
        "at": entry.timestamp.isoformat().replace("+00:00", "Z"),
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
    """A line for each entry, newest first; each text has up to ROWS_AT_ONCE lines."""
    return _texts(rows, lambda entry: json_text(entry_as_json(entry, caller)) + "\n")


def csv_lines(rows: AuditEntryQuerySet, caller: Caller) -> Iterator[str]:
    """Like `json_lines`, after a line with the names of the columns."""
    yield csv_line(COLUMNS)
    yield from _texts(rows, lambda entry: csv_line(list(entry_as_json(entry, caller).values())))


def _texts(rows: AuditEntryQuerySet, line: Callable[[AuditEntry], str]) -> Iterator[str]:
    # Paged by keyset, so that a long list needs neither an open transaction nor much memory.
    page = list(rows.order_by("-pk")[:ROWS_AT_ONCE])
    while page:
        yield "".join(map(line, page))
        page = list(rows.order_by("-pk").filter(pk__lt=page[-1].pk)[:ROWS_AT_ONCE])


def csv_line(values: Sequence[Any]) -> str:
    """The values as a line of CSV that no spreadsheet takes for formulas."""
    cells = []
    for value in values:
        if isinstance(value, list | dict):
            cells.append(json_text(value) if value else "")
        elif isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
            cells.append(f"'{value}")
        else:
            cells.append("" if value is None else value)
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
