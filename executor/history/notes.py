"""What the history says of a run beside its state, in a few words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from executor.models import BlockResult, BlockStatus, Execution, Status

MAX_LENGTH = 160
MAX_BLOCKS = 3


def add_notes(executions: Sequence[Execution]) -> None:
    """Set `note` of each: why it ended so, what is missing in it, or where it is. One query, and
    none without a running one. Quotes must be hidden before.
    """
    running = [run.pk for run in executions if run.status == Status.RUNNING]
    blocks: defaultdict[Any, list[str]] = defaultdict(list)
    if running:
        rows = BlockResult.objects.filter(execution__in=running, status=BlockStatus.RUNNING)
        for pk, block in rows.order_by("pk").values_list("execution_id", "block_id"):
            blocks[pk].append(block)
    for run in executions:
        note = _note_of(run, blocks[run.pk])
        vars(run)["note"] = note if len(note) <= MAX_LENGTH else f"{note[: MAX_LENGTH - 1]}…"


def _note_of(run: Execution, blocks: list[str]) -> str:
    if run.error_message:
        return run.error_in_words
    if run.degraded:
        more = len(run.degraded_reasons) - 1
        first = str(run.degraded_reasons[0]) if run.degraded_reasons else ""
        return f"{first} (and {more} more)" if more > 0 else first
    if blocks:
        more = len(blocks) - MAX_BLOCKS
        return "In " + ", ".join(blocks[:MAX_BLOCKS]) + (f" and {more} more" if more > 0 else "")
    if run.status == Status.QUEUED:
        return "Waiting for a worker" if run.not_before is None else "Waiting for its time"
    if run.part:
        return f"Only the block {run.part.get('label', '')}"
    return "Tried as a draft" if run.deployment_id is None and run.version_id is None else ""
