"""Locks a row anew before it is changed: what a request has read may be old by then."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models

from designs.errors import RowGone

Row = TypeVar("Row", bound=models.Model)


def lock_row(rows: models.QuerySet[Row, Any], pk: Any, *, to_delete: bool = False) -> Row:
    """The row as it is now, which nobody else changes until this transaction ends.

    Unless it is locked `to_delete`, other rows may still be made that refer to it. Raises RowGone.
    """
    options: dict[str, Any] = {"of": ("self",), "no_key": not to_delete}
    found = rows.select_for_update(**options).filter(pk=pk).first()
    if found is None:
        name = rows.model._meta.verbose_name
        raise RowGone(f"This {name} is not there any more: somebody removed it a moment ago.")
    return found
