"""Writes the progress of many runs in one statement of PostgreSQL.

A lock, an INSERT and an UPDATE for each end would be as many round trips; this is one, and a
transaction by itself.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Sequence

from django.db import connection, models

from designs.rows.writing import Conflict, Insert, Update, as_texts, execute, insert_of, update_of
from executor import states
from executor.models import Execution


def write_together(
    attempts: dict[uuid.UUID, int], inserts: Sequence[Insert], ends: Sequence[states.End]
) -> set[uuid.UUID] | None:
    """Write the rows and the ends of those runs whose attempt (by id) still runs; returns these.
    Each end has the same fields.

    None, with nothing written, where the ORM has to write. Raises what the database raises.
    """
    if connection.vendor != "postgresql":
        return None
    inserts = [insert for insert in inserts if insert.rows]
    records = [states.end_record(end) for end in ends]
    texts = as_texts([*inserts, *([Update(Execution, records)] if records else [])])
    if texts is None:
        return None
    kinds = tuple((insert.model, insert.conflict) for insert in inserts)
    statement = _statement(kinds, tuple(records[0]) if records else ())
    rows = execute(statement, [list(attempts), list(attempts.values()), *texts])
    return {pk for (pk,) in rows}


@functools.cache
def _statement(
    kinds: tuple[tuple[type[models.Model], Conflict | None], ...], end_fields: tuple[str, ...]
) -> bytes:
    # Locked in one order, like everywhere that several are locked. A row that another transaction
    # changes meanwhile is checked again after that.
    mine = (
        f'SELECT t."id" FROM "{Execution._meta.db_table}" t '  # noqa: S608 - names of models
        "JOIN unnest(%s::uuid[], %s::integer[]) AS g(id, attempt) "
        'ON t."id" = g.id AND t."attempt" = g.attempt '
        f'WHERE {states.IS_RUNNING} ORDER BY t."id" FOR UPDATE OF t'
    )
    parts = {"mine": mine}
    for number, (model, conflict) in enumerate(kinds):
        where = 'WHERE r."execution_id" = ANY (ARRAY(SELECT id FROM mine))'
        parts[f"w{number}"] = insert_of(model, conflict, where)
    if end_fields:
        where = 't."id" = ANY (ARRAY(SELECT id FROM mine))'
        parts["ended"] = update_of(Execution, end_fields, ("id", "attempt"), where)
    written = ", ".join(f"{name} AS ({part})" for name, part in parts.items())
    return f"WITH {written} SELECT id FROM mine".encode()  # noqa: S608 - names of models
