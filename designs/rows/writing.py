"""Inserts and updates many rows, also of several tables, in one statement of PostgreSQL.

Measured: the ORM's bulk_create of the seven rows of a short run took half of its CPU time, most of
it for quoting values in Python; the ends of short runs, one UPDATE each, took a third of a
worker's. Here the rows of each table are one JSON text.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import psycopg
from django.db import connection, models, transaction
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now

# Fields whose values JSON and PostgreSQL's casts from it convert.
PLAIN = (
    models.BooleanField,
    models.CharField,
    models.DateTimeField,
    models.DecimalField,
    models.FloatField,
    models.ForeignKey,
    models.GenericIPAddressField,
    models.IntegerField,
    models.JSONField,
    models.TextField,
    models.UUIDField,
)


class FromNow(models.ExpressionWrapper):
    """The database's time plus `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        moment = Now() + timedelta(seconds=seconds)
        super().__init__(moment, output_field=models.DateTimeField())


@dataclass(frozen=True)
class Conflict:
    """For a row that exists already: keep it, or (`change`) update these fields."""

    unique: tuple[str, ...] = ()
    change: tuple[str, ...] = ()


@dataclass(frozen=True)
class Insert:
    """New rows of one model; a conflict without a rule is an IntegrityError."""

    model: type[models.Model]
    rows: Sequence[models.Model]
    conflict: Conflict | None = None


@dataclass(frozen=True)
class Update:
    """New values of rows of one model, by attribute; each record has the same attributes."""

    model: type[models.Model]
    records: Sequence[dict[str, Any]]


def inserts_of(rows: Iterable[models.Model]) -> list[Insert]:
    """By model, in the order in which the models come first."""
    by_model: dict[type[models.Model], list[models.Model]] = {}
    for row in rows:
        by_model.setdefault(type(row), []).append(row)
    return [Insert(model, rows) for model, rows in by_model.items()]


def insert_rows(inserts: Sequence[Insert]) -> None:
    """Write all rows; later inserts may refer to rows of earlier ones.

    Generated ids are not read back. Raises what the database raises.
    """
    inserts = [insert for insert in inserts if insert.rows]
    texts = as_texts(inserts) if connection.vendor == "postgresql" else None
    if texts is None:
        # A savepoint would be two more statements.
        with transaction.atomic(savepoint=False):
            for insert in inserts:
                _insert_by_orm(insert)
    elif texts:
        execute(_inserts(tuple((insert.model, insert.conflict) for insert in inserts)), texts)
        for insert in inserts:
            for row in insert.rows:
                row._state.adding = False
                row._state.db = connection.alias


def update_rows(
    update: Update, *, found_by: tuple[str, ...], only: str = "TRUE"
) -> set[Any] | None:
    """Update the rows that match a record in the attributes `found_by` and fulfil the condition
    `only` (SQL about the row `t`). Returns the ids of the updated rows.

    None, with nothing written, if the ORM has to write them.
    """
    texts = as_texts([update]) if connection.vendor == "postgresql" else None
    if texts is None:
        return None
    statement = _update(update.model, tuple(update.records[0]), found_by, only)
    return {pk for (pk,) in execute(statement, texts)}


def execute(statement: bytes, values: Sequence[Any]) -> list[Any]:
    """Run a statement of PostgreSQL and return its rows. Raises Django's errors."""
    connection.ensure_connection()
    # Django's own cursor would quote the values in Python.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _insert_by_orm(insert: Insert) -> None:
    rows, conflict = list(insert.rows), insert.conflict
    for row in rows:
        if isinstance(row._meta.pk, models.AutoField):
            # An id from an attempt that was rolled back may belong to another row by now.
            row.pk = None
    insert.model._default_manager.bulk_create(
        rows,
        ignore_conflicts=conflict is not None and not conflict.change,
        update_conflicts=conflict is not None and bool(conflict.change),
        unique_fields=conflict.unique if conflict and conflict.change else None,
        update_fields=conflict.change if conflict and conflict.change else None,
    )


# --- PostgreSQL -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    attribute: str
    name: str
    type: str
    is_time: bool
    default: Any


