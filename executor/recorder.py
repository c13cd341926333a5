"""Turns what a run tells into rows: journal and events of one execution, through the process's
writer.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection, models

from executor import states, wakeups
from executor.engine.context import Outcome
from executor.engine.events import BlockChanged, ErrorInfo, Event
from executor.engine.journal import StepResult
from executor.errors import LeaseLost
from executor.models import BlockResult, Execution, Step
from executor.states import Status
from executor.writer import Write, Writer

# What needs no answer (block states, utility steps) is written at the latest after this many
# seconds.
WRITE_AFTER_SECONDS = 0.2


class Accept(Write[None]):
    """Insert rows that belong together (an execution, its idempotency key) or none of them."""

    rank = 0

    def __init__(self, rows: Sequence[models.Model]) -> None:
        super().__init__()
        self.rows = rows

    @classmethod
    def apply(cls, writes: Sequence[Accept]) -> Sequence[Any]:
        by_model: dict[type[models.Model], list[models.Model]] = {}
        for write in writes:
            for row in write.rows:
                by_model.setdefault(type(row), []).append(row)
        for model, rows in by_model.items():
            model._default_manager.bulk_create(rows)
        return [None] * len(writes)


class Claim(Write[Execution | None]):
    """queued → running for this process."""

    rank = 1

    def __init__(self, pk: uuid.UUID, *, owner: str, lease_seconds: float) -> None:
        super().__init__()
        self.pk = pk
        self.owner = owner
        self.lease_seconds = lease_seconds

    @classmethod
    def apply(cls, writes: Sequence[Claim]) -> Sequence[Any]:
        return [states.claim(w.pk, owner=w.owner, lease_seconds=w.lease_seconds) for w in writes]

    @classmethod
    def committed(cls, writes: Sequence[Claim]) -> None:
        for write in writes:
            wakeups.tell(write.pk, "running")


class Renew(Write[dict[uuid.UUID, bool]]):
    """Prolong leases: id → whether cancelling was asked for; those missing in the answer are
    lost.
    """

    rank = 1

    def __init__(self, attempts: dict[uuid.UUID, int], *, lease_seconds: float) -> None:
        super().__init__()
        self.attempts = attempts
        self.lease_seconds = lease_seconds

    @classmethod
    def apply(cls, writes: Sequence[Renew]) -> Sequence[Any]:
        return [states.renew(w.attempts, lease_seconds=w.lease_seconds) for w in writes]


class Progress(Write[None]):
    """Steps and block states of a run, and its end if it has one; refused when the lease is
    lost.
    """

    rank = 2

    def __init__(
        self,
        pk: uuid.UUID,
        attempt: int,
        steps: Sequence[StepResult],
        blocks: dict[str, BlockResult],
        end: tuple[Status, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt
        self.steps = steps
        self.blocks = blocks
        self.end = end

    @classmethod
    def apply(cls, writes: Sequence[Progress]) -> Sequence[Any]:
        held = _locked_attempts({w.pk for w in writes})
        mine = [w for w in writes if held.get(w.pk) == w.attempt]
        Step.objects.bulk_create(
            [_step_row(step, w) for w in mine for step in w.steps], ignore_conflicts=True
        )
        _write_blocks(mine)
        lost = LeaseLost("Another process took this execution over.")
        return [_end(w) if held.get(w.pk) == w.attempt else lost for w in writes]

    @classmethod
    def committed(cls, writes: Sequence[Progress]) -> None:
        for write in writes:
            wakeups.tell(write.pk, write.end[0].value if write.end else "changed")


class GiveBack(Write[bool]):
    """running → queued at shut-down."""

    rank = 3

    def __init__(self, pk: uuid.UUID, attempt: int) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt

    @classmethod
    def apply(cls, writes: Sequence[GiveBack]) -> Sequence[Any]:
        return [states.give_back(w.pk, attempt=w.attempt) for w in writes]


class RunRecord:
    """Journal and event sink of one attempt at one execution. Belongs to the loop that runs it."""

    def __init__(
        self, execution: Execution, writer: Writer, recorded: dict[str, StepResult]
    ) -> None:
        self.pk = execution.pk
        self.attempt = execution.attempt
        self.writer = writer
        self.recorded = recorded
        self._steps: list[StepResult] = []
        self._blocks: dict[str, BlockResult] = {}
        self._timer: asyncio.TimerHandle | None = None

    def recall(self, key: str) -> StepResult | None:
        return self.recorded.get(key)

    def record(self, step: StepResult) -> Awaitable[None] | None:
        """A model call is durable before anything goes on; a utility block costs nothing to do
        again.
        """
        self._steps.append(step)
        if step.model is None:
            self._write_soon()
            return None
        return asyncio.wrap_future(self._flush())

    def emit(self, event: Event) -> None:
        """Block states become rows; steps come through `record`, text in progress is not kept."""
        if isinstance(event, BlockChanged):
            self._block_changed(event)

    async def end(self, status: Status, **changes: Any) -> None:
        """Write what waits together with the end. Raises LeaseLost if the run is somebody else's
        now.
        """
        await asyncio.wrap_future(self._flush((status, changes)))

    async def end_with(self, outcome: Outcome) -> None:
        await self.end(Status(outcome.status), **_end_fields(outcome))

    def stop(self) -> None:
        """Write nothing more by timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _block_changed(self, event: BlockChanged) -> None:
        at = datetime.fromtimestamp(event.at, UTC)
        row = self._blocks.get(event.block_id)
        if row is None:
            row = BlockResult(execution_id=self.pk, block_id=event.block_id)
            self._blocks[event.block_id] = row
        row.status = event.status
        if event.status == "running":
            row.started_at = at
        else:
            row.completed_at = at
            row.output = storable(event.output)
            row.error = _error_fields(event.error)
        self._write_soon()

    def _write_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_AFTER_SECONDS, self._flush)

    def _flush(self, end: tuple[Status, dict[str, Any]] | None = None) -> Any:
        self.stop()
        # Block rows are copied: the next event changes ours while the writer reads.
        blocks = {key: _copy(row) for key, row in self._blocks.items()}
        write = Progress(self.pk, self.attempt, self._steps, blocks, end)
        self._steps = []
        self._blocks = {key: row for key, row in self._blocks.items() if row.completed_at is None}
        return self.writer.submit(write)


