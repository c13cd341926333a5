"""Work that one process at a time does, whichever comes first."""

from __future__ import annotations

from enum import IntEnum

from django.db import connection

# The first half of the key of all such locks, so that no lock of somebody else is met.
LOCK_SPACE = 0x7A


class Turn(IntEnum):
    TOTALS = 1
    RETENTION = 2


def take_turn(turn: Turn) -> bool:
    """Whether nobody else does it until this transaction ends. SQLite has one writer anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", (LOCK_SPACE, int(turn)))
        return bool(cursor.fetchone()[0])
