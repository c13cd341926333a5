"""What the history says of a run beside its state, in a few words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from executor.models import BlockResult, BlockStatus, DecisionRequest, Execution, Status

MAX_LENGTH = 160
MAX_BLOCKS = 3


def add_notes(executions: Sequence[Execution]) -> None:
    """Set `note` of each: why it ended so, what is missing in it, where it is, whom it waits for. A
    query if one runs, another if one waits. Quotes must be hidden before.
    """
    running = [run.pk for run in executions if run.status == Status.RUNNING]
    blocks: defaultdict[Any, list[str]] = defaultdict(list)
    if running:
        rows = BlockResult.objects.filter(execution__in=running, status=BlockStatus.RUNNING)
        for pk, block in rows.order_by("pk").values_list("execution_id", "block_id"):
            blocks[pk].append(block)
    asked = _asked([run.pk for run in executions if run.status == Status.WAITING])
    for run in executions:
        note = _note_of(run, blocks[run.pk], asked.get(run.pk, []))
        vars(run)["note"] = note if len(note) <= MAX_LENGTH else f"{note[: MAX_LENGTH - 1]}…"


def _asked(waiting: Sequence[Any]) -> dict[Any, list[str]]:
    """The groups that the runs wait for."""
    found: dict[Any, list[str]] = {}
    if waiting:
        rows = DecisionRequest.objects.open().filter(execution__in=waiting).order_by("pk")
        for pk, group in rows.values_list("execution_id", "group"):
            groups = found.setdefault(pk, [])
            if (name := group or "somebody who may decide") not in groups:
                groups.append(name)
    return found


def _note_of(run: Execution, blocks: list[str], asked: list[str]) -> str:
    if run.error_message:
        return run.error_in_words
    if run.degraded:
        more = len(run.degraded_reasons) - 1
        first = str(run.degraded_reasons[0]) if run.degraded_reasons else ""
        return f"{first} (and {more} more)" if more > 0 else first
    if blocks:
        return f"In {_first_of(blocks)}"
    if run.status == Status.WAITING:
        return f"Waits for {_first_of(asked)}" if asked else "Waits for its time"
    if run.status == Status.QUEUED:
        return "Waiting for a worker" if run.not_before is None else "Waiting for its time"
    if run.part:
        return f"Only the block {run.part.get('label', '')}"
    return "Tried as a draft" if run.deployment_id is None and run.version_id is None else ""


def _first_of(names: list[str]) -> str:
    more = len(names) - MAX_BLOCKS
    return ", ".join(names[:MAX_BLOCKS]) + (f" and {more} more" if more > 0 else "")
