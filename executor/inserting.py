"""Inserts rows of several tables at once: on PostgreSQL in one statement, whatever their number.

Measured on PostgreSQL: the ORM's bulk_create of the seven rows of a short run took half of all its
CPU time, most of it for quoting values in Python. Here the rows go as one JSON text a table.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import psycopg
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now

from executor.states import FromNow

# Their values are what JSON and PostgreSQL's casts from it make of them.
PLAIN = (
    models.BooleanField,
    models.CharField,
    models.DateTimeField,
    models.DecimalField,
    models.ForeignKey,
    models.GenericIPAddressField,
    models.IntegerField,
    models.JSONField,
    models.TextField,
    models.UUIDField,
)


@dataclass(frozen=True)
class Conflict:
    """What becomes of a row that is there already: nothing, or (`change`) these fields change."""

    unique: tuple[str, ...] = ()
    change: tuple[str, ...] = ()


@dataclass(frozen=True)
class Insert:
    """New rows of one model; a conflict without a rule is an IntegrityError."""

    model: type[models.Model]
    rows: Sequence[models.Model]
    conflict: Conflict | None = None


def insert_rows(inserts: Sequence[Insert]) -> None:
    """Write all rows; those of a first insert may be pointed at by later ones.

    Numbers that the database gives are not read back. Raises what the database raises.
    """
    inserts = [insert for insert in inserts if insert.rows]
    texts = _as_texts(inserts) if connection.vendor == "postgresql" else None
    if texts is None:
        for insert in inserts:
            _insert_by_orm(insert)
    elif texts:
        statement = _statement(tuple((insert.model, insert.conflict) for insert in inserts))
        connection.ensure_connection()
        # Django's own cursor would quote the values in Python.
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(statement, texts)
        for insert in inserts:
            _note_written(insert.rows)


def _insert_by_orm(insert: Insert) -> None:
    rows, conflict = list(insert.rows), insert.conflict
    for row in rows:
        if isinstance(row._meta.pk, models.AutoField):
            # A number from a try that was rolled back is another's by now.
            row.pk = None
    options: dict[str, Any] = {}
    if conflict is not None and conflict.change:
        options = {
            "update_conflicts": True,
            "unique_fields": list(conflict.unique),
            "update_fields": list(conflict.change),
        }
    elif conflict is not None:
        options = {"ignore_conflicts": True}
    insert.model._default_manager.bulk_create(rows, **options)


def _note_written(rows: Sequence[models.Model]) -> None:
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


# --- PostgreSQL -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    attribute: str
    name: str
    type: str
    is_time: bool
    default: Any


@functools.cache
def _columns(model: type[models.Model]) -> tuple[_Column, ...] | None:
    """The columns to write; None for a model with values that only the ORM knows how to write."""
    found = []
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.AutoField):
            continue
        if not isinstance(field, PLAIN) or getattr(field, "auto_now", False):
            return None
        if type(field).get_prep_value is not _plain_base(field).get_prep_value:
            return None
        found.append(
            _Column(
                field.attname,
                str(field.column),
                str(field.db_type(connection)),
                isinstance(field, models.DateTimeField),
                field.db_default,
            )
        )
    return tuple(found)


def _plain_base(field: models.Field[Any, Any]) -> type[models.Field[Any, Any]]:
    return next(kind for kind in type(field).__mro__ if kind.__module__.startswith("django."))


def _as_texts(inserts: Sequence[Insert]) -> list[str] | None:
    """The rows of each insert as a JSON text; None if the ORM has to write them."""
    texts = []
    for insert in inserts:
        columns = _columns(insert.model)
        if columns is None:
            return None
        try:
            records = [_record(row.__dict__, columns) for row in insert.rows]
            texts.append(orjson.dumps(records, default=_number).decode())
        except TypeError:
            return None
    return texts


def _record(values: dict[str, Any], columns: Sequence[_Column]) -> dict[str, Any]:
    found = {}
    for column in columns:
        value = values[column.attribute]
        if value is None:
            continue
        if column.is_time and hasattr(value, "resolve_expression"):
            found[f"{column.name}_in"] = _seconds(value, column)
        else:
            found[column.name] = value
    return found


def _seconds(value: Any, column: _Column) -> float:
    """How far from the database's time; raises TypeError for another expression."""
    if isinstance(value, FromNow):
        return value.seconds
    if isinstance(value, DatabaseDefault):
        value = column.default
    if isinstance(value, Now):
        return 0.0
    raise TypeError


def _number(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError


@functools.cache
def _statement(kinds: tuple[tuple[type[models.Model], Conflict | None], ...]) -> bytes:
    parts = [_insert_of(model, conflict) for model, conflict in kinds]
    first = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return f"{f'WITH {first} ' if first else ''}{parts[-1]}".encode()


def _insert_of(model: type[models.Model], conflict: Conflict | None) -> str:
    columns = _columns(model) or ()
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(
        f'COALESCE(r."{column.name}", STATEMENT_TIMESTAMP() + r."{column.name}_in" * '
        f"INTERVAL '1 second')"
        if column.is_time
        else f'r."{column.name}"'
        for column in columns
    )
    types = ", ".join(
        f'"{column.name}" {column.type}'
        + (f', "{column.name}_in" double precision' if column.is_time else "")
        for column in columns
    )
    # All names are those of models.
    return (
        f'INSERT INTO "{model._meta.db_table}" ({names}) '  # noqa: S608
        f"SELECT {values} FROM json_to_recordset(%s::json) AS r({types})"
        + _in_conflict(model, conflict)
    )


def _in_conflict(model: type[models.Model], conflict: Conflict | None) -> str:
    if conflict is None:
        return ""
    if not conflict.change:
        return " ON CONFLICT DO NOTHING"
    unique = ", ".join(f'"{model._meta.get_field(n).column}"' for n in conflict.unique)  # type: ignore[union-attr]
    change = ", ".join(f'"{n}" = EXCLUDED."{n}"' for n in conflict.change)
    return f" ON CONFLICT ({unique}) DO UPDATE SET {change}"
