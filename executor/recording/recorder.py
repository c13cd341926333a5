"""Turns what a run tells into rows: journal and events of one execution, through the process's
writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, cast

from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from executor import states
from executor.engine.context import Outcome
from executor.engine.events import BlockChanged, Event
from executor.engine.journal import StepResult, completed, failed
from executor.errors import LeaseLost, RecorderUnavailable
from executor.following import pubsub
from executor.models import BlockResult, Execution, Status, Step, StepStatus
from executor.recording import admission
from executor.recording.inserting import Conflict, Insert, insert_rows
from executor.recording.room import behind_a_line, without_room
from executor.recording.rows import (
    StorableOnce,
    change_block,
    copy_of,
    end_apart,
    step_row,
    storable,
)
from executor.recording.together import Going, write_going
from executor.recording.writer import Write, Writer

# What needs no answer (block states, utility steps) is written within so many seconds.
WRITE_AFTER_SECONDS = 0.2
GIVEN_UP = RecorderUnavailable("A record took so long that it was given up.")
# A step that is there was paid for and counts; a block's row is brought up to date.
KEEP_FIRST = Conflict()
LATEST_STATE = Conflict(
    unique=("execution", "block_id"),
    change=("status", "output", "error", "started_at", "completed_at"),
)
TAKEN_OVER = "Another process took this execution over."


class Accept(Write[None]):
    """Insert an execution and the rows that belong to it (an idempotency key), or none of them.

    With `at_once` it is refused (TooManyAtOnce) when its deployment or its caller has no room for
    one more. One that begins in this process is refused (LineWaits) while runs of the same caller
    and deployment wait in line: those come first, whichever process queued them.
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
        for write in writes:
            if not write.needs_room:
                continue
            if write.execution.max_concurrent is not None:
                yield admission.deployment_lock(write.deployment_id)
            if write.execution.caller_max_concurrent is not None:
                yield admission.caller_lock(write.caller_key)

    @classmethod
    def apply(cls, writes: Sequence[Accept]) -> Sequence[Any]:
        new = [write for write in writes if not (write.again and write.is_there())]
        refused: dict[uuid.UUID, Exception] = behind_a_line(
            [write.execution for write in new if write.begins_here]
        )
        refused |= without_room(
            [w.execution for w in new if w.needs_room and w.execution.pk not in refused]
        )
        insert_rows(_inserts(write for write in new if write.execution.pk not in refused))
        return [refused.get(write.execution.pk) for write in writes]

    @property
    def deployment_id(self) -> uuid.UUID:
        """For one with a limit of its deployment."""
        return cast(uuid.UUID, self.execution.deployment_id)

    @property
    def caller_key(self) -> str:
        return cast(str, self.execution.caller_key)

    @property
    def begins_here(self) -> bool:
        return self.execution.status == Status.RUNNING

    @classmethod
    def is_one_statement(cls, writes: Sequence[Accept]) -> bool:
        # The look for a line before it reads only.
        return not any(write.again or write.needs_room for write in writes)

    def is_there(self) -> bool:
        """Whether the try that broke off was committed."""
        return Execution.objects.filter(pk=self.execution.pk).exists()


class Renew(Write[dict[tuple[uuid.UUID, int], bool]]):
    """Prolong leases: attempt → whether cancelling was asked for; those missing in the answer are
    lost.
    """

    rank = 1

    def __init__(self, attempts: Sequence[tuple[uuid.UUID, int]], *, lease_seconds: float) -> None:
        super().__init__()
        self.attempts = attempts
        self.lease_seconds = lease_seconds

    @classmethod
    def apply(cls, writes: Sequence[Renew]) -> Sequence[Any]:
        return [states.renew(w.attempts, lease_seconds=w.lease_seconds) for w in writes]


