"""Searches the error texts of the latest runs that ended badly."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models.fields.json import KT

from designs.access import Caller
from executor.history.quotes import PAYLOAD, PLAIN
from executor.models import Execution, Status

# The errors of each state that a search reads, and the runs that it finds at the most.
MAX_READ = 10_000
MAX_FOUND = 300
BAD = (Status.FAILED, Status.TIMED_OUT, Status.CANCELLED)


def runs_with_error(text: str, caller: Caller) -> list[uuid.UUID]:
    """The latest runs whose error contains the text, among the latest errors of each state.

    Without the right to see payloads only in sentences that quote none, so that a search does not
    tell what a list hides.
    """
    found: list[uuid.UUID] = []
    for status in BAD:
        rows = Execution.objects.for_caller(caller).filter(status=status)
        if not caller.may(PAYLOAD):
            rows = rows.filter(error__class__in=PLAIN)
        latest = rows.order_by("-id").values("pk", said=KT("error__message"))[:MAX_READ]
        found += _matching(latest, text)
    return found


def _matching(latest: Any, text: str) -> list[uuid.UUID]:
    """Of a slice, which is a table of its own: the filter reads no more than it."""
    try:
        sql, params = latest.query.sql_with_params()
    except EmptyResultSet:
        return []
    pattern = "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in text)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pk FROM ({sql}) AS latest WHERE UPPER(said) LIKE UPPER(%s) "  # noqa: S608
            "ESCAPE '\\' ORDER BY pk DESC LIMIT %s",
            [*params, f"%{pattern}%", MAX_FOUND],
        )
        return [uuid.UUID(str(pk)) for (pk,) in cursor.fetchall()]
