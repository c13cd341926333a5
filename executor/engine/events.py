"""The events of a run, in order; the recorder turns them into rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from executor.engine.journal import FailedTry, StepResult

BlockStatus = Literal["running", "waiting", "completed", "failed", "skipped"]
# The kinds of errors that say nothing of what would come of asking again.
BROKEN_OFF = frozenset({"stopped", "limit", "internal"})


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """Why something failed: `kind` is for machines, `message` a sentence for people.

    `model` and `tries` are those of a step that got no answer, `block_type` is its block's.
    """

    kind: str
    message: str
    block_id: str | None = None
    step_key: str | None = None
    model: str | None = None
    block_type: str | None = None
    tries: tuple[FailedTry, ...] = ()


# Never changed, but not frozen: see StepResult.
@dataclass(slots=True)
class BlockChanged:
    """A block started, waits with its run, or ended with output or error. `at` in seconds since the
    epoch.

    When it starts, `taken` are the ids of the incoming connections that brought something; None if
    all of them did. When it completes, `by_agent` are the outputs of its agents that connections
    read.
    """

    block_id: str
    status: BlockStatus
    at: float
    output: Any = None
    error: ErrorInfo | None = None
    taken: tuple[str, ...] | None = None
    by_agent: dict[str, Any] | None = None


# Never changed, but not frozen: see StepResult.
@dataclass(slots=True)
class StepStarted:
    """A model is asked, for the `number`th time in this step (1 is the first)."""

    key: str
    block_id: str
    agent_id: str | None
    purpose: str
    round_number: int
    number: int
    at: float


# Never changed, but not frozen: see StepResult.
@dataclass(slots=True)
class StepFinished:
    """`replayed` is true when the journal answered instead of the model."""

    step: StepResult
    replayed: bool


@dataclass(frozen=True, slots=True)
class ToolChanged:
    """A call of a tool was begun, waits for people, or has its result (`is_error`, `duration_ms`).
    `arguments` are an object, or a text that is none.
    """

    key: str
    block_id: str
    agent_id: str
    tool: str
    status: Literal["started", "waiting", "finished"]
    at: float
    arguments: Any = None
    is_error: bool | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StepFailed:
    """One try of a step failed; `final` when no further try follows."""

    key: str
    block_id: str
    agent_id: str | None
    error: ErrorInfo
    tries: int
    final: bool
    at: float


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of streamed model text; shown, never recorded."""

    key: str
    block_id: str
    agent_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class BlockProgress:
    """How far a block is that plays one thing many times; at most once a second."""

    block_id: str
    done: int
    failed: int
    total: int


@dataclass(frozen=True, slots=True)
class Degraded:
    reason: str
    block_id: str | None = None


Event = (
    BlockChanged
    | StepStarted
    | StepFinished
    | StepFailed
    | ToolChanged
    | TextDelta
    | BlockProgress
    | Degraded
)
