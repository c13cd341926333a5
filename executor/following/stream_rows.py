"""The events of a run's stream that its rows yield, and each listener's position in the stream."""

from __future__ import annotations

import functools
import operator
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.db.models import Q

from designs.graph.nesting import root_block
from designs.runtime.gathering import BatchedReads
from designs.runtime.loops import PerLoop
from designs.runtime.threads import in_thread
from executor.models import (
    TERMINAL,
    BlockResult,
    BlockStatus,
    DecisionRequest,
    Execution,
    Step,
)

# Runs whose rows are read together, and the maximum of such reads at once, so that the read of a
# large run does not block all others.
MAX_TOGETHER = 20
READINGS_AT_ONCE = 3
# Pause after a read when others wait: requests that come meanwhile join the next read.
PAUSE_SECONDS = 0.02

UNSENT = "-"
GOING_ON = frozenset({BlockStatus.PENDING, BlockStatus.RUNNING, BlockStatus.WAITING})
LETTERS = {status.value: status.value[0] for status in BlockStatus}
_POSITION = re.compile(r"([a-z]*)\.(\d{1,18})\.([a-z-]*)(?:\.([a-z]*))?")
BLOCK_FIELDS = (
    "block_id", "status", "taken", "output", "error", "progress", "started_at", "completed_at",
)  # fmt: skip
STEP_FIELDS = (
    "key", "block_id", "agent_id", "round_number", "purpose", "model", "status", "text", "output",
    "finish_reason", "input_tokens", "output_tokens", "is_estimated", "cost_usd", "tries",
    "failures", "duration_ms",
)  # fmt: skip


