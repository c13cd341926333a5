"""The answer to a caller about the end of an execution, from the run itself or from its rows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError

from designs.runtime.threads import in_thread
from executor.following import pubsub
from executor.models import TERMINAL, BlockStatus, Execution, Status

logger = logging.getLogger(__name__)

# Messages may be lost with the broker, so the row is read again after this time.
LOOK_AGAIN_SECONDS = 5.0
# Messages after which nothing more is to be waited for.
ENDS = TERMINAL | {Status.WAITING, "shutdown"}


@dataclass(frozen=True)
class Answer:
    """The end of an execution. `results` has by block id the outputs that were handed on, default
    values included.
    """

    execution_id: uuid.UUID
    status: str
    degraded: bool
    degraded_reasons: list[str]
    result: Any
    results: dict[str, Any]
    usage: dict[str, Any]
    duration_ms: int | None
    error: dict[str, Any] | None = field(default=None)


def answer_of(execution: Execution, results: dict[str, Any]) -> Answer:
    return Answer(
        execution_id=execution.pk,
        status=execution.status,
        degraded=execution.degraded,
        degraded_reasons=execution.degraded_reasons,
        result=execution.result_data,
        results=results,
        usage=usage_of(execution),
        duration_ms=execution.duration_ms,
        error=execution.error,
    )


def read_answer(pk: uuid.UUID) -> Answer | None:
    """From the rows; None while the execution is live."""
    return read_state(pk)[1]


def read_state(pk: uuid.UUID) -> tuple[str, Answer | None]:
    """The status, and the answer if it has ended."""
    execution = Execution.objects.get(pk=pk)
    if execution.status not in TERMINAL:
        return execution.status, None
    blocks = execution.blocks.filter(status__in=(BlockStatus.COMPLETED, BlockStatus.FAILED))
    results = {
        block_id: output
        for block_id, status, output in blocks.values_list("block_id", "status", "output")
        # A failed block has an output only if its default value, which is never null, was used.
        if status == BlockStatus.COMPLETED or output is not None
    }
    return execution.status, answer_of(execution, results)


async def current_state(pk: uuid.UUID, *, with_answer: bool) -> tuple[str, Answer | None]:
    """An accepted execution's status, and its answer if it has ended and `with_answer`.

    "queued" while the database is away: the caller needs the id of what was accepted all the same.
    """
    try:
        status = await in_thread(status_of, pk)
        is_ended = with_answer and status in TERMINAL
        return status, await in_thread(read_answer, pk) if is_ended else None
    except (OperationalError, InterfaceError) as error:
        logger.warning("The status of exec-%s cannot be read: %s", pk.hex, error)
        return Status.QUEUED.value, None


def status_of(pk: uuid.UUID) -> str:
    return str(Execution.objects.values_list("status", flat=True).get(pk=pk))


def usage_of(execution: Execution) -> dict[str, Any]:
    cost = execution.cost_usd
    return {
        "model_calls": execution.model_calls,
        "input_tokens": execution.input_tokens,
        "output_tokens": execution.output_tokens,
        "cost_usd": None if cost is None else float(cost),
        "tool_calls": execution.tool_calls or 0,
    }


async def wait_for_answer(pk: uuid.UUID, seconds: float) -> Answer | None:
    """Wait until the execution has ended, in whatever process it runs.

    None after that many seconds, when it begins to wait for people or for a time, or when this
    process is about to end.
    """
    end = time.monotonic() + seconds
    token = object()
    _waiting.add(token)
    try:
        async with pubsub.subscribe(pk) as subscription:
            while True:
                status, answer = "", None
                try:
                    status, answer = await in_thread(read_state, pk)
                except (OperationalError, InterfaceError) as error:
                    # The database may be away for a moment; the run continues.
                    logger.warning("The end of exec-%s cannot be read: %s", pk.hex, error)
                left = end - time.monotonic()
                is_over = answer is not None or status == Status.WAITING
                if is_over or left <= 0 or pubsub.is_shutting_down():
                    return answer
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, LOOK_AGAIN_SECONDS)):
                        while (await subscription.queue.get())["kind"] not in ENDS:
                            pass
    finally:
        _waiting.discard(token)


_waiting: set[object] = set()


def is_waited_for() -> bool:
    return bool(_waiting)
