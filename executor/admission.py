"""How many executions of a deployment are live: counted under a lock, so exact under races."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Count

from executor.models import Execution
from executor.states import Status

# The other half of the key is a deployment's id, so that no lock of somebody else is met.
LOCK_SPACE = 0x0C


def lock(deployment_ids: Iterable[uuid.UUID]) -> None:
    """Let nobody else count and add executions of these deployments until the transaction ends.

    Always taken in one order, so that two processes never wait for each other. SQLite has one
    writer anyway.
    """
    if connection.vendor != "postgresql":
        return
    keys = sorted(_key(pk) for pk in set(deployment_ids))
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_SPACE, key))


def count_live(deployment_ids: Iterable[uuid.UUID]) -> Counter[uuid.UUID]:
    """How many executions of each of them wait or run."""
    return _count(Execution.objects.live(), deployment_ids)


def count_running(deployment_ids: Iterable[uuid.UUID]) -> Counter[uuid.UUID]:
    """How many executions of each of them run."""
    return _count(Execution.objects.filter(status=Status.RUNNING), deployment_ids)


def next_queued(deployment_id: uuid.UUID) -> uuid.UUID | None:
    """The execution of the deployment that has waited longest."""
    rows = Execution.objects.filter(deployment=deployment_id, status=Status.QUEUED)
    return rows.order_by("pk").values_list("pk", flat=True).first()


def limited_deployments(pks: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """The deployments of those executions whose number at once is limited."""
    rows = Execution.objects.filter(pk__in=pks).exclude(max_concurrent=None)
    return set(rows.values_list("deployment", flat=True))


def _count(rows: Any, deployment_ids: Iterable[uuid.UUID]) -> Counter[uuid.UUID]:
    found = rows.filter(deployment__in=set(deployment_ids)).order_by()
    return Counter(dict(found.values_list("deployment").annotate(n=Count("pk"))))


def _key(deployment_id: uuid.UUID) -> int:
    """A signed number of 32 bits; the last ones of an id are random."""
    return (deployment_id.int & 0xFFFFFFFF) - 0x80000000
