"""The table of moves: the only place that changes an execution's status, one conditional UPDATE a
move.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

if TYPE_CHECKING:
    from executor.models import Execution

MAX_LOSSES = 3


class Status(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    TIMED_OUT = "timed_out", "Timed out"


LIVE = frozenset({Status.QUEUED, Status.RUNNING, Status.WAITING})
TERMINAL = frozenset(Status) - LIVE
# How an owner may end its run.
OWNERS_ENDS = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT})

_NO_OWNER: dict[str, Any] = {"owner": "", "lease_until": None}
_LEASE_OVER = Q(lease_until__lt=Now()) | Q(lease_until=None)


def seconds_from_now(seconds: float) -> Any:
    """An expression: the database's time plus `seconds`."""
    return models.ExpressionWrapper(
        Now() + timedelta(seconds=seconds), output_field=models.DateTimeField()
    )


def claim(pk: uuid.UUID, *, owner: str, lease_seconds: float) -> Execution | None:
    """queued → running for this owner; the row as claimed, or None if there is nothing to claim.

    The raised `attempt` is the fencing token of all later writes; `database_time` is when it was
    claimed.
    """
    won = (
        _rows()
        .filter(Q(deadline_at=None) | Q(deadline_at__gt=Now()))
        .filter(Q(not_before=None) | Q(not_before__lte=Now()))
        .filter(pk=pk, status=Status.QUEUED, cancel_requested_at=None)
        .update(
            status=Status.RUNNING,
            attempt=F("attempt") + 1,
            owner=owner,
            lease_until=seconds_from_now(lease_seconds),
            started_at=Coalesce("started_at", Now()),
        )
    )
    return _rows().annotate(database_time=Now()).get(pk=pk) if won else None


def renew(attempts: dict[uuid.UUID, int], *, lease_seconds: float) -> dict[uuid.UUID, bool]:
    """Prolong the leases that are still ours: id → whether cancelling was asked for. Missing ids
    are lost.
    """
    mine = _attempts(attempts.items())
    _rows().filter(mine, status=Status.RUNNING).update(lease_until=seconds_from_now(lease_seconds))
    found = _rows().filter(mine, status=Status.RUNNING).values_list("pk", "cancel_requested_at")
    return {pk: asked is not None for pk, asked in found}


def finish(pk: uuid.UUID, status: Status, *, attempt: int, **changes: Any) -> bool:
    """running → an end, by its owner; False if the lease was lost or somebody else ended it
    first.
    """
    if status not in OWNERS_ENDS:
        raise ValueError(f"An owner cannot end a run as {status}.")
    won = _rows().filter(pk=pk, status=Status.RUNNING, attempt=attempt)
    return bool(won.update(status=status, completed_at=Now(), **_NO_OWNER, **changes))


def give_back(pk: uuid.UUID, *, attempt: int) -> bool:
    """running → queued, by an owner that shuts down: another process goes on from the journal."""
    mine = _rows().filter(pk=pk, status=Status.RUNNING, attempt=attempt)
    return bool(mine.update(status=Status.QUEUED, published_at=None, **_NO_OWNER))


def cancel_unstarted(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """queued or waiting → cancelled, at a person's wish."""
    idle = _rows().filter(pk=pk, status__in=(Status.QUEUED, Status.WAITING))
    return bool(
        idle.update(
            status=Status.CANCELLED, completed_at=Now(), error=error, cancel_requested_at=Now()
        )
    )


def request_cancel(pk: uuid.UUID) -> bool:
    """Ask the owner of a running execution to stop; asking twice changes nothing."""
    running = _rows().filter(pk=pk, status=Status.RUNNING)
    return bool(running.update(cancel_requested_at=Coalesce("cancel_requested_at", Now())))


def requeue_lost(pk: uuid.UUID) -> bool:
    """running → queued when the lease is over and losses are left; the loss is counted."""
    lost = _rows().filter(_LEASE_OVER, pk=pk, status=Status.RUNNING, cancel_requested_at=None)
    return bool(
        lost.filter(losses__lt=MAX_LOSSES - 1).update(
            status=Status.QUEUED, losses=F("losses") + 1, published_at=None, **_NO_OWNER
        )
    )


def fail_lost(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """running → failed when the lease is over and no losses are left."""
    lost = _rows().filter(_LEASE_OVER, pk=pk, status=Status.RUNNING, losses__gte=MAX_LOSSES - 1)
    return bool(
        lost.update(
            status=Status.FAILED,
            losses=F("losses") + 1,
            completed_at=Now(),
            error=error,
            **_NO_OWNER,
        )
    )


def cancel_lost(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """running → cancelled when cancelling was asked for and the owner is gone."""
    lost = (
        _rows().filter(_LEASE_OVER, pk=pk, status=Status.RUNNING).exclude(cancel_requested_at=None)
    )
    return bool(lost.update(status=Status.CANCELLED, completed_at=Now(), error=error, **_NO_OWNER))


def time_out(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """Any live state → timed_out once the deadline has passed by the database's time."""
    late = _rows().filter(pk=pk, status__in=LIVE, deadline_at__lt=Now())
    return bool(late.update(status=Status.TIMED_OUT, completed_at=Now(), error=error, **_NO_OWNER))


def wake_due(pk: uuid.UUID) -> bool:
    """waiting → queued when its time has come."""
    due = _rows().filter(pk=pk, status=Status.WAITING, not_before__lte=Now())
    return bool(due.update(status=Status.QUEUED, published_at=None))


def _attempts(pairs: Iterable[tuple[uuid.UUID, int]]) -> Q:
    found = Q(pk__in=[])
    for pk, attempt in pairs:
        found |= Q(pk=pk, attempt=attempt)
    return found


def _rows() -> models.QuerySet[Execution]:
    from executor.models import Execution

    return Execution.objects.all()
