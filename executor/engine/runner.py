"""Runs a compiled graph and says how it ended."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Literal

from designs.graph.expressions import ExpressionError
from designs.runtime.computing import compute_on
from executor.engine.compile import CompiledGraph, compile_graph
from executor.engine.context import Outcome, Setup
from executor.engine.events import ErrorInfo
from executor.engine.failures import INTERNAL, expression_sentence
from executor.engine.flow import Flow
from executor.engine.json_text import json_bytes
from executor.engine.words import counted

logger = logging.getLogger(__name__)

MAX_MISFITS = 3
MAX_MISFIT_LENGTH = 200
NO_RESULT = "No block at the end of the design delivered a result, so there is none."

__all__ = ["CompiledGraph", "compile_graph", "run_graph"]


async def run_graph(compiled: CompiledGraph, input_data: Any, setup: Setup) -> Outcome:
    """Run the graph once: every block as soon as what it waits for is settled.

    Cancelling the awaiting task cancels every block and model call in flight, waits for them, and
    passes CancelledError on. Whatever the design or a model does wrong is in the outcome.
    """
    flow = Flow(compiled, input_data, setup)
    in_time = await flow.run()
    if flow.error is not None:
        return _outcome(flow, "failed", flow.error)
    if in_time:
        try:
            async with asyncio.timeout_at(flow.deadline):
                return await _finished(flow, compiled)
        except TimeoutError:
            pass
    limit = counted(setup.limits.seconds or 0.0, "second")
    sentence = f"The execution took longer than its limit of {limit}."
    return _outcome(flow, "timed_out", ErrorInfo("timeout", sentence))


async def _finished(flow: Flow, compiled: CompiledGraph) -> Outcome:
    """The outcome of a run in which everything was played: completed, if its result may leave."""
    try:
        result = await _result(flow, compiled)
    except ExpressionError as error:
        sentence = f"The design's output could not be made: {expression_sentence(error)}"
        return _outcome(flow, "failed", ErrorInfo("expression", sentence))
    try:
        size = len(json_bytes(result))
    except (TypeError, ValueError, RecursionError) as error:
        # Only a pattern of ours can hand on what is no JSON.
        logger.error("A result is no JSON.", exc_info=error)
        return _outcome(flow, "failed", ErrorInfo("internal", INTERNAL))
    most = flow.setup.limits.output_bytes
    if most is not None and size > most:
        sentence = f"The result has {size} bytes; the limit is {most}."
        return _outcome(flow, "failed", ErrorInfo("limit", sentence))
    if misfits := await compute_on(result, _misfits, compiled, result):
        sentence = f"The result does not fit the design's output schema: {misfits}."
        return _outcome(flow, "failed", ErrorInfo("output", sentence))
    return _outcome(flow, "completed", None, result)


def _misfits(compiled: CompiledGraph, result: Any) -> str:
    """What of the result the output schema refuses, with places; empty if all fits."""
    check = compiled.output_check
    misfits = [] if check is None else check.misfits(result, MAX_MISFITS)
    return "; ".join(
        f"{'/'.join(map(str, misfit.place)) or 'the whole'}: "
        f"{misfit.sentence.rstrip('.')[:MAX_MISFIT_LENGTH]}"
        for misfit in misfits
    )


async def _result(flow: Flow, compiled: CompiledGraph) -> Any:
    """The design's `output`, or the terminal block's output, or those of several by block id.

    Terminal blocks are those without outgoing connections. If none of them delivered, there is no
    result, and the run says so: another block's output was not meant to be one.
    """
    output = compiled.output
    if output is not None:
        names = {**flow.scope([block.id for block in compiled.blocks]), "incoming": None}
        return await flow.evaluation(None).value(output, names)
    outputs = flow.outputs
    terminals = [compiled.blocks[number].id for number in compiled.terminals]
    reached = [name for name in terminals if name in outputs]
    if len(terminals) == 1 and reached:
        return outputs[reached[0]]
    if not reached:
        flow.degrade(compiled.blocks[-1], NO_RESULT)
    return {name: outputs[name] for name in reached} or None


def _outcome(
    flow: Flow,
    status: Literal["completed", "failed", "timed_out"],
    error: ErrorInfo | None,
    result: Any = None,
) -> Outcome:
    return Outcome(
        status=status,
        result=result,
        block_outputs=flow.outputs,
        usage=flow.budget.usage,
        error=error,
        degraded=flow.reasons if status == "completed" else (),
    )
