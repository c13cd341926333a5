"""Converts the engine's events and steps to rows, and rows to steps."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import orjson

from designs.runtime.computing import compute_on
from designs.secrets.masking import is_clean, masked
from executor.engine.budget import rounded_cost
from executor.engine.context import Outcome, Usage
from executor.engine.events import BROKEN_OFF, BlockChanged, ErrorInfo
from executor.engine.journal import FailedTry, StepResult
from executor.engine.runner import CompiledGraph
from executor.history.kept import journal_of, stale_in
from executor.models import BlockResult, BlockStatus, Execution, Step, StepStatus
from executor.models.causes import cause_of

NOTHING_SPENT: dict[str, Any] = {
    "input_tokens": 0,
    "output_tokens": 0,
    "cost_usd": None,
    "tries": 0,
}
# The maximum of the columns. A server that reports more is wrong, but its answer is kept.
MAX_TOKENS = 2**31 - 1
MAX_COST = Decimal("99999999.999999")

Cleaner = Callable[[Any], Any]


def storable(value: Any) -> Any:
    """The JSON value without secrets, and with U+FFFD for NUL and lone surrogates, which not every
    database takes.
    """
    try:
        data = orjson.dumps(value)
        if b"\\u0000" not in data and is_clean(data):
            return value
    except (TypeError, ValueError):
        pass
    return _clean(value)


class StorableOnce:
    """`storable` for one short run, which repeats values: a block's output is also its step's, the
    next block's input, and the result.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # References keep other values from getting the same id.
        self._known: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        if id(value) in self._known:
            return value
        stored = storable(value)
        self._known[id(stored)] = stored
        return stored


def change_block(blocks: dict[str, BlockResult], pk: uuid.UUID, event: BlockChanged) -> None:
    """Update the block's row in `blocks`.

    The output is not storable yet: the writer converts it, off the event loop.
    """
    at = datetime.fromtimestamp(event.at, UTC)
    row = blocks.get(event.block_id)
    if row is None:
        row = blocks[event.block_id] = BlockResult(execution_id=pk, block_id=event.block_id)
    row.status = event.status
    if event.status == "running":
        row.started_at = at
        row.taken = None if event.taken is None else list(event.taken)
    elif event.status != "waiting":
        row.completed_at = at
        row.output, row.by_agent = event.output, event.by_agent
        row.error = _block_error_fields(event.error)


def begun_blocks(graph: CompiledGraph, pk: uuid.UUID, at: datetime) -> list[BlockResult]:
    return [
        BlockResult(
            execution_id=pk, block_id=block_id, status=BlockStatus.RUNNING.value, started_at=at
        )
        for block_id in graph.first
    ]


def recorded_steps(execution: Execution) -> dict[str, StepResult]:
    """The journal of an execution, with completed steps of the executions that it resumes.

    The usage of those is zero here, since the earlier executions paid for it (`spent_before`).
    """
    steps = {row.key: step_result(row) for row in execution.steps.all()}
    is_stale = stale_in(execution)
    for pk, stale in journal_of(execution):
        for row in Step.objects.filter(execution=pk, status=StepStatus.COMPLETED):
            if row.key not in steps and not is_stale(stale, row.block_id, row.key):
                steps[row.key] = replace(step_result(row), **NOTHING_SPENT)
    return steps


def spent_before(execution: Execution) -> Usage:
    """The usage of the executions that this one resumes, failed steps included."""
    calls = tool_calls = input_tokens = output_tokens = 0
    cost: Decimal | None = None
    source = execution.resumed_from
    while source is not None:
        calls += source.model_calls
        tool_calls += source.tool_calls or 0
        input_tokens += source.input_tokens
        output_tokens += source.output_tokens
        if source.cost_usd is not None:
            cost = source.cost_usd + (cost or 0)
        source = source.resumed_from
    return Usage(
        model_calls=calls,
        tool_calls=tool_calls,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_usd=None if cost is None else float(cost),
    )


def root_of(execution: Execution) -> uuid.UUID:
    """The first execution of the chain of resumes. Blocks."""
    source = execution
    while source.resumed_from is not None:
        source = source.resumed_from
    return source.pk


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        text = masked(value).replace("\0", "\ufffd")
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def usage_fields(usage: Usage) -> dict[str, Any]:
    cost = usage.cost_usd
    return {
        "model_calls": usage.model_calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "tool_calls": usage.tool_calls or None,
        "cost_usd": None if cost is None else min(rounded_cost(Decimal(str(cost))), MAX_COST),
    }


