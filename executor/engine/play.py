"""Plays one block that takes time: its pattern, or a utility as one step, under its time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from designs.patterns.base import BlockOutput
from executor.engine.block_run import BlockRun
from executor.engine.compile import CompiledBlock
from executor.engine.failures import BlockTimedOut, FailedBefore
from executor.engine.journal import StepResult, inside
from executor.engine.parking import BlockClock
from executor.engine.words import counted

T = TypeVar("T")


async def with_time_limit(
    block: CompiledBlock, work: Coroutine[Any, Any, T], block_clock: BlockClock | None = None
) -> T:
    """Await the work under the block's time limit. Raises BlockTimedOut."""
    seconds = block.block.timeout_seconds
    if seconds is None:
        return await work
    try:
        async with asyncio.timeout(seconds) as clock:
            if block_clock is not None:
                block_clock.guard = clock
            return await work
    except TimeoutError:
        if not clock.expired():
            raise
        limit = counted(seconds, "second")
        raise BlockTimedOut(f"it took longer than its limit of {limit}.") from None


async def play(block: CompiledBlock, context: BlockRun, step_input: Any) -> BlockOutput:
    """The block's output. Raises what its pattern raises, FailedBefore."""
    failed = None if context.prefix else (context.setup.failed or {}).get(block.id)
    if failed is not None:
        raise FailedBefore(failed)
    if not block.utility_key:
        await context.prepare()
        output = await block.pattern.run(block.block, block.settings, context)
        context.end_plays()
        return output
    step = context.recall(inside(context.prefix, block.utility_key))
    if step is not None:
        return block.pattern.of_record(block.block, block.settings, step.output, context)
    now = context.timing.now
    started = now()
    output = await block.pattern.run(block.block, block.settings, context)
    step = utility_step(block, context.prefix, step_input, output.value, started, now())
    await context.record(step)
    return output


def utility_step(
    block: CompiledBlock,
    prefix: str,
    step_input: Any,
    value: Any,
    started: float,
    finished: float,
) -> StepResult:
    return StepResult(
        key=inside(prefix, block.utility_key),
        block_id=inside(prefix, block.block.id),
        agent_id=None,
        round_number=1,
        purpose=block.block.type,
        model=None,
        prompt=step_input,
        text=None,
        output=value,
        input_tokens=0,
        output_tokens=0,
        cost_usd=None,
        tries=1,
        started_at=started,
        finished_at=finished,
    )
