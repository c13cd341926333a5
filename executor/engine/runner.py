"""Runs a compiled graph and returns its outcome."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
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
    """Run the graph once: every block as soon as all its incoming connections are settled.

    Cancelling the awaiting task cancels every block and model call in flight, waits for them, and
    raises CancelledError. Failures of the design or of a model are in the outcome. A run that can
    only wait ends as `waiting`: another one with its journal, and decisions, goes on from there.
    """
    flow = Flow(compiled, input_data, setup)
    in_time = await flow.run()
    if flow.error is not None:
        return _outcome(flow, "failed", flow.error)
    if in_time and flow.needs:
        return replace(_outcome(flow, "waiting", None), needs=flow.needs)
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
    """The outcome of a run whose blocks are all done: completed, if its result is valid."""
    try:
        result = await _result(flow, compiled)
    except ExpressionError as error:
        sentence = f"The design's output could not be computed: {expression_sentence(error)}"
        return _outcome(flow, "failed", ErrorInfo("expression", sentence))
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
    check = compiled.output_check
    if check is not None and (
        misfits := await compute_on(result, check.misfits, result, MAX_MISFITS)
    ):
        problems = "; ".join(
            f"{'/'.join(map(str, misfit.place)) or 'the whole'}: "
            f"{misfit.sentence.rstrip('.')[:MAX_MISFIT_LENGTH]}"
            for misfit in misfits
        )
        sentence = f"The result does not fit the design's output schema: {problems}."
        return _outcome(flow, "failed", ErrorInfo("output", sentence))
    return _outcome(flow, "completed", None, result)


async def _result(flow: Flow, compiled: CompiledGraph) -> Any:
    """The design's `output`, or the terminal block's output, or those of several by block id.

    Terminal blocks have no outgoing connections. If none of them delivered, there is no result and
    the run is degraded: other blocks' outputs are not meant as results.
    """
    output = compiled.output
    if output is not None:
        names = {**flow.scope([block.id for block in compiled.blocks]), "incoming": None}
        return await flow.evaluation(None).run(output, names)
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
    status: Literal["completed", "failed", "timed_out", "waiting"],
    error: ErrorInfo | None,
    result: Any = None,
) -> Outcome:
    if error is not None and error.block_id is not None:
        types = {block.id: block.block.type for block in flow.blocks}
        error = replace(error, block_type=types.get(error.block_id))
    return Outcome(
        status=status,
        result=result,
        block_outputs=flow.outputs,
        usage=flow.budget.usage,
        error=error,
        degraded=flow.reasons if status == "completed" else (),
    )
