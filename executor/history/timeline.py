"""The time line of a run: its blocks in the design's order, their steps, and when each was what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from designs.graph.nesting import TYPES, root_block, with_blocks_in_place
from executor.history.inside import (
    Fold,
    Sums,
    by_number,
    folds_of,
    steps_inside,
    sums_inside,
    words_inside,
)
from executor.history.kept import document_of, journal_of
from executor.history.quotes import error_without_quotes
from executor.history.tool_lines import in_turns, turn_of
from executor.models import BlockResult, BlockStatus, Execution, Step, StepStatus

# The limits of a page; the API and the download have everything.
MAX_CHARACTERS = 20_000
MAX_STEPS = 400
# Columns of steps that are not read for the drawing.
LARGE = ("prompt", "text", "output", "calls", "said")
# The width of the drawing, in its own units.
WIDTH = 1000
MAX_TICKS = 7
# Milliseconds between two times above the time line, up to what a run may wait.
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
ROUND_STEPS = (
    *(factor * power for power in (1, 10, 100, 1_000) for factor in (1, 2, 5)),
    *(seconds * 1_000 for seconds in (10, 20, 30)),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 5, 10, 20)),
)
# A step that took this part of the run is slow.
SLOW = 0.1
QUEUED_MS = 200


@dataclass(frozen=True, slots=True)
class Bar:
    """From one time of the run to another, in milliseconds since it was accepted.

    `kind`: `span` of a block, `step`, `run`, `fail` (a try without an answer), `pause` before the
    next try, `wait` in the queue, `kept` from an earlier run.
    """

    kind: str
    start: int
    end: int
    title: str = ""


@dataclass(slots=True)
class StepLine:
    row: Step
    agent: str
    words: str
    state: str
    bars: list[Bar]
    is_slow: bool = False

    @property
    def is_kept(self) -> bool:
        return self.state == "kept"

    @property
    def ms(self) -> int:
        return self.row.duration_ms


@dataclass(slots=True)
class BlockLine:
    """A block with its state: a name of `designs.pictures.pictograms.STATES`."""

    block_id: str
    label: str
    type: str
    part: Mapping[str, Any]
    state: str = "pending"
    row: BlockResult | None = None
    steps: list[StepLine] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    ms: int | None = None
    # Of a block that plays designs: all that is inside, and the ranges of a long list.
    sums: Sums | None = None
    folds: list[Fold] = field(default_factory=list)

    @property
    def plays(self) -> bool:
        return self.type in TYPES

    @property
    def progress(self) -> Mapping[str, int] | None:
        return self.row.progress if self.row else None

    @property
    def agents(self) -> dict[str, str]:
        parts = with_blocks_in_place(self.part)
        agents = (a for part in parts for a in part.get("agents") or () if isinstance(a, dict))
        return {str(a.get("id")): str(a.get("name") or a.get("id")) for a in agents}

    @property
    def paid(self) -> list[StepLine]:
        return [step for step in self.steps if step.row.model and not step.is_kept]

    @property
    def tokens(self) -> int | None:
        if self.sums is not None:
            return self.sums.tokens
        sums = [step.row.input_tokens + step.row.output_tokens for step in self.paid]
        return sum(sums) if sums else None

    @property
    def cost(self) -> Decimal | None:
        if self.sums is not None:
            return self.sums.cost
        costs = [step.row.cost_usd for step in self.paid if step.row.cost_usd is not None]
        return sum(costs, Decimal(0)) if costs else None

    @property
    def error(self) -> dict[str, Any] | None:
        return self.row.error if self.row else None


@dataclass(slots=True)
class Timeline:
    blocks: dict[str, BlockLine]
    total_ms: int
    waited: Bar | None
    has_earlier: bool

    @property
    def ticks(self) -> list[tuple[int, int]]:
        """(position, milliseconds), at round times."""
        fitting = (step for step in ROUND_STEPS if self.total_ms / step <= MAX_TICKS)
        step = next(fitting, max(1, self.total_ms // MAX_TICKS))
        return [(WIDTH * at // self.total_ms, at) for at in range(0, self.total_ms, step)]

    @property
    def states(self) -> dict[str, str]:
        return {name: block.state for name, block in self.blocks.items()}


def timeline(
    execution: Execution, *, with_payloads: bool, inside: tuple[str, str] = ("", "")
) -> Timeline:
    """All blocks of the document with their last steps in order, without prompts and answers.

    Of a run of one block alone, only that one. Blocks that the document does not have any more are
    listed by their rows. `inside` are a block that plays designs and the fold of it that is open.
    """
    clock = _Clock(execution)
    blocks = _blocks_of(execution)
    for block in execution.blocks.defer("output", "by_agent"):
        line = blocks.setdefault(block.block_id, BlockLine(block.block_id, block.block_id, "", {}))
        if not with_payloads:
            block.error = error_without_quotes(block.error)
        line.row = block
    slim = Step.objects.defer(*LARGE)
    if any(line.plays for line in blocks.values()):
        slim = slim.exclude(block_id__contains=">")
        _add_inside(blocks, execution, clock, inside)
    steps = list(slim.filter(execution=execution).order_by("-pk")[: MAX_STEPS + 1])
    for row in reversed(steps[:MAX_STEPS]):
        _add(blocks, row, clock.step_bars(row))
    for row in _kept(execution, {step.key for step in steps}):
        _add(blocks, row, [], kept=True)
    for line in blocks.values():
        _complete(line, execution, clock)
    return Timeline(blocks, clock.total_ms, clock.waited, len(steps) > MAX_STEPS)


def _add_inside(
    blocks: dict[str, BlockLine], execution: Execution, clock: _Clock, inside: tuple[str, str]
) -> None:
    sums, folded = sums_inside(execution), []
    for name, line in blocks.items():
        line.sums = sums.get(name) if line.plays else None
        counts = (line.progress or {}) if line.type == "map" else {}
        chosen = inside[1] if inside[0] == name else ""
        line.folds = folds_of(counts.get("total", 0), counts.get("failed", 0), chosen)
        folded += [name] if line.folds else []
    for row in by_number(steps_inside(execution, folded, inside)):
        _add(blocks, row, clock.step_bars(row))


def readable(value: Any) -> str:
    """Text as it is, anything else as indented JSON, cut to `MAX_CHARACTERS`."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= MAX_CHARACTERS:
        return text
    rest = len(text) - MAX_CHARACTERS
    return f"{text[:MAX_CHARACTERS]}\n… ({rest:,} more characters; the API has them all)"