class Progress(Write[None]):
    """Steps and block states of a run, and its end if it has one; refused when the lease is
    lost. `replaced` are the keys of steps that may be there as failed.
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
    ) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt
        self.steps = steps
        self.replaced = replaced
        self.blocks = blocks
        self.end = end
        self.point = "finish" if end else "step" if steps else "block"

    @property
    def is_plain(self) -> bool:
        """Whether it can be written together with those of other runs."""
        return not (self.again or self.replaced) and (self.end is None or _is_usual(*self.end))

    @classmethod
    def is_one_statement(cls, writes: Sequence[Progress]) -> bool:
        return all(write.is_plain for write in writes)

    @classmethod
    def apply(cls, writes: Sequence[Progress]) -> Sequence[Any]:
        held = None if not cls.is_one_statement(writes) else _write_together(writes)
        if held is not None:
            lost = LeaseLost(TAKEN_OVER)
            return [None if write.pk in held else lost for write in writes]
        # A savepoint would be two more statements.
        with transaction.atomic(savepoint=False):
            return cls._apply_by_orm(writes)

    @classmethod
    def _apply_by_orm(cls, writes: Sequence[Progress]) -> Sequence[Any]:
        held = _locked_attempts({w.pk for w in writes})
        mine = [w for w in writes if held.get(w.pk) == w.attempt]
        # A failed step's next row takes its place, with a number that listeners have not seen.
        for write in mine:
            if write.replaced:
                failed = Step.objects.filter(execution=write.pk, key__in=write.replaced)
                failed.filter(status=StepStatus.FAILED).delete()
        insert_rows(_rows(mine))
        ended = _ended([w for w in mine if w.end is not None])
        return [_result(w, ended) if held.get(w.pk) == w.attempt else _refusal(w) for w in writes]

    @classmethod
    def committed(cls, writes: Sequence[Progress]) -> None:
        for write in writes:
            pubsub.publish_change(write.pk, write.end[0].value if write.end else "changed")


class GiveBack(Write[Status | None]):
    """running → queued at shut-down, or → cancelled if that was asked for."""

    rank = 3

    def __init__(self, pk: uuid.UUID, attempt: int) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt

    @classmethod
    def apply(cls, writes: Sequence[GiveBack]) -> Sequence[Any]:
        return [states.give_back(w.pk, attempt=w.attempt) for w in writes]

    @classmethod
    def committed(cls, writes: Sequence[GiveBack]) -> None:
        for write in writes:
            status = write.done.result()
            if status is not None:
                pubsub.publish_change(write.pk, status)


class RunRecord:
    """Journal and event sink of one attempt at one execution. Belongs to the loop that runs it."""

    def __init__(self, execution: Execution, writer: Writer) -> None:
        self.execution = execution
        self.pk = execution.pk
        self.attempt = execution.attempt
        self.writer = writer
        self._known: dict[str, StepResult] = {}
        self._replaced: set[str] = set()
        self._steps: list[StepResult] = []
        # What is to be written, and those of it that were written as running.
        self._blocks: dict[str, BlockResult] = {}
        self._open = {row.block_id: row for row in execution.begun_blocks}
        self._timer: asyncio.TimerHandle | None = None
        self.unwritten: BaseException | None = None

    def recall(self, key: str) -> StepResult | None:
        return completed(self._known.get(key))

    def recall_failed(self, key: str) -> StepResult | None:
        return failed(self._known.get(key))

    def recorded(self) -> Iterable[StepResult]:
        return self._known.values()

    def remember(self, steps: dict[str, StepResult]) -> None:
        """The steps of earlier attempts, and of the executions that this one goes on from."""
        self._known = steps

    def record(self, step: StepResult) -> Awaitable[None] | None:
        """A model call is durable before anything goes on; a utility block costs nothing to do
        again.
        """
        self._steps.append(step)
        if self.recall_failed(step.key) is not None:
            self._replaced.add(step.key)
        if step.status == "failed":
            self._known[step.key] = step
        if step.model is None:
            self._write_soon()
            return None
        return asyncio.wrap_future(self._flush())

    def emit(self, event: Event) -> None:
        """Block states become rows; steps come through `record`, text in progress is not kept."""
        if not isinstance(event, BlockChanged):
            return
        row = self._open.get(event.block_id)
        if row is not None and event.status == row.status:
            # As it was accepted.
            return
        if row is not None:
            self._blocks[event.block_id] = self._open.pop(event.block_id)
        change_block(self._blocks, self.pk, event)
        self._write_soon()

    async def end(self, status: Status, **changes: Any) -> None:
        """Write what waits together with the end. Raises LeaseLost if the run is somebody else's
        now.
        """
        await asyncio.wrap_future(self._flush((status, changes)))

    async def end_with(self, outcome: Outcome) -> Outcome:
        """Write how the run ended; returns it with its values as the database keeps them.

        The execution that the run was begun with says it, too, as its row does now.
        """
        execution, status = self.execution, Status(outcome.status)
        fields, stored = await end_apart(outcome, StorableOnce())
        if execution.begun_here:
            # Its start is of this process's clock.
            fields["completed_at"] = timezone.now()
        await self.end(status, **fields)
        states.end_unwritten(execution, status, **fields)
        return stored

    def stop(self) -> None:
        """Write nothing more by timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_AFTER_SECONDS, self._in_time)

    def _in_time(self) -> None:
        # Nobody waits for this write: `unwritten` says that it could not be made.
        with contextlib.suppress(RecorderUnavailable):
            self._flush()

    def _flush(self, end: tuple[Status, dict[str, Any]] | None = None) -> Any:
        self.stop()
        blocks = self._blocks
        replaced = frozenset(self._replaced)
        write = Progress(self.pk, self.attempt, self._steps, blocks, end, replaced)
        try:
            written = self.writer.submit(write)
        except RecorderUnavailable as error:
            # What waits is kept; the run is given back, for it cannot be recorded here.
            self.unwritten = self.unwritten or error
            raise
        self._steps, self._replaced, self._blocks = [], set(), {}
        # Copied: the next event changes ours while the writer reads.
        running = {key: copy_of(row) for key, row in blocks.items() if row.completed_at is None}
        self._open.update(running)
        written.add_done_callback(self._note)
        return written

    def _note(self, written: Future[None]) -> None:
        """Remember that the record has a gap, also when nobody waits for this write."""
        gap = GIVEN_UP if written.cancelled() else written.exception()
        self.unwritten = self.unwritten or gap


