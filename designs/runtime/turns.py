"""Locks for work that one process at a time does."""

from __future__ import annotations

from enum import IntEnum

from django.db import connection

# The first half of the key of all these locks, apart from those of other programs.
LOCK_SPACE = 0x7A


class Turn(IntEnum):
    TOTALS = 1
    RETENTION = 2


def take_turn(turn: Turn) -> bool:
    """Try to take the lock until this transaction ends. SQLite needs none: it has one writer."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", (LOCK_SPACE, int(turn)))
        return bool(cursor.fetchone()[0])
