"""Runs that only compute: executed at once, and written once, with their end.

Such a run has no effect outside and is not known before it is answered, so a process that dies in
the middle loses nothing that was accepted. Measured: one transaction a call instead of two, and no
lease to renew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils import timezone

from designs.runtime.computing import compute_on
from executor import states
from executor.acceptance.runs import Accepted
from executor.engine.context import Outcome
from executor.engine.events import BlockChanged, Event
from executor.engine.journal import StepResult
from executor.engine.runner import CompiledGraph, run_graph
from executor.following import pubsub
from executor.following.sending import send_settling
from executor.models import BlockResult, Execution, Status
from executor.recording.recorder import Accept
from executor.recording.rows import StorableOnce, change_block, end_apart, step_row
from executor.recording.writer import process_writer
from executor.running.attempt import run_setup

# Longer runs are accepted, leased and written like any other run.
MAX_SECONDS = 1.0


class RunCollector:
    """Journal and event sink of one such run: collects everything for the one write."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.steps: list[StepResult] = []
        self.blocks: dict[str, BlockResult] = {}
        self.storable = StorableOnce()

    def recall(self, key: str) -> StepResult | None:
        return None

    def recall_failed(self, key: str) -> StepResult | None:
        return None

    def recorded(self) -> Iterable[StepResult]:
        return ()

    async def intend(self, key: str, tool: str) -> int:
        raise NotImplementedError("A run that only computes calls no tools.")

    def intents(self, key: str) -> int:
        return 0

    def record(self, step: StepResult) -> None:
        self.steps.append(step)

    def emit(self, event: Event) -> None:
        if isinstance(event, BlockChanged):
            change_block(self.blocks, self.execution.pk, event)

    def values(self) -> list[Any]:
        """The values of the run that its rows contain."""
        prompts = [step.prompt for step in self.steps]
        return [prompts, [block.output for block in self.blocks.values()]]

    def rows(self) -> list[models.Model]:
        """Blocks and steps, to be written after their execution."""
        pk, attempt = self.execution.pk, self.execution.attempt
        for block in self.blocks.values():
            block.output = self.storable(block.output)
        steps = (step_row(step, pk, attempt, self.storable) for step in self.steps)
        return [*self.blocks.values(), *steps]


async def run_at_once(accepted: Accepted, graph: CompiledGraph) -> Outcome | None:
    """Execute the run and write it with its end and all rows that belong to it. Also updates the
    instance of the execution.

    None, with nothing written, if it takes longer than MAX_SECONDS. Raises IntegrityError if one of
    the rows exists already; RecorderUnavailable.
    """
    execution = accepted.execution
    execution.started_at = execution.created_at = timezone.now()
    execution.attempt = 1
    collector = RunCollector(execution)
    try:
        async with asyncio.timeout(MAX_SECONDS):
            setup = run_setup(execution, collector, collector.emit)
            outcome = await run_graph(graph, execution.input_data, setup)
    except TimeoutError:
        return None
    fields, stored = await end_apart(outcome, collector.storable)
    fields["completed_at"] = timezone.now()
    states.end_unwritten(execution, Status(outcome.status), **fields)
    own_rows = await compute_on(collector.values(), collector.rows)
    rows = [execution, *own_rows, *accepted.extra_rows]
    await asyncio.wrap_future(process_writer().submit(Accept(rows, execution=execution)))
    pubsub.publish_locally(execution.pk, execution.status)
    if execution.settles:
        send_settling(execution.pk)
    return stored
