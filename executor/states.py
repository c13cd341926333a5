"""The table of moves: the only place that changes an execution's status, one conditional UPDATE a
move.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, models, transaction
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from designs.rows.updating import update_rows
from executor.models.status import (
    LEASE_OVER,
    LIVE,
    Status,
    is_late,
    seconds_from_now,
)

if TYPE_CHECKING:
    from executor.models import Execution

MAX_LOSSES = 3
# SQLite takes no longer chains of conditions.
RENEWED_AT_ONCE = 200


# How an owner may end its run.
OWNERS_ENDS = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT})

_NO_OWNER: dict[str, Any] = {"owner": "", "lease_until": None}
# The same move, running → completed, as `together` makes it of many: SQL about the rows `o`.
RUNS = f"o.\"status\" = '{Status.RUNNING.value}'"
COMPLETED_TOGETHER = (
    f'"status" = \'{Status.COMPLETED.value}\', "owner" = \'\', "lease_until" = NULL'
)
STOPPED = {
    "class": "stopped",
    "message": "The execution ended before this block did.",
    "step": None,
}
CANCELLED = {
    "class": "cancelled",
    "message": "The execution was cancelled.",
    "block_id": None,
    "step": None,
}


# What an end says whose run the engine has played.
TOLD = frozenset(
    {
        "result_data", "error", "degraded", "degraded_reasons",
        "model_calls", "input_tokens", "output_tokens", "cost_usd",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """How the attempt at a run has ended, and what else changes in its row."""

    pk: uuid.UUID
    status: Status
    attempt: int
    changes: dict[str, Any]


def claim(pk: uuid.UUID, *, owner: str, lease_seconds: float) -> Execution | None:
    """queued → running for this owner; the row as claimed, or None if there is nothing to claim.

    Whether its deployment and its caller have room is for the caller of this to know.
    """
    return claim_all([pk], owner=owner, lease_seconds=lease_seconds).get(pk)


def claim_all(
    pks: Collection[uuid.UUID], *, owner: str, lease_seconds: float
) -> dict[uuid.UUID, Execution]:
    """The same for many: those that were claimed, in the order of `pks`.

    The raised `attempt` is the fencing token of all later writes; `database_time` is when it was
    claimed.
    """
    if not pks:
        return {}
    # A savepoint would be two more statements.
    with transaction.atomic(savepoint=False):
        free = _claimable(pks).order_by("pk")
        if connection.features.has_select_for_update:
            free = free.select_for_update()
        # Locked before, so that all of them are claimed here or none; SQLite's transactions that
        # write are one after the other.
        mine = list(free.values_list("pk", flat=True))
        if not mine:
            return {}
        _claimable(mine).update(**_claimed_by(owner, lease_seconds))
        # A deadline may have passed since they were read: what was not changed is not ours.
        ours = _rows().filter(status=Status.RUNNING, owner=owner).annotate(database_time=Now())
        found = ours.in_bulk(mine)
    return {pk: found[pk] for pk in pks if pk in found}


def owned(owner: str, *, beside: Collection[uuid.UUID]) -> dict[uuid.UUID, Execution]:
    """What runs for this owner, without those that it knows of."""
    ours = _rows().filter(status=Status.RUNNING, owner=owner).exclude(pk__in=beside)
    return {row.pk: row for row in ours.annotate(database_time=Now())}


def _claimable(pks: Collection[uuid.UUID]) -> models.QuerySet[Execution]:
    return _rows().filter(
        Q(deadline_at=None) | Q(deadline_at__gt=Now()),
        Q(not_before=None) | Q(not_before__lte=Now()),
        pk__in=pks,
        status=Status.QUEUED,
        cancel_requested_at=None,
    )


def _claimed_by(owner: str, lease_seconds: float) -> dict[str, Any]:
    return {
        "status": Status.RUNNING,
        "attempt": F("attempt") + 1,
        "owner": owner,
        "lease_until": seconds_from_now(lease_seconds),
        "started_at": Coalesce("started_at", Now()),
    }


def renew(
    attempts: Sequence[tuple[uuid.UUID, int]], *, lease_seconds: float
) -> dict[tuple[uuid.UUID, int], bool]:
    """Prolong the leases that are still ours: (id, attempt) → whether cancelling was asked for.

    Those missing in the answer are lost.
    """
    held: dict[tuple[uuid.UUID, int], bool] = {}
    for start in range(0, len(attempts), RENEWED_AT_ONCE):
        some = _attempts(attempts[start : start + RENEWED_AT_ONCE])
        mine = _rows().filter(some, status=Status.RUNNING)
        mine.update(lease_until=seconds_from_now(lease_seconds))
        found = mine.values_list("pk", "attempt", "cancel_requested_at")
        held.update(((pk, attempt), asked is not None) for pk, attempt, asked in found)
    return held


def finish(pk: uuid.UUID, status: Status, *, attempt: int, **changes: Any) -> bool:
    """running → an end, by its owner; False if the lease was lost or somebody else ended it
    first.
    """
    if status not in OWNERS_ENDS:
        raise ValueError(f"An owner cannot end a run as {status}.")
    mine = _rows().filter(pk=pk, status=Status.RUNNING, attempt=attempt)
    return _end(mine, pk, status, **changes)


def finish_all(ends: Sequence[End]) -> set[uuid.UUID]:
    """The same for many runs, each named once: which were ended by this."""
    together = {end for end in ends if end.changes.keys() - {"completed_at"} == TOLD}
    won = _finish_together(tuple(together)) if len(together) > 1 else None
    left = ends if won is None else [end for end in ends if end not in together]
    apart = (e.pk for e in left if finish(e.pk, e.status, attempt=e.attempt, **e.changes))
    return (won or set()).union(apart)


def _finish_together(ends: Sequence[End]) -> set[uuid.UUID] | None:
    """By one statement; None if these are to be written one by one."""
    from executor.models import Execution

    common = {"completed_at": None, **_NO_OWNER}
    won = update_rows(
        Execution,
        [
            {**common, "id": end.pk, "attempt": end.attempt, "status": end.status, **end.changes}
            for end in ends
        ],
        found_by=("id", "attempt"),
        only=f"t.status = '{Status.RUNNING}'",
        or_now=("completed_at",),
    )
    for end in ends:
        if end.pk in (won or ()) and end.status is not Status.COMPLETED:
            _close_blocks(end.pk)
    return won


def wait(pk: uuid.UUID, *, attempt: int, seconds: float | None) -> bool:
    """running → waiting, by its owner: for a time, or (None) until somebody wakes it; False also
    if cancelling was asked for.
    """
    mine = _rows().filter(pk=pk, status=Status.RUNNING, attempt=attempt, cancel_requested_at=None)
    due = None if seconds is None else seconds_from_now(seconds)
    return bool(mine.update(status=Status.WAITING, not_before=due, **_NO_OWNER))


def start_unwritten(execution: Execution, *, owner: str, lease_seconds: float) -> None:
    """queued → running for this owner, on the instance alone: for a run that is inserted by who
    carries it.
    """
    execution.status = Status.RUNNING
    execution.attempt = 1
    execution.owner = owner
    execution.lease_until = seconds_from_now(lease_seconds)
    execution.started_at = timezone.now()
    execution.begun_here = True


def refuse_unwritten(execution: Execution, *, now: Any, error: dict[str, Any]) -> None:
    """queued → failed, on the instance alone: for what is written so that the history shows why it
    could not start.
    """
    execution.status = Status.FAILED
    execution.completed_at = now or Now()
    execution.deadline_at = None
    execution.error = error


def end_unwritten(execution: Execution, status: Status, **changes: Any) -> None:
    """– → an end, on the instance alone: for a run that is inserted together with its end, and for
    telling how one ended without reading what was just written.
    """
    execution.status = status
    for name, value in changes.items():
        setattr(execution, name, value)


def give_back(pk: uuid.UUID, *, attempt: int) -> Status | None:
    """running → queued, by an owner that shuts down: another process goes on from the journal. Or
    → cancelled, if that was asked for: nobody would claim it. None if it is not ours any more.
    """
    mine = _rows().filter(pk=pk, status=Status.RUNNING, attempt=attempt)
    unasked = mine.filter(cancel_requested_at=None)
    if unasked.update(status=Status.QUEUED, **_NO_OWNER):
        return Status.QUEUED
    asked = mine.exclude(cancel_requested_at=None)
    return Status.CANCELLED if _end(asked, pk, Status.CANCELLED, error=CANCELLED) else None


def cancel_unstarted(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """queued or waiting → cancelled, at a person's wish."""
    idle = _rows().filter(pk=pk, status__in=(Status.QUEUED, Status.WAITING))
    return _end(idle, pk, Status.CANCELLED, error=error, cancel_requested_at=Now())


