"""The moves between states: the only place that changes an execution's status, each by one
conditional UPDATE.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    Subquery,
    Sum,
    When,
)
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from designs.rows.writing import FromNow, Update, update_rows
from executor.models import BlockResult, BlockStatus, Execution, Step
from executor.models.causes import cause_of
from executor.models.status import LEASE_EXPIRED, LIVE, Status, is_late, seconds_from_now
from executor.models.took import TookMs

MAX_LOSSES = 3
# SQLite limits the depth of conditions.
RENEWED_AT_ONCE = 200


# The ends that an owner may write.
OWNERS_ENDS = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT})
# The ends that have a cause.
FAILURES = frozenset({Status.FAILED, Status.TIMED_OUT})

# What a run that waits has waited for altogether, until now.
WAITED = ExpressionWrapper(
    Coalesce("waited_ms", 0) + TookMs("waiting_since", Now()), output_field=BigIntegerField()
)
# Of its own time, for a run that began to wait in the last moment.
LEAST_SECONDS = 0.001

_NO_OWNER: dict[str, Any] = {"owner": "", "lease_until": None}
# SQL about rows `t`, for statements about many.
IS_RUNNING = f"t.\"status\" = '{Status.RUNNING.value}'"
STOPPED = {
    "class": "stopped",
    "message": "The execution ended before this block did.",
    "step": None,
}


def run_error(kind: str, message: str) -> dict[str, Any]:
    """An execution's error that no block caused."""
    return {"class": kind, "message": message, "block_id": None, "step": None}


CANCELLED = run_error("cancelled", "The execution was cancelled.")

# The fields of an end that the engine's outcome gives.
OUTCOME_FIELDS = frozenset(
    {
        "result_data", "error", "cause", "degraded", "degraded_reasons",
        "model_calls", "input_tokens", "output_tokens", "cost_usd", "tool_calls",
    }
)  # fmt: skip
# The columns of steps that add up to these fields.
USAGE_COLUMNS = {
    "model_calls": "tries",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cost_usd": "cost_usd",
}


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """The end of an attempt at a run, and what else changes in its row."""

    pk: uuid.UUID
    status: Status
    attempt: int
    changes: dict[str, Any]

    @property
    def has_outcome(self) -> bool:
        """False if its usage has to be computed from the steps."""
        return self.changes.keys() - {"completed_at"} == OUTCOME_FIELDS


def claim(pk: uuid.UUID, *, owner: str, lease_seconds: float) -> Execution | None:
    """queued → running for this owner; the row as claimed, or None if there is nothing to claim.

    Does not check the limits of its deployment and its caller.
    """
    return claim_all([pk], owner=owner, lease_seconds=lease_seconds).get(pk)


def claim_all(
    pks: Collection[uuid.UUID], *, owner: str, lease_seconds: float
) -> dict[uuid.UUID, Execution]:
    """`claim` for many; returns those that were claimed, in the order of `pks`.

    The raised `attempt` is the fencing token of all later writes; `database_time` is the time of
    the claim.
    """
    if not pks:
        return {}
    # A savepoint would be two more statements.
    with transaction.atomic(savepoint=False):
        free = _claimable(pks).order_by("pk")
        if connection.features.has_select_for_update:
            free = free.select_for_update()
        # Locked first, so that the UPDATE finds the same rows; SQLite runs writing transactions one
        # after the other.
        mine = list(free.values_list("pk", flat=True))
        if not mine:
            return {}
        _claimable(mine).update(
            status=Status.RUNNING,
            attempt=F("attempt") + 1,
            owner=owner,
            lease_until=seconds_from_now(lease_seconds),
            started_at=Coalesce("started_at", Now()),
        )
        # A deadline may have passed since they were locked: rows that did not change are not ours.
        ours = Execution.objects.filter(status=Status.RUNNING, owner=owner)
        claimed = ours.annotate(database_time=Now()).in_bulk(mine)
    return {pk: claimed[pk] for pk in pks if pk in claimed}


def owned(owner: str, *, besides: Collection[uuid.UUID]) -> dict[uuid.UUID, Execution]:
    """The executions that run for this owner, besides those."""
    ours = Execution.objects.filter(status=Status.RUNNING, owner=owner).exclude(pk__in=besides)
    return {row.pk: row for row in ours.annotate(database_time=Now())}


def _claimable(pks: Collection[uuid.UUID]) -> models.QuerySet[Execution]:
    return Execution.objects.filter(
        Q(deadline_at=None) | Q(deadline_at__gt=Now()),
        Q(not_before=None) | Q(not_before__lte=Now()),
        pk__in=pks,
        status=Status.QUEUED,
        cancel_requested_at=None,
    )


