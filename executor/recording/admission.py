"""How many executions a deployment or a caller has under way: counted under locks, so exact under
races.
"""

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

# The first half of a lock's key says what is locked, so that no lock of somebody else is met.
DEPLOYMENTS, CALLERS = 0x0C, 0x0D
Lock = tuple[int, int]


def deployment_lock(deployment_id: uuid.UUID) -> Lock:
    """A signed number of 32 bits; the last ones of an id are random."""
    return DEPLOYMENTS, (deployment_id.int & 0xFFFFFFFF) - 0x80000000


def caller_lock(caller_key: str) -> Lock:
    return CALLERS, zlib.crc32(caller_key.encode()) - 0x80000000


def lock(locks: Iterable[Lock]) -> None:
    """Let nobody else count and add executions of these until the transaction ends.

    A transaction takes all its locks by one call and in one order, so that two processes never
    wait for each other. SQLite has one writer anyway.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for key in sorted(set(locks)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", key)


def count_live(deployment_ids: Iterable[uuid.UUID]) -> Counter[uuid.UUID]:
    """How many executions of each of these deployments wait or run."""
    return _count("deployment", deployment_ids)


def count_live_of_callers(caller_keys: Iterable[str]) -> Counter[str]:
    """How many executions of each of these callers wait or run."""
    return _count("caller_key", caller_keys)


def change_limit(*, deployment_id: uuid.UUID, max_concurrent: int | None) -> None:
    """What waits in line already heeds the deployment's new limit, too."""
    waiting = Execution.objects.queued().filter(deployment=deployment_id)
    waiting.update(max_concurrent=max_concurrent)


# A caller and a deployment of theirs; None: tries of designs.
Line = tuple[str, uuid.UUID | None]


def waits(line: Line) -> bool:
    """Whether a run of this caller for this deployment waits to be taken by a worker, whichever
    process queued it: one look into an index.
    """
    caller_key, deployment_id = line
    rows = Execution.objects.queued().alias(
        # As the index has it.
        line=Coalesce("deployment", Value(NO_DEPLOYMENT, UUIDField()))
    )
    return rows.filter(
        Q(not_before=None) | Q(not_before__lte=Now()),
        caller_key=caller_key,
        line=deployment_id or NO_DEPLOYMENT,
        cancel_requested_at=None,
    ).exists()


def _count(column: str, values: Iterable[Any]) -> Counter[Any]:
    found = Execution.objects.live().filter(**{f"{column}__in": set(values)}).order_by()
    return Counter(dict(found.values_list(column).annotate(n=Count("pk"))))
