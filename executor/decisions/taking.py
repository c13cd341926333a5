"""Decisions that a run goes on from: those of its own requests and of the runs that it resumes."""

from __future__ import annotations

import uuid
from typing import Any

from executor.decisions.reading import decision_of
from executor.decisions.waking import wake_run
from executor.history.kept import journal_of, stale_in
from executor.models import DecisionRequest, Execution, RequestKind, RequestStatus
from executor.models.decision import DecisionRequestQuerySet


def has_waited(execution: Execution) -> bool:
    """Whether it, or a run that it resumes, has ever waited: without that there are no decisions.

    Reads no rows if those runs are read already.
    """
    row: Execution | None = execution
    while row is not None:
        if row.waited_ms is not None:
            return True
        row = row.resumed_from
    return False


def take_decisions(execution: Execution) -> dict[str, dict[str, Any]]:
    """By the keys of the needs. Of the runs that it resumes all count but those that nobody made in
    time, that let an agent or a block fail as nobody knew what came of a call, and those of blocks
    and steps that run again.
    """
    found: dict[str, dict[str, Any]] = {}
    is_stale = stale_in(execution)
    for pk, stale in reversed(journal_of(execution)):
        earlier = _decided_in(pk)
        earlier = earlier.exclude(status=RequestStatus.TIMED_OUT).exclude(
            kind=RequestKind.UNKNOWN_OUTCOME, status=RequestStatus.REJECTED
        )
        for row in earlier.prefetch_related("votes"):
            if not is_stale(stale, row.block_id, step_of(row.key)):
                found[row.key] = decision_of(row)
    rows = list(_decided_in(execution.pk).prefetch_related("votes"))
    # Before anything that another attempt could miss: each loads all of them again.
    new = [row.pk for row in rows if row.is_taken is None]
    DecisionRequest.objects.filter(pk__in=new).update(is_taken=True)
    return found | {row.key: decision_of(row) for row in rows}


def _decided_in(pk: uuid.UUID) -> DecisionRequestQuerySet:
    """Without what was shown, which may be large."""
    rows = DecisionRequest.objects.closed().filter(execution=pk)
    return rows.only("key", "block_id", "answer", "is_taken")


def step_of(key: str) -> str:
    """The key of the step that a need is about: without its arguments, or the try."""
    return key.partition("#")[0].partition("/outcome.")[0]


def wake_if_decided(pk: uuid.UUID) -> None:
    """After a run has begun to wait: a vote that came a moment before could not wake it."""
    if DecisionRequest.objects.untaken().filter(execution=pk).exists():
        wake_run(pk)
