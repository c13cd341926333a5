"""Steps and the journal that remembers them: a finished step is replayed, never done again."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol


def step_key(block_id: str, agent_id: str | None, round_number: int, purpose: str) -> str:
    """Stable over restarts: `block/agent/round/purpose`, with `-` for no agent."""
    return f"{block_id}/{agent_id or '-'}/{round_number}/{purpose}"


@dataclass(frozen=True, slots=True)
class FailedTry:
    """Why a try gave no answer: `kind` is a word for machines, `at` in seconds since the epoch."""

    model: str
    kind: str
    message: str
    at: float


# Nobody changes one. It is not frozen all the same: that makes one take four times as long to make,
# and each step makes one.
@dataclass(slots=True)
class StepResult:
    """One model call or utility block. Times are seconds since the epoch (UTC).

    A utility block has no model; its `prompt` is what it was given. A model call's `output` is the
    parsed value if a schema was asked for, else its text. `tries` are the calls that were sent, and
    tokens and cost are those of all of them. A step that `failed` has no answer; it is done again
    when its execution goes on, and what it used is counted on then.
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
    status: Literal["completed", "failed"] = "completed"
    finish_reason: str | None = None
    is_estimated: bool = False
    failures: tuple[FailedTry, ...] = ()


class Journal(Protocol):
    """Recorded steps of one execution."""

    def recall(self, key: str) -> StepResult | None:
        """The step as it was recorded, if it was completed."""
        ...

    def recall_failed(self, key: str) -> StepResult | None:
        """The step as it was recorded, if it failed: what was spent on it so far."""
        ...

    def recorded(self) -> Iterable[StepResult]:
        """All that was recorded before this run began, failed steps too."""
        ...

    def record(self, step: StepResult) -> Awaitable[None] | None:
        """Keep the step, in the place of a failed one with its key; if an awaitable comes back,
        what depends on the step waits for it.

        The awaitable raises when the step could not be kept (for instance: the lease is lost).
        """
        ...


class MemoryJournal:
    """Keeps steps in memory: dry runs, tests, benchmarks."""

    def __init__(self, steps: dict[str, StepResult] | None = None) -> None:
        self.steps = dict(steps or {})

    def recall(self, key: str) -> StepResult | None:
        return completed(self.steps.get(key))

    def recall_failed(self, key: str) -> StepResult | None:
        return failed(self.steps.get(key))

    def recorded(self) -> Iterable[StepResult]:
        return self.steps.values()

    def record(self, step: StepResult) -> None:
        self.steps[step.key] = step


def completed(step: StepResult | None) -> StepResult | None:
    """The step, if there is one and it was completed."""
    return step if step is not None and step.status == "completed" else None


def failed(step: StepResult | None) -> StepResult | None:
    """The step, if there is one and it failed."""
    return step if step is not None and step.status == "failed" else None
