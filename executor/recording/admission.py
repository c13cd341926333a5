"""Counts the queued and running executions of deployments and callers under locks: exactly."""

from __future__ import annotations

import uuid
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Count, Q, UUIDField, Value
from django.db.models.functions import Coalesce, Now

from executor.models import Execution
from executor.models.execution import NO_DEPLOYMENT

# The first half of a lock's key: the kind of lock, different from those of other code.
DEPLOYMENTS, CALLERS = 0x0C, 0x0D
Lock = tuple[int, int]


def deployment_lock(deployment_id: uuid.UUID) -> Lock:
    """The second half is a signed integer of 32 bits; the last ones of an id are random."""
    return DEPLOYMENTS, (deployment_id.int & 0xFFFFFFFF) - 0x80000000


def caller_lock(caller_key: str) -> Lock:
    return CALLERS, zlib.crc32(caller_key.encode()) - 0x80000000


def lock(locks: Iterable[Lock]) -> None:
    """Until the transaction ends, no other one counts and adds executions of these.

    A transaction takes all its locks by one call and in one order, so that no two deadlock. SQLite
    has one writer anyway.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for key in sorted(set(locks)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", key)


def count_live(deployment_ids: Iterable[uuid.UUID]) -> Counter[uuid.UUID]:
    return _count("deployment", deployment_ids)


def count_live_of_callers(caller_keys: Iterable[str]) -> Counter[str]:
    return _count("caller_key", caller_keys)


# A caller and a deployment; None for tries of designs.
Line = tuple[str, uuid.UUID | None]


def waits(line: Line) -> bool:
    """True if runs of this caller for this deployment are queued, by whatever process: one look
    into an index.
    """
    caller_key, deployment_id = line
    rows = Execution.objects.queued().alias(
        # The expression of the index.
        line=Coalesce("deployment", Value(NO_DEPLOYMENT, UUIDField()))
    )
    return rows.filter(
        Q(not_before=None) | Q(not_before__lte=Now()),
        caller_key=caller_key,
        line=deployment_id or NO_DEPLOYMENT,
        cancel_requested_at=None,
    ).exists()


def _count(column: str, values: Iterable[Any]) -> Counter[Any]:
    rows = Execution.objects.busy().filter(**{f"{column}__in": set(values)}).order_by()
    return Counter(dict(rows.values_list(column).annotate(n=Count("pk"))))