@dataclass(frozen=True)
class StreamEvent:
    """One event. A listener sends `position` to continue after it; None for text in progress."""

    name: str
    data: dict[str, Any]
    position: str | None = None
    # Encoded once for all listeners, by whether payloads are shown.
    encoded: dict[bool, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class StreamPosition:
    """What a listener has: the first letter of the status, the last step's id, and the first letter
    of each block's status; of a run that asks people, also of each request's status.
    """

    letter: str = ""
    step: int = 0
    blocks: list[str] = field(default_factory=list)
    requests: str = ""

    def __str__(self) -> str:
        requests = self.requests and f".{self.requests}"
        return f"{self.letter}.{self.step}.{''.join(self.blocks)}{requests}"


def parse_position(text: str) -> StreamPosition:
    """From a listener's Last-Event-ID; the beginning if the text is not one of ours."""
    match = _POSITION.fullmatch(text)
    if match is None:
        return StreamPosition()
    blocks = list(match.group(3))
    return StreamPosition(match.group(1), int(match.group(2)), blocks, match.group(4) or "")


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """One read of the rows. `blocks`: all in order, as (id, status); `changed` by id."""

    execution: Execution
    blocks: list[tuple[int, str]]
    changed: dict[int, BlockResult]
    steps: list[Step]
    # All in order, of a run that has ever waited.
    requests: Sequence[DecisionRequest] = ()

    @property
    def status(self) -> str:
        return self.execution.status

    def continues(self, message: Mapping[str, Any]) -> bool:
        """Whether the step of this call or text was still under way when the rows were read."""
        key, block_id = message.get("key"), root_block(message["block_id"])
        if self.status in TERMINAL or any(step.key == key for step in self.steps):
            return False
        return all(
            row.block_id != block_id or row.status == BlockStatus.RUNNING
            for row in self.changed.values()
        )

    def opening_events(self, position: StreamPosition) -> list[StreamEvent]:
        """The status, except that a listener who already saw the run gets its final status last."""
        is_end = self.status in TERMINAL and position.letter
        return [] if is_end else list(self._status_events(position))

    def events(self, position: StreamPosition) -> Iterator[StreamEvent]:
        """The events after the position, in the order in which they happened. Advances the
        position.
        """
        yield from self._block_events(position, ended=False)
        for step in self.steps:
            position.step = step.pk
            data = {name: getattr(step, name) for name in STEP_FIELDS}
            data |= {"agent_id": step.agent_id or None, "model": step.model or None}
            if step.tool is not None:
                yield _tool_event(step)
                data |= {"tool": step.tool, "is_error": step.is_tool_error}
            yield StreamEvent("step", data, str(position))
        yield from self._block_events(position, ended=True)
        yield from self._request_events(position)
        yield from self._status_events(position)

    def _status_events(self, position: StreamPosition) -> Iterator[StreamEvent]:
        if position.letter != self.status[:1]:
            position.letter = self.status[:1]
            data = {
                "execution_id": self.execution.public_id,
                "log_id": self.execution.pk,
                "status": self.status,
                "attempt": self.execution.attempt,
            }
            yield StreamEvent("execution", data, str(position))

    def _request_events(self, position: StreamPosition) -> Iterator[StreamEvent]:
        """One when it is opened, and one when it is closed."""
        for number, row in enumerate(self.requests):
            known, letter = position.requests, row.status[:1]
            if known[number : number + 1] != letter:
                position.requests = known[:number] + letter + known[number + 1 :]
                yield StreamEvent("request", request_data(row), str(position))

    def _block_events(self, position: StreamPosition, *, ended: bool) -> Iterator[StreamEvent]:
        for number, (pk, status) in enumerate(self.blocks):
            if pk not in self.changed or (status not in GOING_ON) != ended:
                continue
            padding = number + 1 - len(position.blocks)
            position.blocks += [UNSENT] * padding
            position.blocks[number] = LETTERS[status]
            data = {name: getattr(self.changed[pk], name) for name in BLOCK_FIELDS}
            yield StreamEvent("block", data, str(position))


def _tool_event(step: Step) -> StreamEvent:
    data = {
        "step": step.key,
        "block_id": step.block_id,
        "agent_id": step.agent_id or None,
        "tool": step.tool,
        "status": "finished",
        "at": step.finished_at,
        "is_error": step.is_tool_error,
        "duration_ms": step.duration_ms,
    }
    return StreamEvent("tool", data)


def request_data(row: DecisionRequest) -> dict[str, Any]:
    return {
        "request_id": row.pk,
        "kind": row.kind,
        "status": row.status,
        "block_id": row.block_id,
        "agent_id": row.agent_id or None,
        "group": row.group or None,
        "question": row.question,
        "due_at": row.due_at,
        "decision": row.decision or None,
    }


def changed_blocks(blocks: Sequence[tuple[int, str]], letters: Sequence[str]) -> list[int]:
    known = dict(enumerate(letters))
    return [pk for n, (pk, status) in enumerate(blocks) if known.get(n) != LETTERS[status]]


# --- Reading --------------------------------------------------------------------------------------


async def read_run(pk: uuid.UUID, position: StreamPosition) -> RunSnapshot | None:
    """The rows of the run that the position lacks; None if the run does not exist."""
    return await _readings.get().ask(RunQuery(pk, position.step, "".join(position.blocks)))


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Asks for a run's steps after this one, and the blocks whose letter differs."""

    pk: uuid.UUID
    step: int = 0
    blocks: str = ""


def read_runs(queries: Sequence[RunQuery]) -> dict[RunQuery, RunSnapshot | None]:
    """The rows of all these runs, by the same few queries for any number of them."""
    # The executions first: once one has ended, the rows read after it are complete.
    rows = Execution.objects.defer(
        "document", "input_data", "given_outputs", "edited", "result_data"
    )
    executions = rows.in_bulk([query.pk for query in queries])
    snapshots: dict[RunQuery, RunSnapshot | None] = dict.fromkeys(queries)
    if not executions:
        return snapshots
    present = [query for query in queries if query.pk in executions]
    blocks: dict[uuid.UUID, list[tuple[int, str]]] = {pk: [] for pk in executions}
    block_rows = BlockResult.objects.filter(execution__in=executions).order_by("pk")
    for execution_id, pk, status in block_rows.values_list("execution_id", "pk", "status"):
        blocks[execution_id].append((pk, status))
    changed = {query: changed_blocks(blocks[query.pk], query.blocks) for query in present}
    changed_rows = BlockResult.objects.defer("by_agent").in_bulk(
        {pk for pks in changed.values() for pk in pks}
    )
    after = (Q(execution=query.pk, pk__gt=query.step) for query in present)
    step_rows = Step.objects.filter(functools.reduce(operator.or_, after))
    step_rows = step_rows.defer("prompt", "calls", "said")
    steps: dict[uuid.UUID, list[Step]] = {pk: [] for pk in executions}
    for step in step_rows.order_by("pk"):
        steps[step.execution_id].append(step)
    requests = _requests_of(executions.values())
    for query in present:
        snapshots[query] = RunSnapshot(
            requests=requests.get(query.pk, ()),
            execution=executions[query.pk],
            blocks=blocks[query.pk],
            changed={pk: changed_rows[pk] for pk in changed[query] if pk in changed_rows},
            steps=[step for step in steps[query.pk] if step.pk > query.step],
        )
    return snapshots


def _requests_of(executions: Iterable[Execution]) -> dict[uuid.UUID, list[DecisionRequest]]:
    """Of the runs that have ever waited; without any, nothing is read."""
    waited = [run.pk for run in executions if run.waiting_since or run.waited_ms is not None]
    found: dict[uuid.UUID, list[DecisionRequest]] = {}
    if waited:
        rows = DecisionRequest.objects.filter(execution__in=waited).defer("shown", "form")
        for row in rows.order_by("pk"):
            found.setdefault(cast(uuid.UUID, row.execution_id), []).append(row)
    return found


_readings: PerLoop[BatchedReads[RunQuery, RunSnapshot | None]] = PerLoop(
    functools.partial(
        BatchedReads,
        lambda queries: in_thread(read_runs, queries),
        max_keys=MAX_TOGETHER,
        max_readers=READINGS_AT_ONCE,
        pause=PAUSE_SECONDS,
    ),
    BatchedReads.close,
)
