"""Decisions that a run goes on from: those of its own requests and of the runs that it resumes."""

from __future__ import annotations

import uuid
from typing import Any

from executor.decisions.reading import decision_of
from executor.decisions.waking import wake_run
from executor.history.kept import journal_of
from executor.models import DecisionRequest, Execution, RequestStatus


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
    time, and those of blocks that run again.
    """
    found: dict[str, dict[str, Any]] = {}
    for pk, stale in reversed(journal_of(execution)):
        earlier = DecisionRequest.objects.closed().filter(execution=pk)
        earlier = earlier.exclude(status=RequestStatus.TIMED_OUT).exclude(block_id__in=stale)
        found |= {row.key: decision_of(row) for row in earlier.prefetch_related("votes")}
    own = DecisionRequest.objects.closed().filter(execution=execution.pk)
    rows = list(own.prefetch_related("votes"))
    # Before anything that another attempt could miss: each loads all of them again.
    own.filter(pk__in=[row.pk for row in rows], is_taken=None).update(is_taken=True)
    return found | {row.key: decision_of(row) for row in rows}


def wake_if_decided(pk: uuid.UUID) -> None:
    """After a run has begun to wait: a vote that came a moment before could not wake it."""
    if DecisionRequest.objects.untaken().filter(execution=pk).exists():
        wake_run(pk)
