"""Reads a page of rows whose texts may be large: it ends where its bytes are spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import BigIntegerField, F, Func, QuerySet, Value
from django.db.models.functions import Coalesce

# Of one page of a list, however many rows were asked for; a single row may have more.
MAX_BYTES = 2_000_000
# What is stored is compressed, and told by the database without unpacking it. Texts of models
# shrink to a third, repeated ones much more: only so many at a time are read as this still allows.
UNPACKED = 16
MAX_AT_ONCE = 50


class StoredBytes(Func):
    """How much room a column takes in the database; 0 for null."""

    output_field = BigIntegerField()
    function = "LENGTH"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="pg_column_size", **context)


def fill_page(
    rows: QuerySet[Any, Any],
    *,
    limit: int,
    large: Sequence[Any],
    show: Callable[[list[Any]], list[Any]],
    weigh: Callable[[Any], int],
    start: int = 0,
) -> tuple[list[Any], list[Any], bool]:
    """Rows in their order from `start` on: (keys, as `show` makes them, whether there are more).

    `large` are the columns (or expressions of such) that may be large, `weigh` says how many bytes
    something shown has.
    """
    listed = _listed(rows, slice(start, start + limit + 1), large)
    taken: list[Any] = []
    shown: list[Any] = []
    spent = 0
    wanted = listed[:limit]
    while wanted:
        chunk = _chunk(wanted, MAX_BYTES - spent)
        found = {row.pk: row for row in rows.filter(pk__in=chunk)}
        # What somebody deleted in the meantime is missing.
        pks = [pk for pk in chunk if pk in found]
        for pk, one in zip(pks, show([found.pop(pk) for pk in pks]), strict=True):
            spent += weigh(one)
            if shown and spent > MAX_BYTES:
                return taken, shown, True
            taken.append(pk)
            shown.append(one)
        wanted = wanted[len(chunk) :]
    return taken, shown, len(listed) > limit


def _listed(rows: QuerySet[Any, Any], which: slice, large: Sequence[Any]) -> list[tuple[Any, int]]:
    stored: Any = Value(0)
    for column in large:
        value = F(column) if isinstance(column, str) else column
        stored = stored + Coalesce(StoredBytes(value), 0)
    if large:
        rows = rows.annotate(stored_bytes=stored)
        return list(rows.values_list("pk", "stored_bytes")[which])
    return [(pk, 0) for pk in rows.values_list("pk", flat=True)[which]]


def _chunk(wanted: Sequence[tuple[Any, int]], left: int) -> list[Any]:
    """As many of them as are read at once: one at least."""
    found: list[Any] = []
    for pk, stored in wanted:
        left -= stored * UNPACKED
        if found and (left < 0 or len(found) == MAX_AT_ONCE):
            break
        found.append(pk)
    return found
