"""Runs a compiled graph and returns its outcome."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any, Literal

from executor.engine.compile import CompiledGraph, compile_graph
from executor.engine.context import Outcome, Setup
from executor.engine.events import ErrorInfo
from executor.engine.failures import INTERNAL
from executor.engine.flow import Flow
from executor.engine.json_text import json_bytes
from executor.engine.nested import Plays
from executor.engine.results import result_misfit, result_of
from executor.engine.words import counted

logger = logging.getLogger(__name__)

__all__ = ["CompiledGraph", "compile_graph", "run_graph"]


async def run_graph(compiled: CompiledGraph, input_data: Any, setup: Setup) -> Outcome:
    """Run the graph once: every block as soon as all its incoming connections are settled.

    Cancelling the awaiting task cancels every block and model call in flight, waits for them, and
    raises CancelledError. Failures of the design or of a model are in the outcome. A run that can
    only wait ends as `waiting`: another one with its journal, and decisions, goes on from there.
    """
    flow = Flow(compiled, input_data, setup, Plays)
    in_time = await flow.run()
    if flow.error is not None:
        return _outcome(flow, "failed", flow.error)
    if in_time and flow.needs:
        return replace(_outcome(flow, "waiting", None), needs=flow.needs)
    if in_time:
        try:
            async with asyncio.timeout_at(flow.deadline):
                return await _finished(flow)
        except TimeoutError:
            pass
    limit = counted(setup.limits.seconds or 0.0, "second")
    sentence = f"The execution took longer than its limit of {limit}."
    return _outcome(flow, "timed_out", ErrorInfo("timeout", sentence))


async def _finished(flow: Flow) -> Outcome:
    """The outcome of a run whose blocks are all done: completed, if its result is valid."""
    result, failure = await result_of(flow)
    if failure is not None:
        return _outcome(flow, "failed", failure)
    try:
        size = len(json_bytes(result))
    except (TypeError, ValueError, RecursionError) as error:
        # Only a pattern of our own can return a value that is not JSON.
        logger.error("A result is no JSON.", exc_info=error)
        return _outcome(flow, "failed", ErrorInfo("internal", INTERNAL))
    max_bytes = flow.setup.limits.output_bytes
    if max_bytes is not None and size > max_bytes:
        sentence = f"The result has {size} bytes; the limit is {max_bytes}."
        return _outcome(flow, "failed", ErrorInfo("limit", sentence))
    failure = await result_misfit(flow, result)
    if failure is not None:
        return _outcome(flow, "failed", failure)
    return _outcome(flow, "completed", None, result)


def _outcome(
    flow: Flow,
    status: Literal["completed", "failed", "timed_out", "waiting"],
    error: ErrorInfo | None,
    result: Any = None,
) -> Outcome:
    if error is not None and error.block_id is not None:
        types = {block.id: block.block.type for block in flow.compiled.blocks}
        error = replace(error, block_type=error.block_type or types.get(error.block_id))
    return Outcome(
        status=status,
        result=result,
        block_outputs=flow.outputs,
        usage=flow.budget.usage,
        error=error,
        degraded=flow.reasons if status == "completed" else (),
    )
