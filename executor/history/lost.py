"""What of a run was lost, and what depends on it: for playing only the failed parts again."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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
    by_scope: dict[str, list[StepFacts]] = defaultdict(list)
    for step in steps:
        for scope in scopes_of(step.block_id):
            by_scope[scope].append(step)
    loops = {b["id"] for b in document.get("blocks") or () if b.get("type") == "loop"}
    stale: set[str] = set()
    for lost in steps:
        if lost.status == StepStatus.FAILED:
            stale.update(_after(lost, by_scope, loops))
    return frozenset(stale)


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


def _after(
    lost: StepFacts, by_scope: Mapping[str, Iterable[StepFacts]], loops: Iterable[str]
) -> Iterator[str]:
    for scope in scopes_of(lost.block_id):
        is_own = scope == lost.block_id
        if scope in by_scope and (is_own or scope.endswith(">") or scope in loops):
            for step in by_scope[scope]:
                if step.started_at < lost.finished_at or step.status != StepStatus.COMPLETED:
                    continue
                if scope.endswith(">") and _child(step, scope) == _child(lost, scope):
                    # Items next to each other; what is in the same one is in a scope within.
                    continue
                # Others of the same kind are its neighbours, as members of a parallel block.
                if step.block_id != lost.block_id or step.kind != lost.kind:
                    yield step.key


def _child(step: StepFacts, scope: str) -> str:
    """The block within the scope that the step is in."""
    return root_block(step.block_id.removeprefix(scope))