def _write_together(writes: Sequence[Progress]) -> set[uuid.UUID] | None:
    """The runs whose attempt was running; None, with nothing written, where the ORM has to."""
    attempts = {write.pk: write.attempt for write in writes}
    ends = {w.pk: {"completed_at": Now(), **w.end[1]} for w in writes if w.end}
    if any(attempts[write.pk] != write.attempt for write in writes):
        # An attempt that was lost beside the next one.
        return None
    return write_going(Going(attempts, _rows(writes), ends))


def _is_usual(status: Status, changes: dict[str, Any]) -> bool:
    """Whether it is the end that the engine writes of a run in which all went well."""
    return status is Status.COMPLETED and changes.keys() - {"completed_at"} == states.TOLD


def _inserts(writes: Iterable[Accept]) -> list[Insert]:
    by_model: dict[type[models.Model], list[models.Model]] = {}
    for write in writes:
        for row in write.rows:
            by_model.setdefault(type(row), []).append(row)
    return [Insert(model, rows) for model, rows in by_model.items()]


def _rows(writes: Iterable[Progress]) -> list[Insert]:
    steps = {(w.pk, s.key): step_row(s, w.pk, w.attempt) for w in writes for s in w.steps}
    # One INSERT may name a row once only, so the last state of each block wins.
    blocks = {(w.pk, key): row for w in writes for key, row in w.blocks.items()}
    for row in blocks.values():
        row.output = storable(row.output)
    return [
        Insert(Step, list(steps.values()), KEEP_FIRST),
        Insert(BlockResult, list(blocks.values()), LATEST_STATE),
    ]


def _refusal(write: Progress) -> Exception | None:
    """What to say of a write whose attempt runs no more: nothing if its first try ended the run."""
    if write.again and write.end is not None:
        status = write.end[0]
        ours = Execution.objects.filter(pk=write.pk, attempt=write.attempt, status=status)
        if ours.exists():
            return None
    return LeaseLost(TAKEN_OVER)


def _ended(writes: Sequence[Progress]) -> set[Progress]:
    """End their runs; those that did. Of two ends of one run the first one counts."""
    first: dict[uuid.UUID, tuple[Progress, states.End]] = {}
    for write in writes:
        if write.end is not None and write.pk not in first:
            status, changes = write.end
            first[write.pk] = write, states.End(write.pk, status, write.attempt, changes)
    won = states.finish_all([end for _, end in first.values()])
    return {write for pk, (write, _) in first.items() if pk in won}


def _result(write: Progress, ended: set[Progress]) -> Exception | None:
    if write.end is None or write in ended:
        return None
    return LeaseLost("Another process ended this execution.")


def _locked_attempts(pks: set[uuid.UUID]) -> dict[uuid.UUID, int]:
    rows = Execution.objects.filter(pk__in=pks, status=Status.RUNNING).order_by("pk")
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    return dict(rows.values_list("pk", "attempt"))