def words_of(step: Step) -> str:
    """What the step was for, in which round and turn; of a call, its tool."""
    if step.tool is not None:
        return step.tool
    words = step.purpose.replace("_", " ")
    if step.round_number > 1:
        words = f"{words}, round {step.round_number}"
    turn = turn_of(step)
    return f"{words}, turn {turn}" if turn > 1 else words


def _blocks_of(execution: Execution) -> dict[str, BlockLine]:
    blocks: dict[str, BlockLine] = {}
    for part in document_of(execution).get("blocks", ()):
        name = part["id"]
        if execution.only_block in (None, name):
            label = part.get("label") or name
            blocks[name] = BlockLine(name, label, part.get("type", ""), part)
    return blocks


def _kept(execution: Execution, known: set[str]) -> Iterable[Step]:
    """Finished steps of the executions that this one goes on from."""
    stale = dict(journal_of(execution))
    if not stale:
        return []
    rows = Step.objects.filter(execution__in=list(stale), status=StepStatus.COMPLETED)
    rows = rows.defer(*LARGE).order_by("-pk")[:MAX_STEPS]
    kept = {
        row.key: row
        for row in reversed(rows)
        if row.key not in known and root_block(row.block_id) not in stale[row.execution_id]
    }
    return kept.values()


def _add(blocks: dict[str, BlockLine], row: Step, bars: list[Bar], kept: bool = False) -> None:
    name = root_block(row.block_id)
    line = blocks.setdefault(name, BlockLine(name, name, "", {}))
    if kept and (line.folds or line.row is None or line.row.status == BlockStatus.SKIPPED):
        # The run has not come to it, or there are too many.
        return
    agent = line.agents.get(row.agent_id, row.agent_id) or ""
    state = "kept" if kept else row.status
    words = words_of(row)
    if row.block_id != name:
        words = f"{words_inside(row, line.type)}: {words}"
    if not agent:
        # A block without agents; its step begins the line.
        words = words[:1].upper() + words[1:]
    line.steps.append(StepLine(row, agent, words, state, bars))


def _complete(line: BlockLine, execution: Execution, clock: _Clock) -> None:
    line.state = _state(line, execution)
    row = line.row
    if row is None or row.started_at is None:
        return
    start, end = clock.at(row.started_at), clock.at(row.completed_at)
    line.ms = end - start
    kind = "tail" if line.state in ("failed", "timed_out") else "span"
    line.bars = [Bar(kind, start, end)]
    if not line.plays:
        line.steps = in_turns(line.steps, lambda step: step.row)
    for step in line.steps:
        if step.is_kept:
            step.bars = [Bar("kept", start, start + clock.total_ms // 100)]
        step.is_slow = not step.is_kept and step.ms >= SLOW * clock.total_ms


def _state(line: BlockLine, execution: Execution) -> str:
    if line.row is None or line.row.status == BlockStatus.PENDING:
        return "pending" if execution.is_live else "not_reached"
    status = str(line.row.status)
    if status == BlockStatus.COMPLETED:
        has_failed = any(step.row.is_failed for step in line.steps)
        has_failed = has_failed or bool((line.progress or {}).get("failed"))
        return "degraded" if has_failed else status
    if status == BlockStatus.FAILED:
        if line.part.get("on_error", "fail") != "fail":
            return "degraded"
        return "timed_out" if (line.row.error or {}).get("class") == "timeout" else status
    return status


class _Clock:
    """Times of a run in milliseconds since it was accepted."""

    def __init__(self, execution: Execution) -> None:
        self.origin = execution.created_at
        self.now = execution.completed_at or timezone.now()
        self.total_ms = max(1, self.at(self.now))
        started = execution.started_at or (self.now if execution.is_live else None)
        waited = self.at(started) if started else 0
        self.waited = Bar("wait", 0, waited) if waited >= QUEUED_MS else None

    def at(self, moment: datetime | None) -> int:
        return max(0, round(((moment or self.now) - self.origin).total_seconds() * 1000))

    def step_bars(self, step: Step) -> list[Bar]:
        """A bar for each try, and a pause where the next one waited."""
        bars: list[Bar] = []
        begun = self.at(step.started_at)
        for failure in step.failures:
            end = self._failed_at(failure, begun)
            ms = failure.get("ms")
            title = f"{failure.get('class')} after {ms} ms" if ms is not None else "not sent"
            bars.append(Bar("fail", begun if ms is None else max(begun, end - ms), end, title))
            begun = end + (failure.get("next_ms") or 0)
            if begun > end:
                bars.append(Bar("pause", end, begun, f"{failure.get('class')}: waited"))
        if not step.is_failed or not bars:
            bars.append(Bar("step", begun, max(begun, self.at(step.finished_at))))
        return bars

    def _failed_at(self, failure: Mapping[str, Any], begun: int) -> int:
        try:
            return max(begun, self.at(datetime.fromisoformat(str(failure.get("at")))))
        except ValueError:
            return begun
