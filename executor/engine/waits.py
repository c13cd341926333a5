"""Waiting for a time: its end is recorded, so that an attempt that goes on finds the same one."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from designs.patterns.base import BlockFailed, Need
from executor.engine.context import Setup, Timing
from executor.engine.journal import StepResult
from executor.engine.words import counted

# A shorter wait is not worth letting the run go and taking it up again.
IN_PLACE_SECONDS = 5.0
DAY_SECONDS = 86_400.0


class Waiter(Protocol):
    """A block's run, as a wait sees it."""

    @property
    def timing(self) -> Timing: ...

    @property
    def setup(self) -> Setup: ...

    def recall(self, key: str) -> StepResult | None: ...

    async def record(self, step: StepResult) -> None: ...

    async def park(self, need: Need, due: Awaitable[None] | None = None) -> None: ...

    def under_way(self) -> AbstractContextManager[None]: ...


async def wait_until_due(run: Waiter, need: Need) -> dict[str, Any]:
    """Returns `waited_seconds`. Raises BlockFailed if the time is too far away."""
    timing = run.timing
    step, began = run.recall(need.key), timing.now()
    due_at = began if need.due_at is None else need.due_at
    if step is not None:
        began, due_at = step.started_at, float(step.output["due_at"])
    elif due_at - began > run.setup.max_wait_seconds:
        days = counted(run.setup.max_wait_seconds / DAY_SECONDS, "day")
        raise BlockFailed(
            f"it would wait for more than {days}, which is the longest wait there is."
        )
    elif due_at - began >= IN_PLACE_SECONDS:
        await run.record(_begun(need, began, due_at))
    left = due_at - timing.now()
    if left >= IN_PLACE_SECONDS:
        await run.park(replace(need, due_at=due_at), timing.sleep(left))
    elif left > 0:
        with run.under_way():
            await timing.sleep(left)
    return {"waited_seconds": max(0.0, round(timing.now() - began, 3))}


def _begun(need: Need, began: float, due_at: float) -> StepResult:
    _, _, round_number, purpose = need.key.rsplit("/", 3)
    return StepResult(
        key=need.key,
        block_id=need.block_id,
        agent_id=need.agent_id,
        round_number=int(round_number),
        purpose=purpose,
        model=None,
        prompt=None,
        text=None,
        output={"due_at": due_at},
        input_tokens=0,
        output_tokens=0,
        cost_usd=None,
        tries=1,
        started_at=began,
        finished_at=began,
    )