@functools.cache
def _columns(
    model: type[models.Model], attributes: tuple[str, ...] | None = None
) -> tuple[_Column, ...] | None:
    """These attributes, or all but a generated id, as columns; None if only the ORM knows how to
    write one of them.
    """
    columns = {}
    for field in model._meta.local_concrete_fields:
        if attributes is None and isinstance(field, models.AutoField):
            continue
        if attributes is not None and field.attname not in attributes:
            continue
        kinds = (kind for kind in type(field).__mro__ if kind.__module__.startswith("django."))
        plain: type[models.Field[Any, Any]] = next(kinds)
        is_plain = type(field).get_prep_value is plain.get_prep_value
        if not (is_plain and isinstance(field, PLAIN)) or getattr(field, "auto_now", False):
            return None
        columns[field.attname] = _Column(
            field.attname,
            str(field.column),
            str(field.db_type(connection)),
            isinstance(field, models.DateTimeField),
            field.db_default,
        )
    return tuple(columns[name] for name in attributes or columns)


def as_texts(changes: Iterable[Insert | Update]) -> list[str] | None:
    """The rows of each change as a JSON text; None if the ORM has to write them."""
    texts = []
    for change in changes:
        records: Iterable[dict[str, Any]]
        if isinstance(change, Insert):
            columns, records = _columns(change.model), (row.__dict__ for row in change.rows)
        else:
            columns = _columns(change.model, tuple(change.records[0]))
            records = change.records
        text = None if columns is None else _text(records, columns)
        if text is None:
            return None
        texts.append(text)
    return texts


def _text(rows: Iterable[dict[str, Any]], columns: Sequence[_Column]) -> str | None:
    records = []
    try:
        for row in rows:
            record = {}
            for column in columns:
                value = row[column.attribute]
                if column.is_time and hasattr(value, "resolve_expression"):
                    record[f"{column.name}_in"] = _seconds(value, column)
                elif value is not None:
                    record[column.name] = value
            records.append(record)
        return orjson.dumps(records, default=_number).decode()
    except TypeError:
        # An expression, or an integer beyond 64 bits.
        return None


def _seconds(value: Any, column: _Column) -> float:
    """Seconds from the database's time; raises TypeError for another expression."""
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
def _inserts(kinds: tuple[tuple[type[models.Model], Conflict | None], ...]) -> bytes:
    parts = [insert_of(model, conflict) for model, conflict in kinds]
    first = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return f"{f'WITH {first} ' if first else ''}{parts[-1]}".encode()


@functools.cache
def _update(
    model: type[models.Model], attributes: tuple[str, ...], found_by: tuple[str, ...], only: str
) -> bytes:
    return f"{update_of(model, attributes, found_by, only)} RETURNING t.id".encode()


def insert_of(model: type[models.Model], conflict: Conflict | None, where: str = "") -> str:
    """An INSERT of the rows `r` of one JSON text that fulfil the clause `where`."""
    columns = _columns(model) or ()
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(map(_value, columns))
    rule = ""
    if conflict is not None and conflict.change:
        unique = [str(model._meta.get_field(name).column) for name in conflict.unique]  # type: ignore[union-attr]
        keys = ", ".join(f'"{name}"' for name in unique)
        change = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in conflict.change)
        rule = f" ON CONFLICT ({keys}) DO UPDATE SET {change}"
    elif conflict is not None:
        rule = " ON CONFLICT DO NOTHING"
    # All names are those of models.
    return (
        f'INSERT INTO "{model._meta.db_table}" ({names}) '  # noqa: S608
        f"SELECT {values} FROM {_recordset(columns)} {where}{rule}"
    )


def update_of(
    model: type[models.Model], attributes: tuple[str, ...], found_by: tuple[str, ...], where: str
) -> str:
    """An UPDATE of the rows `t` by the rows `r` of one JSON text with these attributes."""
    columns = _columns(model, attributes) or ()
    changes = [f'"{c.name}" = {_value(c)}' for c in columns if c.attribute not in found_by]
    same = [f't."{c.name}" = r."{c.name}"' for c in columns if c.attribute in found_by]
    # All names and conditions are those of our own code.
    return (
        f'UPDATE "{model._meta.db_table}" t SET {", ".join(changes)} '  # noqa: S608
        f"FROM {_recordset(columns)} WHERE {' AND '.join([*same, where])}"
    )


def _value(column: _Column) -> str:
    if not column.is_time:
        return f'r."{column.name}"'
    moment = f"STATEMENT_TIMESTAMP() + r.\"{column.name}_in\" * INTERVAL '1 second'"
    return f'COALESCE(r."{column.name}", {moment})'


def _recordset(columns: Sequence[_Column]) -> str:
    types = ", ".join(
        f'"{column.name}" {column.type}'
        + (f', "{column.name}_in" double precision' if column.is_time else "")
        for column in columns
    )
    return f"json_to_recordset(%s::json) AS r({types})"
