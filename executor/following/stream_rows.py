"""What listeners are told of a run by its rows, and where each of them is."""

from __future__ import annotations

import functools
import operator
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from designs.runtime.gathering import Gathered
from designs.runtime.loops import PerLoop
from designs.runtime.threads import in_thread
from executor.models import TERMINAL, BlockResult, BlockStatus, Execution, Step

# Runs whose rows are read together, and such readings at once: one of a large run does not hold up
# all others.
MAX_TOGETHER = 20
READINGS_AT_ONCE = 3
# After a reading, when others wait: who comes within so long is read with them.
PAUSE_SECONDS = 0.02

UNTOLD = "-"
LETTERS = {status.value: status.value[0] for status in BlockStatus}
_POSITION = re.compile(r"([a-z]*)\.(\d{1,18})\.([a-z-]*)")


@dataclass(frozen=True)
class Told:
    """One event. `position` is what a listener sends to go on after it; None for passing text."""

    name: str
    data: dict[str, Any]
    position: str | None = None
    # Made once for all listeners, by who may read what.
    encoded: dict[bool, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class Position:
    """What a listener was told: the status by its letter, the last step, each block's letter."""

    letter: str = ""
    step: int = 0
    blocks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.letter}.{self.step}.{''.join(self.blocks)}"


def read_position(text: str) -> Position:
    """From a listener's Last-Event-ID; from the beginning for one that nobody gave out."""
    found = _POSITION.fullmatch(text)
    if found is None:
        return Position()
    return Position(found.group(1), int(found.group(2)), list(found.group(3)))


@dataclass(frozen=True, slots=True)
class Found:
    """One reading of the rows. `blocks`: all in order, as (id, status); `changed` by id."""

    execution: Execution
    blocks: list[tuple[int, str]]
    changed: dict[int, BlockResult]
    steps: list[Step]

    @property
    def status(self) -> str:
        return self.execution.status

    def begun(self, position: Position) -> list[Told]:
        """The status, unless it is an end: that comes last to who was told of the run before."""
        is_end = self.status in TERMINAL and position.letter
        return [] if is_end else list(self._changed_status(position))

    def news(self, position: Position) -> Iterator[Told]:
        """What the position lacks, in the order in which it happened; moves the position on."""
        yield from self._blocks(position, ended=False)
        for step in self.steps:
            position.step = step.pk
            yield Told("step", _step(step), str(position))
        yield from self._blocks(position, ended=True)
        yield from self._changed_status(position)

    def _changed_status(self, position: Position) -> Iterator[Told]:
        if position.letter != self.status[:1]:
            position.letter = self.status[:1]
            yield Told("execution", _execution(self.execution), str(position))

    def _blocks(self, position: Position, *, ended: bool) -> Iterator[Told]:
        for number, (pk, status) in enumerate(self.blocks):
            if pk not in self.changed or (status not in ("pending", "running")) != ended:
                continue
            padding = number + 1 - len(position.blocks)
            position.blocks += [UNTOLD] * padding
            position.blocks[number] = LETTERS[status]
            yield Told("block", _block(self.changed[pk]), str(position))


def _execution(execution: Execution) -> dict[str, Any]:
    return {
        "execution_id": execution.public_id,
        "log_id": execution.pk,
        "status": execution.status,
        "attempt": execution.attempt,
    }


def _block(row: BlockResult) -> dict[str, Any]:
    return {
        "block_id": row.block_id,
        "status": row.status,
        "output": row.output,
        "error": row.error,
        "started_at": row.started_at,
        "completed_at": row.completed_at,
    }


def _step(row: Step) -> dict[str, Any]:
    return {
        "key": row.key,
        "block_id": row.block_id,
        "agent_id": row.agent_id or None,
        "round_number": row.round_number,
        "purpose": row.purpose,
        "model": row.model or None,
        "status": row.status,
        "text": row.text,
        "output": row.output,
        "finish_reason": row.finish_reason,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "is_estimated": row.is_estimated,
        "cost_usd": row.cost_usd,
        "tries": row.tries,
        "failures": row.failures,
        "duration_ms": row.duration_ms,
    }


# --- Reading --------------------------------------------------------------------------------------


async def read_run(pk: uuid.UUID, position: Position) -> Found | None:
    """What of the run the position lacks; None if the run is not there."""
    return await _readings.get().ask(Asked(pk, position.step, "".join(position.blocks)))


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a run is read: its steps after this one, and blocks whose letter differs."""

    pk: uuid.UUID
    step: int = 0
    blocks: str = ""


async def _read(asked: Sequence[Asked]) -> Mapping[Asked, Found | None]:
    return await in_thread(read_runs, asked)


def read_runs(asked: Sequence[Asked]) -> dict[Asked, Found | None]:
    """The rows of all these runs, by the same few queries for any number; None for one that is not
    there.
    """
    # The executions first: once one has ended, what is read after it is all there is.
    rows = Execution.objects.defer("document", "input_data", "result_data")
    executions = rows.in_bulk([one.pk for one in asked])
    there = [one for one in asked if one.pk in executions]
    blocks = _blocks_of(there)
    changed = BlockResult.objects.in_bulk(
        [pk for one in there for pk in _changed(blocks[one.pk], one.blocks)]
    )
    steps = _steps_after(there)
    found: dict[Asked, Found | None] = dict.fromkeys(asked)
    for one in there:
        mine = blocks[one.pk]
        found[one] = Found(
            execution=executions[one.pk],
            blocks=mine,
            changed={pk: changed[pk] for pk in _changed(mine, one.blocks) if pk in changed},
            steps=[step for step in steps.get(one.pk, ()) if step.pk > one.step],
        )
    return found


def _blocks_of(asked: Sequence[Asked]) -> dict[uuid.UUID, list[tuple[int, str]]]:
    found: dict[uuid.UUID, list[tuple[int, str]]] = {one.pk: [] for one in asked}
    rows = BlockResult.objects.filter(execution__in=found).order_by("pk") if found else ()
    for execution_id, pk, status in (
        rows.values_list("execution_id", "pk", "status") if rows else ()
    ):
        found[execution_id].append((pk, status))
    return found


def _changed(blocks: Sequence[tuple[int, str]], letters: str) -> list[int]:
    known = dict(enumerate(letters))
    return [pk for n, (pk, status) in enumerate(blocks) if known.get(n) != LETTERS[status]]


def _steps_after(asked: Sequence[Asked]) -> dict[uuid.UUID, list[Step]]:
    """Those of each run in their order; two who ask for the same run share them."""
    first: dict[uuid.UUID, int] = {}
    for one in asked:
        first[one.pk] = min(one.step, first.get(one.pk, one.step))
    found: dict[uuid.UUID, list[Step]] = {}
    if first:
        wanted = functools.reduce(
            operator.or_, (Q(execution=pk, pk__gt=step) for pk, step in first.items())
        )
        for row in Step.objects.filter(wanted).defer("prompt").order_by("pk"):
            found.setdefault(row.execution_id, []).append(row)
    return found


def _make() -> Gathered[Asked, Found | None]:
    return Gathered(_read, most=MAX_TOGETHER, at_once=READINGS_AT_ONCE, pause=PAUSE_SECONDS)


_readings = PerLoop(_make, Gathered.close)
