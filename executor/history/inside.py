"""What the blocks of a run played inside themselves, for pages: bounded, long lists by ranges."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from designs.graph.nesting import place_inside
from executor.models import Execution, Step, StepStatus
from executor.models.results import ROOT_BLOCK

# A longer list of items is shown by ranges of this many, one of them at a time.
FOLDED = 20
RANGE = 100
MAX_RANGES = 100
MAX_STEPS = 400
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fold:
    """A range of items, or those that failed; `key` names it in addresses."""

    key: str
    title: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Sums:
    """Of all steps inside a block: how many are finished, and what they used."""

    finished: int
    tokens: int
    cost: Decimal | None


def sums_inside(execution: Execution) -> dict[str, Sums]:
    """By the run's own blocks."""
    rows = Step.objects.filter(execution=execution, block_id__contains=">").order_by()
    found = rows.values(root=ROOT_BLOCK).annotate(
        finished=Count("pk", filter=Q(status=StepStatus.COMPLETED)),
        used=Sum("input_tokens") + Sum("output_tokens"),
        cost=Sum("cost_usd"),
    )
    return {row["root"]: Sums(row["finished"], row["used"], row["cost"]) for row in found}


def folds_of(total: int, failed: int, chosen: str) -> list[Fold]:
    """None for a list that is short enough to be shown whole."""
    if total <= FOLDED:
        return []
    folds = []
    if failed:
        folds.append(Fold(FAILED, f"{failed:,} failed", chosen == FAILED))
    for start in range(0, min(total, MAX_RANGES * RANGE), RANGE):
        title = f"{start:,} to {min(start + RANGE, total) - 1:,}"
        folds.append(Fold(str(start), title, chosen == str(start)))
    return folds


def steps_inside(
    execution: Execution, folded: Collection[str], chosen: tuple[str, str]
) -> list[Step]:
    """The last steps inside blocks that are not folded, and those of the chosen block's fold; in
    order, without prompts and answers.
    """
    rows = Step.objects.filter(execution=execution, block_id__contains=">")
    rows = rows.defer("prompt", "text", "output", "calls", "said").order_by("-pk")
    plain = rows
    for block_id in folded:
        plain = plain.exclude(block_id__startswith=f"{block_id}[")
    steps = list(plain[:MAX_STEPS])
    block_id, fold = chosen
    if block_id in folded and (inside := _of_fold(block_id, fold)) is not None:
        steps += rows.filter(inside)[:MAX_STEPS]
    return sorted(steps, key=lambda step: step.pk)


def _of_fold(block_id: str, fold: str) -> Q | None:
    if fold == FAILED:
        return Q(block_id__startswith=f"{block_id}[", status=StepStatus.FAILED)
    if not (fold.isascii() and fold.isdigit() and len(fold) < 6):
        return None
    hundreds = int(fold) // RANGE
    numbers = r"[0-9]{1,2}" if hundreds == 0 else rf"{hundreds}[0-9][0-9]"
    return Q(block_id__regex=rf"^{re.escape(block_id)}\[{numbers}\]>")


def words_inside(step: Step, kind: str) -> str:
    """Where inside its block the step is: "item 17, answer"."""
    number, rest = place_inside(step.block_id)
    played = "round" if kind == "loop" else "item"
    words = [] if number is None else [f"{played} {number}"]
    # What a block in place is called if it has no id of its own.
    words += [rest] if rest != "block" else []
    return ", ".join(words)


def by_number(steps: Iterable[Step]) -> list[Step]:
    """In the order of the items or rounds, and of time within each."""
    return sorted(steps, key=lambda step: (place_inside(step.block_id)[0] or 0, step.pk))
