"""The result of a graph whose blocks are all done, and whether it may be one."""

from __future__ import annotations

from typing import Any

from designs.graph.expressions import ExpressionError
from designs.graph.schema_check import SchemaCheck
from designs.runtime.computing import compute_on
from executor.engine.events import ErrorInfo
from executor.engine.failures import expression_sentence
from executor.engine.flow import Flow

MAX_MISFITS = 3
MAX_MISFIT_LENGTH = 200
NO_RESULT = "No block at the end of the design delivered a result, so there is none."


async def result_of(flow: Flow) -> tuple[Any, ErrorInfo | None]:
    """The result, or why there is none: an expression without a value."""
    try:
        return await _result(flow), None
    except ExpressionError as error:
        sentence = f"The design's output could not be computed: {expression_sentence(error)}"
        return None, ErrorInfo("expression", sentence)


async def misfits_of(check: SchemaCheck | None, value: Any) -> str:
    """What of the value does not fit the schema, as one text; empty if all does."""
    if check is None or not (misfits := await compute_on(value, check.misfits, value, MAX_MISFITS)):
        return ""
    return "; ".join(
        f"{'/'.join(map(str, misfit.place)) or 'the whole'}: "
        f"{misfit.sentence.rstrip('.')[:MAX_MISFIT_LENGTH]}"
        for misfit in misfits
    )


async def result_misfit(flow: Flow, result: Any) -> ErrorInfo | None:
    """Why the result is none by the design's output schema."""
    problems = await misfits_of(flow.compiled.output_check, result)
    if not problems:
        return None
    return ErrorInfo("output", f"The result does not fit the design's output schema: {problems}.")


async def _result(flow: Flow) -> Any:
    """The design's `output`, or the terminal block's output, or those of several by block id.

    Terminal blocks have no outgoing connections. If none of them delivered, there is no result and
    the run is degraded: other blocks' outputs are not meant as results.
    """
    compiled = flow.compiled
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
