"""Inserts rows of several tables at once: on PostgreSQL in one statement, whatever their number.

Measured on PostgreSQL: the ORM's bulk_create of the seven rows of a short run took half of all its
CPU time, most of it for quoting values in Python. Here the rows go as one JSON text a table.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import psycopg
from django.db import connection, models, transaction
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now

from executor.models import FromNow

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
    texts = as_texts(inserts) if connection.vendor == "postgresql" else None
    if texts is None:
        # A savepoint would be two more statements.
        with transaction.atomic(savepoint=False):
            for insert in inserts:
                _insert_by_orm(insert)
    elif texts:
        execute(_statement(tuple((insert.model, insert.conflict) for insert in inserts)), texts)
        note_written(inserts)


def execute(statement: bytes, values: Sequence[Any], *, reads: bool = False) -> list[Any]:
    """Run a statement of PostgreSQL; its rows, if it `reads` any. Raises Django's errors."""
    connection.ensure_connection()
    # Django's own cursor would quote the values in Python.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if reads else []


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


def note_written(inserts: Iterable[Insert]) -> None:
    """Their rows are in the database now."""
    for insert in inserts:
        for row in insert.rows:
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


@functools.cache
def _columns_named(model: type[models.Model], attributes: tuple[str, ...]) -> tuple[_Column, ...]:
    """These of a model whose columns are all plain, in this order."""
    columns = {column.attribute: column for column in _columns(model) or ()}
    return tuple(columns[name] for name in attributes)


def _plain_base(field: models.Field[Any, Any]) -> type[models.Field[Any, Any]]:
    return next(kind for kind in type(field).__mro__ if kind.__module__.startswith("django."))


def as_texts(inserts: Iterable[Insert]) -> list[str] | None:
    """The rows of each insert as a JSON text; None if the ORM has to write them."""
    texts = []
    for insert in inserts:
        columns = _columns(insert.model)
        text = None if columns is None else _text((row.__dict__ for row in insert.rows), columns)
        if text is None:
            return None
        texts.append(text)
    return texts


def changes_as_text(model: type[models.Model], changes: Iterable[dict[str, Any]]) -> str | None:
    """Values by attribute, the same attributes in each, as a JSON text for `update_of`; None if the
    ORM has to write them.
    """
    changes = list(changes)
    return _text(changes, _columns_named(model, tuple(changes[0])))


def _text(rows: Iterable[dict[str, Any]], columns: Sequence[_Column]) -> str | None:
    try:
        records = [_record(row, columns) for row in rows]
        return orjson.dumps(records, default=_number).decode()
    except TypeError:
        return None


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
    parts = [insert_of(model, conflict) for model, conflict in kinds]
    first = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return f"{f'WITH {first} ' if first else ''}{parts[-1]}".encode()


def insert_of(model: type[models.Model], conflict: Conflict | None, where: str = "") -> str:
    """The text of an INSERT of one JSON text of rows, called `r`; of those `where` keeps."""
    columns = _columns(model) or ()
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(map(_value, columns))
    # All names are those of models.
    return (
        f'INSERT INTO "{model._meta.db_table}" ({names}) '  # noqa: S608
        f"SELECT {values} FROM {_given(columns)} {where}" + _in_conflict(model, conflict)
    )


def update_of(
    model: type[models.Model], attributes: tuple[str, ...], fixed: str, where: str
) -> str:
    """The text of an UPDATE of the rows `o` by a JSON text of `changes_as_text`, called `r`. The
    first attribute is the key; `fixed` is what all of them get.
    """
    columns = _columns_named(model, attributes)
    changes = ", ".join(f'"{column.name}" = {_value(column)}' for column in columns[1:])
    key = columns[0].name
    return (
        f'UPDATE "{model._meta.db_table}" o SET {fixed}, {changes} '  # noqa: S608
        f'FROM {_given(columns)} WHERE o."{key}" = r."{key}" AND {where}'
    )


def _value(column: _Column) -> str:
    if not column.is_time:
        return f'r."{column.name}"'
    moment = f"STATEMENT_TIMESTAMP() + r.\"{column.name}_in\" * INTERVAL '1 second'"
    return f'COALESCE(r."{column.name}", {moment})'


def _given(columns: Sequence[_Column]) -> str:
    types = ", ".join(
        f'"{column.name}" {column.type}'
        + (f', "{column.name}_in" double precision' if column.is_time else "")
        for column in columns
    )
    return f"json_to_recordset(%s::json) AS r({types})"


def _in_conflict(model: type[models.Model], conflict: Conflict | None) -> str:
    if conflict is None:
        return ""
    if not conflict.change:
        return " ON CONFLICT DO NOTHING"
    unique = ", ".join(f'"{model._meta.get_field(n).column}"' for n in conflict.unique)  # type: ignore[union-attr]
    change = ", ".join(f'"{n}" = EXCLUDED."{n}"' for n in conflict.change)
    return f" ON CONFLICT ({unique}) DO UPDATE SET {change}"
