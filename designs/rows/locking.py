"""Reads and locks a row before it is changed, because the caller's copy may be outdated."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models

from designs.errors import RowGone

Row = TypeVar("Row", bound=models.Model)


def lock_row(rows: models.QuerySet[Row, Any], pk: Any, *, to_delete: bool = False) -> Row:
    """The current row, locked until this transaction ends. Raises RowGone.

    Unless it is locked `to_delete`, rows that refer to it can still be inserted.
    """
    options: dict[str, Any] = {"of": ("self",), "no_key": not to_delete}
    row = rows.select_for_update(**options).filter(pk=pk).first()
    if row is None:
        name = rows.model._meta.verbose_name
        raise RowGone(f"This {name} no longer exists: it was deleted a moment ago.")
    return row
