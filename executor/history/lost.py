"""What of a run was lost, and what depends on it: for playing only the failed parts again."""

from __future__ import annotations

import heapq
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from designs.graph.nesting import root_block
from executor.models import BlockResult, BlockStatus, Execution, Status, Step, StepStatus

FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepFacts:
    key: str
    block_id: str
    kind: tuple[int, str]
    status: str
    started_at: datetime
    finished_at: datetime


def may_play_failed(execution: Execution) -> bool:
    """Whether it is complete, but for parts that failed and can be played again."""
    is_done = execution.status == Status.COMPLETED and execution.degraded
    return is_done and execution.payload_removed_at is None and bool(lost_blocks(execution.pk))


def lost_blocks(pk: uuid.UUID) -> frozenset[str]:
    """The run's own blocks that failed, or inside which something did."""
    failed = Step.objects.filter(execution=pk, status=StepStatus.FAILED)
    found = {root_block(name) for name in failed.values_list("block_id", flat=True).distinct()}
    blocks = BlockResult.objects.filter(execution=pk)
    found |= set(blocks.filter(status=BlockStatus.FAILED).values_list("block_id", flat=True))
    found |= set(blocks.filter(progress__failed__gt=0).values_list("block_id", flat=True))
    return frozenset(found)


def stale_steps(pk: uuid.UUID, document: Mapping[str, Any]) -> frozenset[str]:
    """The keys of finished steps that came after something failed in the same block, and so may
    depend on it. Items of a map depend on nothing of each other.
    """
    columns = (
        "key", "block_id", "round_number", "purpose", "status", "started_at", "finished_at",
    )  # fmt: skip
    rows = Step.objects.filter(execution=pk).values_list(*columns)
    steps = [
        StepFacts(key, name, (number, asked_as(key, purpose)), status, started, finished)
        for key, name, number, purpose, status, started, finished in rows
    ]
    loops = {b["id"] for b in document.get("blocks") or () if b.get("type") == "loop"}
    first = _first_lost(steps, loops)
    return frozenset(
        step.key for step in steps if step.status == StepStatus.COMPLETED and _is_after(step, first)
    )


def asked_as(key: str, purpose: str) -> str:
    """The purpose of the question that a tool's call belongs to, which its key tells; of other
    steps their own.
    """
    if purpose != "tool":
        return purpose
    return key.rpartition("/tool.")[0].rpartition("/")[2].partition(".")[0]


def scopes_of(block_id: str) -> Iterator[str]:
    """What is around the block, from its own to the run's own block: each holds what may depend on
    it. Of `a>each[3]>step` these are itself, `a>each[3]>`, `a>each`, `a>` and `a`.
    """
    yield block_id
    parts = block_id.split(">")
    for length in range(len(parts) - 1, 0, -1):
        around = ">".join(parts[:length])
        yield f"{around}>"
        yield around.rpartition("[")[0] if around.endswith("]") else around


# By scope: what was lost in it, and when first. Two are enough: one of them is another's.
FirstLost = Mapping[str, Sequence[tuple[Any, datetime]]]


def _first_lost(steps: Iterable[StepFacts], loops: Collection[str]) -> FirstLost:
    found: dict[str, dict[Any, datetime]] = defaultdict(dict)
    for lost in steps:
        if lost.status != StepStatus.FAILED:
            continue
        for scope in scopes_of(lost.block_id):
            if scope == lost.block_id or scope.endswith(">") or scope in loops:
                neighbour = _neighbour(lost, scope)
                earlier = found[scope].get(neighbour, lost.finished_at)
                found[scope][neighbour] = min(earlier, lost.finished_at)
    return {
        scope: heapq.nsmallest(2, times.items(), key=itemgetter(1))
        for scope, times in found.items()
    }


def _is_after(step: StepFacts, first: FirstLost) -> bool:
    return any(
        at <= step.started_at and neighbour != _neighbour(step, scope)
        for scope in scopes_of(step.block_id)
        for neighbour, at in first.get(scope, ())
    )


def _neighbour(step: StepFacts, scope: str) -> Any:
    """What depends on nothing else in the scope that gives the same here: steps of one kind, as of
    the members of a parallel block, and items next to each other. What is in the same item is in a
    scope within.
    """
    return _child(step, scope) if scope.endswith(">") else (step.block_id, step.kind)


def _child(step: StepFacts, scope: str) -> str:
    """The block within the scope that the step is in."""
    return root_block(step.block_id.removeprefix(scope))
