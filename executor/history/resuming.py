"""What resuming a run does, told before: what is kept, what is still to run, about how much."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from django.db.models import Sum

from executor.history.timeline import BlockLine, Timeline
from executor.models import Execution, Status, Step, StepStatus
from executor.models.results import ROOT_BLOCK

# Of the version's latest finished runs.
MAX_RUNS = 20
DONE = frozenset({"completed", "skipped"})


@dataclass(frozen=True, slots=True)
class ResumePrice:
    """`kept_cost` is paid already. `estimate` is None if no finished run tells anything."""

    kept: int
    kept_cost: Decimal | None
    waiting: tuple[str, ...]
    estimate: Decimal | None


def resume_price(execution: Execution, timeline: Timeline) -> ResumePrice:
    blocks = timeline.blocks.values()
    kept = [
        s.row
        for b in blocks
        for s in b.steps
        if s.row.status == StepStatus.COMPLETED and b.sums is None
    ]
    inside = [block.sums for block in blocks if block.sums is not None]
    waiting = [block for block in blocks if block.state not in DONE]
    return ResumePrice(
        kept=len(kept) + sum(sums.finished for sums in inside),
        kept_cost=_sum([*(row.cost_usd for row in kept), *(sums.cost for sums in inside)]),
        waiting=tuple(block.label for block in waiting),
        estimate=_estimate(execution, waiting),
    )


def _sum(costs: Iterable[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None


def _estimate(execution: Execution, waiting: Iterable[BlockLine]) -> Decimal | None:
    """The sum of the blocks' median costs in finished runs of the version, without what is paid."""
    if execution.version_id is None:
        return None
    runs = Execution.objects.filter(version=execution.version_id, design=execution.design_id)
    latest = runs.filter(status=Status.COMPLETED).order_by("-id").values_list("pk", flat=True)
    costs = costs_by_block(list(latest[:MAX_RUNS]))
    total, known = Decimal(0), False
    for block in waiting:
        usual = costs.get(block.block_id)
        if usual is not None:
            known = True
            paid = sum((s.row.cost_usd for s in block.steps if s.row.cost_usd), Decimal(0))
            total += max(Decimal(0), usual - paid)
    return total if known else None


def costs_by_block(runs: Iterable[uuid.UUID]) -> Mapping[str, Decimal]:
    """The median cost of each block in these runs."""
    if not (pks := list(runs)):
        return {}
    rows = Step.objects.filter(execution__in=pks).order_by().values("execution", root=ROOT_BLOCK)
    found: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows.annotate(cost=Sum("cost_usd")):
        if row["cost"] is not None:
            found[row["root"]].append(row["cost"])
    return {name: median(costs) for name, costs in found.items()}
