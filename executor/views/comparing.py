"""Two runs side by side: facts, blocks, and outputs word by word."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from designs.graph.word_changes import Steps, Words, compare_words
from designs.requests import PageRequest, requires
from executor.history.quotes import PAYLOAD, hide_quotes
from executor.history.timeline import BlockLine, Timeline, readable, timeline
from executor.models import BlockResult, Execution, parse_execution_id
from executor.views.runs import find_run

MAX_OFFERED = 12
MAX_COMPARED = 20
# Of one text that is compared word by word.
MAX_CHARACTERS = 8_000


@dataclass(slots=True)
class Pair:
    """A block in both runs; None where a run has none."""

    block_id: str
    label: str
    type: str
    before: BlockLine | None
    after: BlockLine | None


@dataclass(frozen=True, slots=True)
class ComparedText:
    """What differs between two texts, and which of their words are whose."""

    title: str
    is_same: bool
    words: Words


@require_safe
@requires("executor.view_execution")
def execution_compare(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """`?with=` another run, by any form of its id; without one, runs to choose from."""
    execution = find_run(request, pk)
    wanted = request.GET.get("with", "").strip()
    other = _other(request, wanted) if wanted else None
    context: dict[str, Any] = {
        "execution": execution,
        "other": other,
        "wanted": wanted,
        "payload_hidden": not request.caller.may(PAYLOAD),
    }
    if other is None:
        runs = Execution.objects.for_caller(request.caller).for_list()
        runs = runs.filter(design=execution.design_id).exclude(pk=execution.pk).order_by("-id")
        context["offered"] = runs[:MAX_OFFERED]
    else:
        context |= _compared(request, other, execution)
    return render(request, "executor/execution_compare.html", context)


def _other(request: PageRequest, text: str) -> Execution | None:
    pk = parse_execution_id(text)
    rows = Execution.objects.for_caller(request.caller)
    rows = rows.select_related("deployment", "design", "version")
    return rows.filter(pk=pk).first() if pk else None


def _compared(request: PageRequest, old: Execution, new: Execution) -> dict[str, Any]:
    may_see = request.caller.may(PAYLOAD)
    hide_quotes(request.caller, old, new)
    before, after = (timeline(run, with_payloads=may_see) for run in (old, new))
    pairs = list(_pairs(before, after))
    context: dict[str, Any] = {"pairs": pairs}
    if may_see:
        context["texts"] = list(_texts(old, new, pairs))
    return context


def _texts(old: Execution, new: Execution, pairs: Sequence[Pair]) -> Iterator[ComparedText]:
    """Input, result, and the outputs of the first blocks; all of them share one bound."""
    steps = Steps()

    def compared(title: str, before: str, after: str) -> ComparedText:
        is_same = before == after
        return ComparedText(title, is_same, () if is_same else compare_words(before, after, steps))

    yield compared("Input", _cut(old.input_data), _cut(new.input_data))
    yield compared("Result", _cut(old.result_data), _cut(new.result_data))
    outputs = [_outputs(run) for run in (old, new)]
    for pair in pairs[:MAX_COMPARED]:
        before, after = (found.get(pair.block_id, "") for found in outputs)
        if before or after:
            yield compared(pair.label, before, after)


def _pairs(before: Timeline, after: Timeline) -> Iterator[Pair]:
    for name in dict.fromkeys((*after.blocks, *before.blocks)):
        old, new = before.blocks.get(name), after.blocks.get(name)
        shown = new or old
        if shown is not None:
            yield Pair(name, shown.label, shown.type, old, new)


def _outputs(run: Execution) -> dict[str, str]:
    """Of the first blocks: an output is as large as a result may be."""
    rows = BlockResult.objects.filter(execution=run).order_by("pk")
    found = rows.values_list("block_id", "output")[:MAX_COMPARED]
    return {name: _cut(output) for name, output in found}


def _cut(value: Any) -> str:
    text = "" if value is None else readable(value)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
