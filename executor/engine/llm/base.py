"""What the engine needs of a language model, whoever serves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from designs.patterns.base import Part

# Of one call, each way: far more than any model reads or writes; a server that says so miscounted.
MAX_TOKENS = 100_000_000


# Not frozen, though nobody changes one: see StepResult.
@dataclass(slots=True)
class ModelRequest:
    """One call; `call_key` is stable over restarts: `<execution>:<key of the step>`.

    `agent_name` is what people call the agent. With `schema` the answer is one JSON value that fits
    it. `timeout_seconds` is the whole call's.
    `max_output_tokens` is what the agent may say at most (None: what the model's own limit is).
    `whole` asks for a whole answer although somebody listens. `on_sent` is called when the call
    leaves for a server: from then on it counts, answered or not.
    """

    call_key: str
    system: str
    parts: Sequence[Part]
    purpose: str
    role: str
    schema: dict[str, Any] | None = None
    timeout_seconds: float = 120.0
    max_output_tokens: int | None = None
    whole: bool = False
    on_sent: Callable[[], None] = lambda: None
    agent_name: str = ""


# Not frozen either.
@dataclass(slots=True)
class ModelAnswer:
    """What came back. Tokens as the server counts them (0 if it does not); cost None if unknown.

    `finish_reason` is why the model stopped, in the words of the OpenAI protocol: `stop`, `length`
    (it was cut off at its limit), `content_filter`, `tool_call`, `error`; None if it was not told.
    `usage_told` is False if the server did not say how many tokens it counted.
    """

    text: str
    model: str
    value: Any = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None
    finish_reason: str | None = None
    usage_told: bool = True


class ErrorKind(StrEnum):
    """Classes of failure that retry, breaker and fallback tell apart."""

    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    TRANSIENT = "transient"
    TIMEOUT = "timeout"
    REQUEST = "request"
    CREDENTIAL = "credential"
    CONTENT = "content"
    UNAVAILABLE = "unavailable"


class ModelError(Exception):
    """A failed call: its class, a sentence without secrets, and the seconds a server asked to wait.

    `spent` is the answer that had to be refused (kind CONTENT): it was paid for all the same.
    `address` is what was asked, for administrators only. `only_streaming`: a whole answer may be
    had all the same; the same question is to be asked again at once, with `whole`.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retry_after: float | None = None,
        spent: ModelAnswer | None = None,
        address: str = "",
        only_streaming: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
        self.spent = spent
        self.address = address
        self.only_streaming = only_streaming

    def add(self, sentence: str) -> None:
        """Say this too, once."""
        if sentence and sentence not in self.message:
            self.message = f"{self.message.rstrip('.')}. {sentence}"
            self.args = (self.message,)


class Model(Protocol):
    """One named model, ready to be asked."""

    @property
    def name(self) -> str:
        """As recorded with each step: `provider:model`."""
        ...

    async def has_price(self) -> bool:
        """Whether its answers will come with a cost. Raises ModelError as `complete` does."""
        ...

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """Ask once, without retries, under a total deadline. Raises ModelError.

        An answer that does not fit the request's schema is a ModelError(CONTENT) with `spent`.
        """
        ...


class ModelProvider(Protocol):
    """Finds models by name; made by whoever starts a run: the engine knows no configuration."""

    def resolve(self, name: str) -> Model:
        """Raises ModelError(UNAVAILABLE) with a sentence when there is no such model."""
        ...
