"""Steps and the journal that remembers them: a finished step is replayed, never done again."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol


def step_key(block_id: str, agent_id: str | None, round_number: int, purpose: str) -> str:
    """Stable over restarts: `block/agent/round/purpose`, with `-` for no agent."""
    return f"{block_id}/{agent_id or '-'}/{round_number}/{purpose}"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One finished model call or utility block. Times are seconds since the epoch (UTC).

    A utility block has no model; its `prompt` is what it was given. A model call's `output` is the
    parsed value if a schema was asked for, else its text.
    """

    key: str
    block_id: str
    agent_id: str | None
    round_number: int
    purpose: str
    model: str | None
    prompt: Any
    text: str | None
    output: Any
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    tries: int
    started_at: float
    finished_at: float


class Journal(Protocol):
    """Recorded steps of one execution."""

    def recall(self, key: str) -> StepResult | None:
        """The step as it was recorded, or None."""
        ...

    def record(self, step: StepResult) -> Awaitable[None] | None:
        """Keep the step; if an awaitable comes back, what depends on the step waits for it.

        The awaitable raises when the step could not be kept (for instance: the lease is lost).
        """
        ...


class MemoryJournal:
    """Keeps steps in memory: dry runs, tests, benchmarks."""

    def __init__(self, steps: dict[str, StepResult] | None = None) -> None:
        self.steps = dict(steps or {})

    def recall(self, key: str) -> StepResult | None:
        return self.steps.get(key)

    def record(self, step: StepResult) -> None:
        self.steps[step.key] = step
