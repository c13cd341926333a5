"""Writing that a tool is about to be called: without a result, nobody knows what came of it."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from executor.engine.journal import HTTP, may_be_done
from executor.errors import LeaseLost
from executor.history.kept import journal_of, stale_in
from executor.models import Execution, Status, Step, StepStatus, ToolIntent
from executor.recording.writer import Write

# Of a key as in `each[17]>write/ana/1/answer/tool.1`.
_END_OF_BLOCK = re.compile(r"[/>\[]")
TAKEN_OVER = "Another process took this execution over."


class Intend(Write[None]):
    """One intent of an attempt that still has its run. Raises LeaseLost."""

    rank = 2
    point = "intent"

    def __init__(self, pk: uuid.UUID, attempt: int, key: str, number: int, tool: str) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt
        self.row = ToolIntent(execution_id=pk, key=key, number=number, tool=tool)

    @classmethod
    def apply(cls, writes: Sequence[Intend]) -> Sequence[Any]:
        # A savepoint would be two more statements.
        with transaction.atomic(savepoint=False):
            rows = Execution.objects.filter(pk__in={w.pk for w in writes}, status=Status.RUNNING)
            if connection.features.has_select_for_update:
                rows = rows.select_for_update()
            held = dict(rows.order_by("pk").values_list("pk", "attempt"))
            mine = [write for write in writes if held.get(write.pk) == write.attempt]
            # The try that broke off may have been committed after all.
            ToolIntent.objects.bulk_create([write.row for write in mine], ignore_conflicts=True)
        return [None if write in mine else LeaseLost(TAKEN_OVER) for write in writes]


def recorded_intents(execution: Execution) -> Counter[str]:
    """By the steps' keys, how often a tool was about to be called, in this run and in those that it
    goes on from: without blocks and steps that run again, and requests whose failure is known.
    """
    own = ToolIntent.objects.filter(execution=execution.pk)
    found: Counter[str] = Counter(own.values_list("key", flat=True))
    is_stale = stale_in(execution)
    for pk, stale in journal_of(execution):
        keys = ToolIntent.objects.filter(execution=pk).values_list("key", flat=True)
        settled = _settled_in(pk) if keys else ()
        for key in keys:
            block_id = _END_OF_BLOCK.split(key, 1)[0]
            if key not in settled and not is_stale(stale, block_id, key):
                found[key] += 1
    return found


def _settled_in(pk: uuid.UUID) -> frozenset[str]:
    """The keys of requests of a run that failed, and did nothing."""
    failed = Step.objects.filter(execution=pk, status=StepStatus.FAILED, purpose=HTTP)
    return frozenset(
        key
        for key, reason, failures in failed.values_list("key", "finish_reason", "failures")
        if not may_be_done(reason, failures[-1].get("status") if failures else None)
    )
