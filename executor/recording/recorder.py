"""Writes the journal and the events of an execution as rows, through the process's writer."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar, cast

from django.db import connection, models, transaction
from django.utils import timezone

from designs.rows.writing import Conflict, Insert, insert_rows, inserts_of
from executor import states
from executor.engine.context import Outcome
from executor.engine.events import BlockChanged, BlockProgress, Event
from executor.engine.journal import StepResult, completed, failed
from executor.errors import LeaseLost, RecorderUnavailable
from executor.following import pubsub
from executor.models import BlockResult, DecisionRequest, Execution, Status, Step, StepStatus
from executor.recording import admission
from executor.recording.intents import Intend
from executor.recording.room import behind_a_line, without_room
from executor.recording.rows import (
    StorableOnce,
    change_block,
    copy_of,
    end_apart,
    is_repeated,
    step_row,
    storable,
)
from executor.recording.together import write_together
from executor.recording.writer import Write, Writer

T = TypeVar("T")

# Maximum delay of records that nothing waits for (block states, utility steps).
WRITE_AFTER_SECONDS = 0.2
GIVEN_UP = RecorderUnavailable("Writing a record took so long that it was given up.")
# A step that exists was paid for and counts; a block's row is updated.
KEEP_FIRST = Conflict()
LATEST_STATE = Conflict(
    unique=("execution", "block_id"),
    change=(
        "status",
        "output",
        "error",
        "started_at",
        "completed_at",
        "taken",
        "by_agent",
        "progress",
    ),  # fmt: skip
)
TAKEN_OVER = "Another process took this execution over."


class Accept(Write[None]):
    """Insert an execution and the rows that belong to it (an idempotency key), or none of them.

    With `at_once` it is refused (TooManyAtOnce) if its deployment or its caller has no room for
    one more. A run that begins in this process is refused (LineWaits) while runs of the same caller
    and deployment are queued, by whatever process: those come first.
    """

    rank = 0
    point = "accept"

    def __init__(
        self, rows: Sequence[models.Model], *, execution: Execution, at_once: bool = False
    ) -> None:
        super().__init__()
        self.rows = rows
        self.execution = execution
        limits = (execution.max_concurrent, execution.caller_max_concurrent)
        self.needs_room = at_once and limits != (None, None)

    @classmethod
    def locks(cls, writes: Sequence[Accept]) -> Iterable[admission.Lock]:
        for execution in (write.execution for write in writes if write.needs_room):
            if execution.max_concurrent is not None:
                yield admission.deployment_lock(cast(uuid.UUID, execution.deployment_id))
            if execution.caller_max_concurrent is not None:
                yield admission.caller_lock(cast(str, execution.caller_key))

    @classmethod
    def apply(cls, writes: Sequence[Accept]) -> Sequence[Any]:
        new = [write for write in writes if not (write.again and write.is_there())]
        refused: dict[uuid.UUID, Exception] = behind_a_line(
            [w.execution for w in new if w.execution.status == Status.RUNNING]
        )
        refused |= without_room(
            [w.execution for w in new if w.needs_room and w.execution.pk not in refused]
        )
        accepted = (write for write in new if write.execution.pk not in refused)
        insert_rows(inserts_of(row for write in accepted for row in write.rows))
        return [refused.get(write.execution.pk) for write in writes]

    @classmethod
    def is_one_statement(cls, writes: Sequence[Accept]) -> bool:
        # The check for a line before it only reads.
        return not any(write.again or write.needs_room for write in writes)

    def is_there(self) -> bool:
        """True if the try that broke off was committed after all."""
        return Execution.objects.filter(pk=self.execution.pk).exists()


class Progress(Write[None]):
    """Steps and block states of a run, and its end if it has one; refused if the lease is lost.
    `replaced` are the keys of steps that may exist as failed.
    """

    rank = 2

    def __init__(
        self,
        pk: uuid.UUID,
        attempt: int,
        steps: Sequence[StepResult],
        blocks: dict[str, BlockResult],
        end: tuple[Status, dict[str, Any]] | None = None,
        replaced: frozenset[str] = frozenset(),
        *,
        withdraws: bool = False,
    ) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt
        self.steps = steps
        self.replaced = replaced
        self.blocks = blocks
        # With its end, requests to people that are still open are over, too.
        self.withdraws = withdraws
        self.end = states.End(pk, end[0], attempt, end[1]) if end else None
        self.point = "finish" if end else "step" if steps else "block"

    @property
    def is_plain(self) -> bool:
        """True if it can be written in one statement with those of other runs."""
        if self.again or self.replaced or self.withdraws:
            return False
        end = self.end
        return end is None or (end.status is Status.COMPLETED and end.has_outcome)

    @classmethod
    def is_one_statement(cls, writes: Sequence[Progress]) -> bool:
        return all(write.is_plain for write in writes)

    @classmethod
    def apply(cls, writes: Sequence[Progress]) -> Sequence[Any]:
        attempts = {write.pk: write.attempt for write in writes}
        held = None
        # Not for a lost attempt together with the next one of the same run.
        if cls.is_one_statement(writes) and all(attempts[w.pk] == w.attempt for w in writes):
            ends = {write.pk: write.end for write in writes if write.end}
            held = write_together(attempts, inserts_of_progress(writes), list(ends.values()))
        if held is not None:
            return [None if write.pk in held else LeaseLost(TAKEN_OVER) for write in writes]
        # A savepoint would be two more statements.
        with transaction.atomic(savepoint=False):
            return cls._apply_by_orm(writes)

    @classmethod
    def _apply_by_orm(cls, writes: Sequence[Progress]) -> Sequence[Any]:
        rows = Execution.objects.filter(pk__in={w.pk for w in writes}, status=Status.RUNNING)
        if connection.features.has_select_for_update:
            rows = rows.select_for_update()
        held = dict(rows.order_by("pk").values_list("pk", "attempt"))
        mine = [write for write in writes if held.get(write.pk) == write.attempt]
        for write in mine:
            make_way(write.pk, write.replaced)
        insert_rows(inserts_of_progress(mine))
        refused = _end_runs(mine)
        ended = [w.pk for w in mine if w.withdraws and w not in refused]
        if ended:
            DecisionRequest.objects.filter(execution__in=ended).withdraw()
        for write in writes:
            if held.get(write.pk) != write.attempt:
                refused[write] = None if write.has_ended_run() else LeaseLost(TAKEN_OVER)
        return [refused.get(write) for write in writes]

    def has_ended_run(self) -> bool:
        """True if the try that broke off was committed after all."""
        if not self.again or self.end is None:
            return False
        ours = Execution.objects.filter(pk=self.pk, attempt=self.attempt, status=self.end.status)
        return ours.exists()

    @classmethod
    def committed(cls, writes: Sequence[Progress], answers: Sequence[Any]) -> None:
        for write in writes:
            pubsub.publish_change(write.pk, write.end.status.value if write.end else "changed")


class RunRecord:
    """Journal and event sink of one attempt at one execution. Belongs to the loop that runs it."""

    def __init__(self, execution: Execution, writer: Writer) -> None:
        self.execution = execution
        self.pk = execution.pk
        self.attempt = execution.attempt
        self.writer = writer
        self._known: dict[str, StepResult] = {}
        self._intents: Counter[str] = Counter()
        self._replaced: set[str] = set()
        self._steps: list[StepResult] = []
        # Those to write, and copies of those that were written as running.
        self._blocks: dict[str, BlockResult] = {}
        self._open = {row.block_id: row for row in execution.begun_blocks}
        self._before: dict[str, BlockResult] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.unwritten: BaseException | None = None

    def recall(self, key: str) -> StepResult | None:
        return completed(self._known.get(key))

    def recall_failed(self, key: str) -> StepResult | None:
        return failed(self._known.get(key))

    def recorded(self) -> Iterable[StepResult]:
        return self._known.values()

    def remember(self, steps: dict[str, StepResult], intents: Counter[str]) -> None:
        """Set what earlier attempts recorded, and the executions that this one resumes."""
        self._known, self._intents = steps, intents

    def goes_on_from(self, blocks: Iterable[BlockResult]) -> None:
        """Set what became of the blocks before the run was let go: that is not written anew."""
        self._before = {row.block_id: row for row in blocks}

    async def intend(self, key: str, tool: str) -> int:
        """Durable once it returns. Raises LeaseLost, RecorderUnavailable."""
        number = self._intents[key] + 1
        write = Intend(self.pk, self.attempt, key, number, tool)
        try:
            await asyncio.wrap_future(self.writer.submit(write))
        except Exception as error:
            self.unwritten = self.unwritten or error
            raise
        self._intents[key] = number
        return number

    def intents(self, key: str) -> int:
        return self._intents[key]

    def record(self, step: StepResult) -> Awaitable[None] | None:
        """A call of a model or tool is durable before the run continues; a utility block is free to
        repeat.
        """
        self._steps.append(step)
        if self.recall_failed(step.key) is not None:
            self._replaced.add(step.key)
        if step.status == "failed":
            self._known[step.key] = step
        if not step.is_call:
            self._write_soon()
            return None
        return asyncio.wrap_future(self._flush())

    def emit(self, event: Event) -> None:
        """Block states become rows; steps come through `record`, text in progress is not kept."""
        if isinstance(event, BlockProgress):
            self._tell(event)
        if not isinstance(event, BlockChanged):
            return
        before = self._before.get(event.block_id)
        if is_repeated(event, before):
            return
        row = self._open.get(event.block_id)
        if row is not None and event.status == row.status:
            # Written when the run was accepted.
            return
        if row is not None:
            self._blocks[event.block_id] = self._open.pop(event.block_id)
        change_block(self._blocks, self.pk, event)
        if before is not None:
            self._blocks[event.block_id].started_at = before.started_at
        self._write_soon()

    def _tell(self, event: BlockProgress) -> None:
        row = self._blocks.get(event.block_id)
        if row is None and event.block_id in self._open:
            row = self._blocks[event.block_id] = self._open.pop(event.block_id)
        if row is not None:
            counts = (event.done, event.failed, event.total)
            row.progress = dict(zip(("done", "failed", "total"), counts, strict=True))
            self._write_soon()

    async def end(self, status: Status, **changes: Any) -> None:
        """Write all pending records together with the end. Raises LeaseLost if another process has
        the run.
        """
        await asyncio.wrap_future(self._flush((status, changes)))

    async def end_with(self, outcome: Outcome) -> Outcome:
        """Write the end of the run; returns the outcome with its values as the database keeps them.

        Also updates the instance that the run was started with.
        """
        execution, status = self.execution, Status(outcome.status)
        fields, stored = await end_apart(outcome, StorableOnce())
        if execution.begun_here:
            # Its start is by this process's clock, too.
            fields["completed_at"] = timezone.now()
        await self.end(status, **fields)
        states.end_unwritten(execution, status, **fields)
        return stored

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(
                WRITE_AFTER_SECONDS, self._flush_later
            )

    def _flush_later(self) -> None:
        # Nothing waits for this write: `unwritten` has the error.
        with contextlib.suppress(RecorderUnavailable):
            self._flush()

    def _flush(self, end: tuple[Status, dict[str, Any]] | None = None) -> Any:
        withdraws = end is not None and self.execution.waited_ms is not None
        return self.flush_as(functools.partial(Progress, end=end, withdraws=withdraws))

    def flush_as(self, make: Callable[..., Write[T]]) -> Future[T]:
        """Write all pending records: `make` gets id, attempt, steps, blocks, and `replaced`, the
        keys of steps that may exist as failed. Raises RecorderUnavailable.
        """
        self.stop()
        blocks = self._blocks
        replaced = frozenset(self._replaced)
        write = make(self.pk, self.attempt, self._steps, blocks, replaced=replaced)
        try:
            written = self.writer.submit(write)
        except RecorderUnavailable as error:
            # The records are kept; the run is given back, since it cannot be recorded here.
            self.unwritten = self.unwritten or error
            raise
        self._steps, self._replaced, self._blocks = [], set(), {}
        # Copies, since the next event changes them while the writer reads.
        running = {key: copy_of(row) for key, row in blocks.items() if row.completed_at is None}
        self._open.update(running)
        written.add_done_callback(self._note)
        return written

    def _note(self, written: Future[Any]) -> None:
        """Remember a failed write even if nothing waits for it."""
        gap = GIVEN_UP if written.cancelled() else written.exception()
        self.unwritten = self.unwritten or gap


class HasProgress(Protocol):
    pk: uuid.UUID
    attempt: int
    steps: Sequence[StepResult]
    blocks: dict[str, BlockResult]


def make_way(pk: uuid.UUID, replaced: frozenset[str]) -> None:
    """Remove failed steps: a new row gets a new id, so that listeners see it as a new step."""
    if replaced:
        failed = Step.objects.filter(execution=pk, key__in=replaced)
        failed.filter(status=StepStatus.FAILED).delete()


def inserts_of_progress(writes: Iterable[HasProgress]) -> list[Insert]:
    steps = {(w.pk, s.key): step_row(s, w.pk, w.attempt) for w in writes for s in w.steps}
    # One INSERT may contain a row only once, so the last state of each block wins.
    blocks = {(w.pk, key): row for w in writes for key, row in w.blocks.items()}
    for row in blocks.values():
        row.output, row.by_agent = storable(row.output), storable(row.by_agent)
    return [
        Insert(Step, list(steps.values()), KEEP_FIRST),
        Insert(BlockResult, list(blocks.values()), LATEST_STATE),
    ]


def _end_runs(writes: Sequence[Progress]) -> dict[Progress, Exception | None]:
    """Write the ends; the error for each end that lost. Of two ends of one run the first counts."""
    first: dict[uuid.UUID, Progress] = {}
    for write in writes:
        if write.end is not None:
            first.setdefault(write.pk, write)
    won = states.finish_all([write.end for write in first.values() if write.end is not None])
    lost = (w for w in writes if w.end and not (w.pk in won and first[w.pk] is w))
    return {write: LeaseLost("Another process ended this execution.") for write in lost}