def recorded_steps(execution: Execution) -> dict[str, StepResult]:
    """The journal of an execution; a resumed one also reads the steps of those it goes on from."""
    found: dict[str, StepResult] = {}
    source: Execution | None = execution
    while source is not None:
        for row in source.steps.all():
            found.setdefault(row.key, _step_result(row))
        source = source.resumed_from
    return found


def storable(value: Any) -> Any:
    """A JSON value that every database takes: NUL and lone surrogates become U+FFFD."""
    try:
        if b"\\u0000" not in orjson.dumps(value):
            return value
    except (TypeError, ValueError):
        pass
    return _clean(value)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        text = value.replace("\0", "\ufffd")
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _end(write: Progress) -> Exception | None:
    if write.end is None:
        return None
    status, changes = write.end
    won = states.finish(write.pk, status, attempt=write.attempt, **changes)
    return None if won else LeaseLost("Another process ended this execution.")


def _end_fields(outcome: Outcome) -> dict[str, Any]:
    return {
        "result_data": storable(outcome.result),
        "error": _error_fields(outcome.error),
        "degraded": bool(outcome.degraded),
        "degraded_reasons": storable(list(outcome.degraded)),
        "model_calls": outcome.usage.model_calls,
        "input_tokens": outcome.usage.input_tokens,
        "output_tokens": outcome.usage.output_tokens,
        "cost_usd": outcome.usage.cost_usd,
    }


def _error_fields(error: ErrorInfo | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return _clean(
        {
            "class": error.kind,
            "message": error.message,
            "block_id": error.block_id,
            "step": error.step_key,
        }
    )


def _locked_attempts(pks: set[uuid.UUID]) -> dict[uuid.UUID, int]:
    rows = Execution.objects.filter(pk__in=pks, status=Status.RUNNING).order_by("pk")
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    return dict(rows.values_list("pk", "attempt"))


def _write_blocks(writes: Sequence[Progress]) -> None:
    # One INSERT may name a row once only, so the last state of each block wins.
    rows = {(w.pk, key): row for w in writes for key, row in w.blocks.items()}
    BlockResult.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["execution", "block_id"],
        update_fields=["status", "output", "error", "started_at", "completed_at"],
    )


def _copy(row: BlockResult) -> BlockResult:
    return BlockResult(
        execution_id=row.execution_id,
        block_id=row.block_id,
        status=row.status,
        output=row.output,
        error=row.error,
        started_at=row.started_at,
        completed_at=row.completed_at,
    )


def _step_row(step: StepResult, write: Progress) -> Step:
    return Step(
        execution_id=write.pk,
        key=step.key,
        block_id=step.block_id,
        agent_id=step.agent_id or "",
        round_number=step.round_number,
        purpose=step.purpose,
        model=step.model or "",
        prompt=storable(step.prompt),
        text=storable(step.text or ""),
        output=storable(step.output),
        input_tokens=step.input_tokens,
        output_tokens=step.output_tokens,
        cost_usd=step.cost_usd,
        tries=step.tries,
        attempt=write.attempt,
        started_at=datetime.fromtimestamp(step.started_at, UTC),
        finished_at=datetime.fromtimestamp(step.finished_at, UTC),
    )


def _step_result(row: Step) -> StepResult:
    return StepResult(
        key=row.key,
        block_id=row.block_id,
        agent_id=row.agent_id or None,
        round_number=row.round_number,
        purpose=row.purpose,
        model=row.model or None,
        prompt=row.prompt,
        text=row.text or None,
        output=row.output,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        tries=row.tries,
        started_at=row.started_at.timestamp(),
        finished_at=row.finished_at.timestamp(),
    )