def renew(
    attempts: Sequence[tuple[uuid.UUID, int]], *, lease_seconds: float
) -> dict[tuple[uuid.UUID, int], bool]:
    """Renew the leases that are still ours: (id, attempt) → True if a cancel was requested. Lost
    leases are missing in the answer.
    """
    held: dict[tuple[uuid.UUID, int], bool] = {}
    for start in range(0, len(attempts), RENEWED_AT_ONCE):
        ours = Q(pk__in=[])
        for pk, attempt in attempts[start : start + RENEWED_AT_ONCE]:
            ours |= Q(pk=pk, attempt=attempt)
        mine = Execution.objects.filter(ours, status=Status.RUNNING)
        mine.update(lease_until=seconds_from_now(lease_seconds))
        rows = mine.values_list("pk", "attempt", "cancel_requested_at")
        held.update(((pk, attempt), requested is not None) for pk, attempt, requested in rows)
    return held


def finish(pk: uuid.UUID, status: Status, *, attempt: int, **changes: Any) -> bool:
    """running → an end, by its owner; False if the lease was lost or another process ended it."""
    if status not in OWNERS_ENDS:
        raise ValueError(f"An owner cannot end a run as {status}.")
    mine = Execution.objects.filter(pk=pk, status=Status.RUNNING, attempt=attempt)
    return _end(mine, pk, status, **changes)


def finish_all(ends: Sequence[End]) -> set[uuid.UUID]:
    """`finish` for many runs, each named once; returns those that were ended."""

    together = [end for end in ends if end.has_outcome]
    won = None
    if len(together) > 1:
        update = Update(Execution, [end_record(end) for end in together])
        won = update_rows(update, found_by=("id", "attempt"), only=IS_RUNNING)
    apart = ends if won is None else [end for end in ends if not end.has_outcome]
    won = won or set()
    for end in together:
        if end.pk in won and end.status is not Status.COMPLETED:
            _close_blocks(end.pk)
    return won.union(
        end.pk for end in apart if finish(end.pk, end.status, attempt=end.attempt, **end.changes)
    )


def end_record(end: End) -> dict[str, Any]:
    """An end that `has_outcome`, for `Update`."""
    common = {"id": end.pk, "attempt": end.attempt, "status": end.status, "completed_at": Now()}
    return {**common, **_NO_OWNER, **end.changes}


def wait(pk: uuid.UUID, *, attempt: int, due_at: datetime | None, **usage: Any) -> bool:
    """running → waiting, by its owner: until a time, or (None) until it is woken; False also if a
    cancel was requested. What is left of its own time is kept; `usage` is that until now.
    """
    mine = Execution.objects.filter(
        pk=pk, status=Status.RUNNING, attempt=attempt, cancel_requested_at=None
    )
    left = ExpressionWrapper(TookMs(Now(), "deadline_at") / 1000.0, output_field=FloatField())
    changes = {"waiting_since": Now(), "seconds_left": left, "deadline_at": None, **_NO_OWNER}
    return bool(mine.update(status=Status.WAITING, not_before=due_at, **changes, **usage))


def start_unwritten(execution: Execution, *, owner: str, lease_seconds: float) -> None:
    """queued → running for this owner, on the instance alone: for a run inserted by its carrier."""
    execution.status = Status.RUNNING
    execution.attempt = 1
    execution.owner = owner
    execution.lease_until = seconds_from_now(lease_seconds)
    execution.started_at = timezone.now()
    execution.begun_here = True


def refuse_unwritten(execution: Execution, *, now: Any, error: dict[str, Any]) -> None:
    """queued → failed, on the instance alone: written so that the history shows why it did not
    start.
    """
    execution.status = Status.FAILED
    execution.completed_at = now or Now()
    execution.deadline_at = None
    execution.error = error
    execution.cause = cause_of(error["class"])


def end_unwritten(execution: Execution, status: Status, **changes: Any) -> None:
    """– → an end, on the instance alone: for a run that is inserted together with its end, or to
    answer without reading what was just written.
    """
    execution.status = status
    for name, value in changes.items():
        setattr(execution, name, value)


def give_back(pk: uuid.UUID, *, attempt: int) -> Status | None:
    """running → queued, by an owner that shuts down: another process continues from the journal. Or
    → cancelled, if that was requested. None if it is no longer ours.
    """
    mine = Execution.objects.filter(pk=pk, status=Status.RUNNING, attempt=attempt)
    unasked = mine.filter(cancel_requested_at=None)
    if unasked.update(status=Status.QUEUED, **_NO_OWNER):
        return Status.QUEUED
    asked = mine.exclude(cancel_requested_at=None)
    return Status.CANCELLED if _end(asked, pk, Status.CANCELLED, error=CANCELLED) else None


