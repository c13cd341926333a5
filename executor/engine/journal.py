"""Steps and the journal that stores them: a completed step is replayed, never paid for twice."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

# Of keys and block ids, as columns hold them.
MAX_KEY = 250
DIGEST = 16
# A longer outermost block is a part of the digest, too.
MAX_FRONT = 200


# The purpose of a request over HTTP, and the finish reason of one of which nobody knows what came.
HTTP = "http"
UNKNOWN_OUTCOME = "unknown_outcome"


# How requests fail that were answered, or may have been.
NOT_KNOWN = frozenset({UNKNOWN_OUTCOME, "http_body", "too_large"})
BUSY = 503


def may_be_done(reason: str | None, status: int | None) -> bool:
    """Whether a failed request, by its class and status, may have done what it was to do: then it
    is not sent again without a person's word.
    """
    return reason in NOT_KNOWN or (status is not None and status >= 500 and status != BUSY)


def step_key(block_id: str, agent_id: str | None, round_number: int, purpose: str) -> str:
    """`block/agent/round/purpose`, with `-` for no agent; the same after a restart."""
    return f"{block_id}/{agent_id or '-'}/{round_number}/{purpose}"


def inside(prefix: str, name: str) -> str:
    """The key or block id of something that is played inside a block; see `Step.key`."""
    return bounded_key(prefix + name)


def bounded_key(key: str) -> str:
    """The key as columns hold it, and headers: of one that is too long, all between its outermost
    block and its end is a digest.
    """
    if len(key) <= MAX_KEY:
        return key
    front = key[: key.find(">", 0, MAX_FRONT) + 1]
    digest = hashlib.sha256(key.encode()).hexdigest()[:DIGEST]
    return f"{front}{digest}~{key[len(front) + len(digest) + 1 - MAX_KEY :]}"


@dataclass(frozen=True, slots=True)
class FailedTry:
    """Why a try gave no answer: `kind` is for machines, `at` in seconds since the epoch.

    `ms` is how long it took, None if nothing was sent; `next_ms` how long the next one waited;
    `status` the server's HTTP status, if it refused.
    """

    model: str
    kind: str
    message: str
    at: float
    ms: int | None = None
    next_ms: int | None = None
    status: int | None = None


# Never changed, but not frozen: creating a frozen one takes four times as long.
@dataclass(slots=True)
class StepResult:
    """One model call, tool call or utility block. Times are seconds since the epoch (UTC).

    A utility block has no model; its `prompt` is its input. A model call's `output` is the parsed
    value if a schema was asked for, else its text. `tries` counts the calls that were sent; tokens
    and cost are those of all of them. A `failed` step has no answer; it is repeated when its
    execution resumes, and its spending is added to.

    A tool call has its `tool`, its arguments as `prompt`, and as output `content`, `is_error`,
    `outcome` and `bytes`. A model's answer that calls tools has `calls` (id, name, arguments), and
    `said`, the provider's own message.
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
    tool: str | None = None
    calls: list[dict[str, Any]] | None = None
    said: Any = None

    @property
    def is_call(self) -> bool:
        """Whether it called the outside, so that it is not free to repeat."""
        return self.model is not None or self.tool is not None or self.purpose == HTTP


class Journal(Protocol):
    def recall(self, key: str) -> StepResult | None:
        """The recorded step, if it was completed."""
        ...

    def recall_failed(self, key: str) -> StepResult | None:
        """The recorded step, if it failed; it has the spending so far."""
        ...

    def recorded(self) -> Iterable[StepResult]:
        """The steps recorded before this run began, including failed ones."""
        ...

    def record(self, step: StepResult) -> Awaitable[None] | None:
        """Store the step, replacing a failed one with its key. Whatever depends on the step waits
        for the awaitable, if one is returned.

        The awaitable raises when the step could not be stored, for instance after a lost lease.
        """
        ...

    async def intend(self, key: str, tool: str) -> int:
        """Store durably that this step is about to call the tool, once more. Returns how many
        intents it has now. Raises as `record`.
        """
        ...

    def intents(self, key: str) -> int:
        """How often this step was about to call its tool."""
        ...


def completed(step: StepResult | None) -> StepResult | None:
    return step if step is not None and step.status == "completed" else None


def failed(step: StepResult | None) -> StepResult | None:
    return step if step is not None and step.status == "failed" else None