def request_cancel(pk: uuid.UUID) -> bool:
    """Ask the owner of a running execution to stop; asking twice changes nothing."""
    running = _rows().filter(pk=pk, status=Status.RUNNING)
    return bool(running.update(cancel_requested_at=Coalesce("cancel_requested_at", Now())))


def requeue_lost(pk: uuid.UUID) -> bool:
    """running → queued when the lease is over and losses are left; the loss is counted."""
    lost = _rows().filter(LEASE_OVER, pk=pk, status=Status.RUNNING, cancel_requested_at=None)
    return bool(
        lost.filter(losses__lt=MAX_LOSSES - 1).update(
            status=Status.QUEUED, losses=F("losses") + 1, **_NO_OWNER
        )
    )


def fail_lost(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """running → failed when the lease is over and no losses are left."""
    lost = _rows().filter(LEASE_OVER, pk=pk, status=Status.RUNNING, losses__gte=MAX_LOSSES - 1)
    return _end(lost, pk, Status.FAILED, error=error, losses=F("losses") + 1)


def cancel_lost(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """running → cancelled when cancelling was asked for and the owner is gone."""
    lost = (
        _rows().filter(LEASE_OVER, pk=pk, status=Status.RUNNING).exclude(cancel_requested_at=None)
    )
    return _end(lost, pk, Status.CANCELLED, error=error)


def time_out(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """Any live state → timed_out once the deadline has passed by the database's time; what somebody
    runs a little later, if they did not end it themselves.
    """
    late = _rows().filter(is_late(), pk=pk, status__in=LIVE)
    return _end(late, pk, Status.TIMED_OUT, error=error)


def wake_due(pk: uuid.UUID) -> bool:
    """waiting → queued when its time has come."""
    due = _rows().filter(pk=pk, status=Status.WAITING, not_before__lte=Now())
    return bool(due.update(status=Status.QUEUED))


def _end(rows: models.QuerySet[Execution], pk: uuid.UUID, status: Status, **changes: Any) -> bool:
    """The row of `rows` → its end. What the engine does not say is made up from the steps."""
    usage = {} if "model_calls" in changes else _spent()
    changes = {"completed_at": Now(), **_NO_OWNER, **usage, **changes}
    # A savepoint would be two more statements, and what it saves is one row and its blocks.
    with transaction.atomic(savepoint=False):
        won = bool(rows.update(status=status, **changes))
        if won and status is not Status.COMPLETED:
            _close_blocks(pk)
    return won


def _close_blocks(pk: uuid.UUID) -> None:
    """Nothing runs in an execution that has ended."""
    from executor.models import BlockResult, BlockStatus

    open_blocks = BlockResult.objects.filter(execution=pk, status=BlockStatus.RUNNING)
    open_blocks.update(status=BlockStatus.FAILED, completed_at=Now(), error=STOPPED)


def _spent() -> dict[str, Any]:
    """Expressions: what the recorded model calls of the row used."""
    from executor.models import Step

    calls = Step.objects.filter(execution=OuterRef("pk")).exclude(model="").order_by()

    def total(column: str) -> Subquery:
        return Subquery(calls.values("execution").annotate(n=Sum(column)).values("n"))

    return {
        "model_calls": Coalesce(total("tries"), 0),
        "input_tokens": Coalesce(total("input_tokens"), 0),
        "output_tokens": Coalesce(total("output_tokens"), 0),
        "cost_usd": total("cost_usd"),
    }


def _attempts(pairs: Iterable[tuple[uuid.UUID, int]]) -> Q:
    found = Q(pk__in=[])
    for pk, attempt in pairs:
        found |= Q(pk=pk, attempt=attempt)
    return found


def _rows() -> models.QuerySet[Execution]:
    from executor.models import Execution

    return Execution.objects.all()
