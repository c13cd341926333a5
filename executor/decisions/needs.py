"""What a run waits for at the moment, in a few words for callers, logs and callbacks."""

from __future__ import annotations

import uuid
from typing import Any

from executor.models import BlockResult, BlockStatus, DecisionRequest, Execution


def waiting_for(pk: uuid.UUID) -> list[dict[str, Any]]:
    """The open requests, the oldest first; of a run that waits for a time alone, when it goes on.
    Empty if it does not wait. Two queries, or three.
    """
    run = Execution.objects.waiting().filter(pk=pk).values_list("not_before", flat=True)
    due = list(run)
    if not due:
        return []
    requests = DecisionRequest.objects.open().filter(execution=pk).order_by("id")
    # Without what is shown, which may be large.
    requests = requests.only("kind", "block_id", "group", "question", "due_at")
    found = [
        {
            "request_id": row.pk,
            "kind": row.kind,
            "block_id": row.block_id,
            "group": row.group or None,
            "question": row.question,
            "due_at": row.due_at,
        }
        for row in requests
    ]
    if found:
        return found
    blocks = BlockResult.objects.filter(execution=pk, status=BlockStatus.WAITING).order_by("pk")
    block_id = blocks.values_list("block_id", flat=True).first() or ""
    time = {"request_id": None, "kind": "time", "group": None, "question": None}
    return [{**time, "block_id": block_id, "due_at": due[0]}]
