"""Requests that nobody decided: those that are due, and those of runs that have ended."""

from __future__ import annotations

import uuid
from functools import partial

from django.db import connection, transaction
from django.db.models.functions import Now

from executor.decisions.waking import tell_followers, wake_run
from executor.models import DecisionRequest, RequestKind, RequestStatus

MAX_AT_ONCE = 500
# What comes of a request that is due, by `on_due`.
_DECISIONS = {"timed_out": "timed_out", "reject": "rejected", "fail": "fail"}
# A call that nobody allowed is refused; an agent whose call may have been made fails.
_DECISIONS_BY_KIND = {
    RequestKind.TOOL_CALL: "rejected",
    RequestKind.UNKNOWN_OUTCOME: "fail",
}


def close_due() -> int:
    """Close the requests that are due by the database's time, each in its own transaction, and wake
    their runs. Any number of processes may do so. Returns how many were closed.
    """
    due = DecisionRequest.objects.due().order_by("due_at", "id")
    return sum(_close(pk) for pk in list(due.values_list("pk", flat=True)[:MAX_AT_ONCE]))


def _close(pk: uuid.UUID) -> bool:
    with transaction.atomic():
        # Locked, so that no vote comes between. Another process has it, or it is voted on: later.
        rows = DecisionRequest.objects.due()
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        row = rows.filter(pk=pk).first()
        if row is None:
            return False
        answer = {"decision": decision_when_due(row), "by": None}
        closed = {"status": RequestStatus.TIMED_OUT, "answer": answer, "decided_at": Now()}
        DecisionRequest.objects.filter(pk=pk).update(**closed)
        if row.execution_id is not None:
            transaction.on_commit(partial(wake_run, row.execution_id), robust=True)
    return True


def decision_when_due(request: DecisionRequest) -> str:
    by_kind = _DECISIONS_BY_KIND.get(RequestKind(request.kind))
    return by_kind or _DECISIONS.get(request.on_due, "timed_out")


def withdraw(execution: uuid.UUID) -> None:
    """Close the open requests of a run that has ended; in its transaction."""
    if DecisionRequest.objects.filter(execution=execution).withdraw():
        transaction.on_commit(partial(tell_followers, execution), robust=True)