def end_of(outcome: Outcome, storable: Cleaner) -> tuple[dict[str, Any], Outcome]:
    """The fields of an end, and the outcome with its values as the database keeps them."""
    error, result = outcome.error, storable(outcome.result)
    fields = {
        "result_data": result,
        "error": _error_fields(error),
        "cause": error and _cause(error),
        "degraded": bool(outcome.degraded),
        "degraded_reasons": storable(list(outcome.degraded)),
        **usage_fields(outcome.usage),
    }
    outputs = {block_id: storable(value) for block_id, value in outcome.block_outputs.items()}
    if error is not None:
        error = replace(error, message=_clean(error.message))
    return fields, replace(outcome, result=result, block_outputs=outputs, error=error)


def _cause(error: ErrorInfo) -> str:
    # Masked before it is cut: a part of a key looks like none.
    return cause_of(error.kind, error.model and masked(error.model), error.block_type)


async def end_apart(outcome: Outcome, storable: Cleaner) -> tuple[dict[str, Any], Outcome]:
    """`end_of` in a thread if the values are large."""
    values = [outcome.result, outcome.block_outputs]
    return await compute_on(values, end_of, outcome, storable)


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


def _block_error_fields(error: ErrorInfo | None) -> dict[str, Any] | None:
    """With the tries, if there were several; their messages are in the step."""
    fields = _error_fields(error)
    if fields is not None and error is not None and len(error.tries) > 1:
        tries = (_failure_fields(failure) for failure in error.tries)
        fields["tries"] = [
            {name: value for name, value in one.items() if name not in ("model", "message")}
            for one in tries
        ]
    return fields


def blocks_before(execution: Execution) -> list[BlockResult] | None:
    """The blocks as they were when the run was let go, without what they delivered; None, and no
    query, if it never was.
    """
    if execution.waited_ms is None:
        return None
    return list(BlockResult.objects.filter(execution=execution).defer("output", "by_agent"))


def is_repeated(event: BlockChanged, before: BlockResult | None) -> bool:
    """Whether the block had ended so before the run was let go, or is on the way there again."""
    if before is None or before.completed_at is None:
        return False
    return event.status in ("running", before.status)


def failures_of(blocks: Iterable[BlockResult]) -> dict[str, ErrorInfo]:
    """By block the failures that stand."""
    failed = (row for row in blocks if row.status == BlockStatus.FAILED)
    return {
        row.block_id: ErrorInfo(error["class"], error["message"], row.block_id, error["step"])
        for row in failed
        if (error := row.error) and error["class"] not in BROKEN_OFF
    }


def _failure_fields(failure: FailedTry) -> dict[str, Any]:
    return {
        "model": failure.model,
        "class": failure.kind,
        "message": _clean(failure.message),
        "at": datetime.fromtimestamp(failure.at, UTC).isoformat(),
        "ms": failure.ms,
        "next_ms": failure.next_ms,
        **({} if failure.status is None else {"status": failure.status}),
    }


def copy_of(row: BlockResult) -> BlockResult:
    return BlockResult(
        execution_id=row.execution_id,
        block_id=row.block_id,
        status=row.status,
        output=row.output,
        error=row.error,
        started_at=row.started_at,
        completed_at=row.completed_at,
        taken=row.taken,
        by_agent=row.by_agent,
        progress=row.progress,
    )


def step_row(step: StepResult, pk: uuid.UUID, attempt: int, storable: Cleaner = storable) -> Step:
    return Step(
        execution_id=pk,
        key=step.key,
        block_id=step.block_id,
        agent_id=step.agent_id or "",
        round_number=step.round_number,
        purpose=step.purpose,
        model=step.model or "",
        prompt=storable(step.prompt),
        text=storable(step.text or ""),
        output=storable(step.output),
        input_tokens=min(step.input_tokens, MAX_TOKENS),
        output_tokens=min(step.output_tokens, MAX_TOKENS),
        cost_usd=None if step.cost_usd is None else min(step.cost_usd, MAX_COST),
        tries=step.tries,
        status=step.status,
        finish_reason=step.finish_reason or "",
        is_estimated=step.is_estimated,
        failures=[_failure_fields(failure) for failure in step.failures],
        tool=step.tool,
        calls=storable(step.calls) if step.calls else None,
        said=_kept(step.said, storable),
        attempt=attempt,
        started_at=datetime.fromtimestamp(step.started_at, UTC),
        finished_at=datetime.fromtimestamp(step.finished_at, UTC),
    )


def _kept(said: Any, storable: Cleaner) -> Any:
    """A provider's own message, if nothing in it had to be masked: with its signatures broken, it
    would be refused.
    """
    return said if said is None or storable(said) == said else None


def step_result(row: Step) -> StepResult:
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
        status=cast(Any, row.status),
        finish_reason=row.finish_reason or None,
        is_estimated=row.is_estimated,
        failures=tuple(
            FailedTry(
                failure["model"],
                failure["class"],
                failure["message"],
                datetime.fromisoformat(failure["at"]).timestamp(),
                failure.get("ms"),
                failure.get("next_ms"),
                failure.get("status"),
            )
            for failure in row.failures
        ),
        tool=row.tool,
        calls=row.calls,
        said=row.said,
    )