def cancel_unstarted(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """queued or waiting → cancelled, at a user's request."""
    idle = Execution.objects.filter(pk=pk, status__in=(Status.QUEUED, Status.WAITING))
    waited = Case(
        When(waiting_since__isnull=False, then=WAITED),
        default="waited_ms",
        output_field=BigIntegerField(),
    )
    changes = {"cancel_requested_at": Now(), "waited_ms": waited, "waiting_since": None}
    return _end(idle, pk, Status.CANCELLED, error=error, **changes)


def request_cancel(pk: uuid.UUID) -> bool:
    running = Execution.objects.filter(pk=pk, status=Status.RUNNING)
    return bool(running.update(cancel_requested_at=Coalesce("cancel_requested_at", Now())))


def requeue_lost(pk: uuid.UUID) -> bool:
    """running → queued once the lease has expired, if it may be lost again; counts the loss."""
    lost = Execution.objects.filter(LEASE_EXPIRED, pk=pk, status=Status.RUNNING)
    lost = lost.filter(cancel_requested_at=None, losses__lt=MAX_LOSSES - 1)
    return bool(lost.update(status=Status.QUEUED, losses=F("losses") + 1, **_NO_OWNER))


def fail_lost(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """running → failed once the lease has expired for the last allowed time."""
    lost = Execution.objects.filter(LEASE_EXPIRED, pk=pk, status=Status.RUNNING)
    lost = lost.filter(losses__gte=MAX_LOSSES - 1)
    return _end(lost, pk, Status.FAILED, error=error, losses=F("losses") + 1)


def cancel_lost(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """running → cancelled if that was requested and the lease has expired."""
    lost = Execution.objects.filter(LEASE_EXPIRED, pk=pk, status=Status.RUNNING)
    lost = lost.exclude(cancel_requested_at=None)
    return _end(lost, pk, Status.CANCELLED, error=error)


def time_out(pk: uuid.UUID, *, error: dict[str, Any]) -> bool:
    """Any live state → timed_out once the deadline has passed by the database's time. An owner gets
    some seconds more to end its run itself.
    """
    late = Execution.objects.filter(is_late(), pk=pk, status__in=LIVE)
    return _end(late, pk, Status.TIMED_OUT, error=error)


def wake_due(pk: uuid.UUID) -> bool:
    """waiting → queued once its time has come."""
    return _wake(Execution.objects.waiting().filter(pk=pk, not_before__lte=Now()))


def wake(pk: uuid.UUID) -> bool:
    """waiting → queued, because something that it waits for was decided; False if it waits no
    more.
    """
    return _wake(Execution.objects.waiting().filter(pk=pk))


def _wake(row: models.QuerySet[Execution]) -> bool:
    """Its time goes on, with what was left of it."""
    found = row.values_list("seconds_left", "attempt").first()
    if found is None:
        return False
    left, attempt = found
    # Another process may have woken it, and it waits again by now.
    changes = {"waited_ms": WAITED, "waiting_since": None, "seconds_left": None}
    return bool(
        row.filter(attempt=attempt).update(
            status=Status.QUEUED,
            deadline_at=None if left is None else FromNow(max(left, LEAST_SECONDS)),
            not_before=None,
            **changes,
        )
    )


def _end(rows: models.QuerySet[Execution], pk: uuid.UUID, status: Status, **changes: Any) -> bool:
    """The row of `rows` → its end. Usage that is not given is computed from the steps."""
    usage: dict[str, Any] = {}
    if "model_calls" not in changes:
        steps = Step.objects.filter(execution=OuterRef("pk")).exclude(model="").order_by()
        for field, column in USAGE_COLUMNS.items():
            total = Subquery(steps.values("execution").annotate(n=Sum(column)).values("n"))
            usage[field] = total if field == "cost_usd" else Coalesce(total, 0)
        made = Step.objects.filter(execution=OuterRef("pk"), tool__isnull=False, tries__gt=0)
        counted = made.order_by().values("execution").annotate(n=Count("pk"))
        usage["tool_calls"] = Subquery(counted.values("n"))
    if status in FAILURES and "cause" not in changes:
        usage["cause"] = cause_of((changes.get("error") or {}).get("class", "internal"))
    changes = {"completed_at": Now(), **_NO_OWNER, **usage, **changes}
    # A savepoint would be two more statements, and what it saves is one row and its blocks.
    with transaction.atomic(savepoint=False):
        won = bool(rows.update(status=status, **changes))
        if won and status is not Status.COMPLETED:
            _close_blocks(pk)
    return won


def _close_blocks(pk: uuid.UUID) -> None:

    is_open = (BlockStatus.RUNNING, BlockStatus.WAITING)
    open_blocks = BlockResult.objects.filter(execution=pk, status__in=is_open)
    open_blocks.update(status=BlockStatus.FAILED, completed_at=Now(), error=STOPPED)
