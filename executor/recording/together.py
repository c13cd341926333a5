"""What many runs that go on write, in one statement of PostgreSQL.

A lock, an INSERT and an UPDATE for each end are as many round trips; this is one, and a transaction
by itself.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from executor import states
from executor.models import Execution
from executor.recording.inserting import (
    Conflict,
    Insert,
    as_texts,
    changes_as_text,
    execute,
    insert_of,
    update_of,
)

# Of rows for runs that go on: those whose attempt runs, in the order in which they are given.
_OF_MINE = 'WHERE r."execution_id" = ANY (ARRAY(SELECT id FROM mine))'


@dataclass(frozen=True)
class Going:
    """Rows of runs that go on, written if their attempt (by id) still runs; `ends` are the fields
    of those that are completed by it, the same ones in each.
    """

    attempts: dict[uuid.UUID, int]
    rows: Sequence[Insert]
    ends: dict[uuid.UUID, dict[str, Any]]


def write_going(going: Going) -> set[uuid.UUID] | None:
    """Write all; the runs whose attempt was running. None, with nothing written, where the ORM has
    to. Raises what the database raises.
    """
    if connection.vendor != "postgresql":
        return None
    rows = [insert for insert in going.rows if insert.rows]
    texts, ends = as_texts(rows), _ends(going.ends)
    if texts is None or ends is None:
        return None
    kinds = tuple((insert.model, insert.conflict) for insert in rows)
    fields = tuple(next(iter(going.ends.values()), ()))
    attempts = [list(going.attempts), list(going.attempts.values())]
    found = execute(_statement(kinds, fields), [*attempts, *texts, *ends], reads=True)
    return {pk for (pk,) in found}


def _ends(ends: dict[uuid.UUID, dict[str, Any]]) -> list[str] | None:
    if not ends:
        return []
    text = changes_as_text(Execution, ({"id": pk, **fields} for pk, fields in ends.items()))
    return None if text is None else [text]


@functools.cache
def _statement(
    kinds: tuple[tuple[type[models.Model], Conflict | None], ...], end_fields: tuple[str, ...]
) -> bytes:
    parts = {"mine": _mine()}
    for number, (model, conflict) in enumerate(kinds):
        parts[f"w{number}"] = insert_of(model, conflict, _OF_MINE)
    if end_fields:
        where = 'o."id" = ANY (ARRAY(SELECT id FROM mine))'
        parts["ended"] = update_of(Execution, ("id", *end_fields), states.COMPLETED_TOGETHER, where)
    written = ", ".join(f"{name} AS ({part})" for name, part in parts.items())
    return f"WITH {written} SELECT id FROM mine".encode()  # noqa: S608 - names of models


def _mine() -> str:
    """Locked in one order, as by all who lock several. Rows that another changes meanwhile are
    judged as they are then.
    """
    return (
        f'SELECT o."id" FROM "{Execution._meta.db_table}" o '  # noqa: S608 - names of models
        "JOIN unnest(%s::uuid[], %s::integer[]) AS g(id, attempt) "
        'ON o."id" = g.id AND o."attempt" = g.attempt '
        f'WHERE {states.RUNS} ORDER BY o."id" FOR UPDATE OF o'
    )
