"""Reads pages of rows with large columns, limited in bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import BigIntegerField, F, Func, QuerySet, Value
from django.db.models.functions import Coalesce

# Of one page, whatever its limit of rows; a single row may have more.
MAX_BYTES = 2_000_000
# The database tells the compressed size without decompressing. Texts of models compress to a third,
# repetitive ones further: a batch is as many rows as fit even if they grow by this factor.
UNPACKED = 16
MAX_BATCH = 50


class StoredBytes(Func):
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
    """The rows from `start` on: (their keys, `show` of them, whether there are more).

    `large` are the columns (or expressions) that may be large, `weigh` is the size in bytes of a
    shown row.
    """
    stored: Any = Value(0)
    for column in large:
        value = F(column) if isinstance(column, str) else column
        stored = stored + Coalesce(StoredBytes(value), 0)
    sizes = rows.annotate(stored_bytes=stored).values_list("pk", "stored_bytes")
    listed = list(sizes[start : start + limit + 1])
    taken: list[Any] = []
    shown: list[Any] = []
    spent = 0
    waiting = listed[:limit]
    while waiting:
        batch: list[Any] = []
        left = MAX_BYTES - spent
        for pk, stored_bytes in waiting[:MAX_BATCH]:
            left -= stored_bytes * UNPACKED
            if batch and left < 0:
                break
            batch.append(pk)
        read = {row.pk: row for row in rows.filter(pk__in=batch)}
        # Rows deleted in the meantime are missing.
        pks = [pk for pk in batch if pk in read]
        for pk, item in zip(pks, show([read.pop(pk) for pk in pks]), strict=True):
            spent += weigh(item)
            if shown and spent > MAX_BYTES:
                return taken, shown, True
            taken.append(pk)
            shown.append(item)
        waiting = waiting[len(batch) :]
    return taken, shown, len(listed) > limit
