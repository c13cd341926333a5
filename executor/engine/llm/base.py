"""The engine's interface to language models, whoever serves them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from designs.patterns.base import Part
from executor.engine.llm.tool_use import ToolCall, ToolSpec, ToolUse, offered_tools

# Of one call, input or output: no model reaches it, so a server that reports more miscounted.
MAX_TOKENS = 100_000_000


# Never changed, but not frozen: see StepResult.
@dataclass(slots=True)
class ModelRequest:
    """One call; `call_key` is `<execution>:<key of the step>`, the same after a restart.

    `agent_name` is what people call the agent. With `schema` the answer is one JSON value that fits
    it. `timeout_seconds` is for the whole call. `max_output_tokens` is None for the model's own
    limit. `whole` forbids streaming even if there is a listener. `on_sent` is called when the call
    is sent: from then on it counts, answered or not. With `tool_use` the model may call tools, and
    a structured answer is asked for as a call of one more, to which it is forced.
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
    tool_use: ToolUse | None = None

    def offered(self) -> list[ToolSpec]:
        """All tools that the model may call now."""
        return [] if self.tool_use is None else offered_tools(self.tool_use, self.schema)


# Not frozen either.
@dataclass(slots=True)
class ModelAnswer:
    """An answer. Tokens as the server counts them (0 if it does not); cost None if unknown.

    `finish_reason` is why the model stopped, in the words of the OpenAI protocol: `stop`, `length`
    (cut off at its limit), `content_filter`, `tool_call`, `error`; None if the server gave none.
    `has_usage` is False if the server did not report its tokens. An answer with `calls` is no final
    one; `said` is then the provider's own message, as JSON, to be sent back to this model.
    """

    text: str
    model: str
    value: Any = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None
    finish_reason: str | None = None
    has_usage: bool = True
    calls: tuple[ToolCall, ...] = ()
    said: Any = None


class ErrorKind(StrEnum):
    """Classes of failure, as retry, breaker and fallback distinguish them."""

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

    `spent` is the answer that was refused (kind CONTENT) but paid for. `address` is where the call
    went, for administrators only. `only_streaming`: the call may succeed without streaming, so it
    is to be repeated at once with `whole`. `status` is the server's HTTP status, if it refused.
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
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
        self.spent = spent
        self.address = address
        self.only_streaming = only_streaming
        self.status = status

    def add(self, sentence: str) -> None:
        """Append a sentence, once."""
        if sentence and sentence not in self.message:
            self.message = f"{self.message.rstrip('.')}. {sentence}"
            self.args = (self.message,)


class Model(Protocol):
    @property
    def name(self) -> str:
        """`provider:model`."""
        ...

    async def has_price(self) -> bool:
        """Whether its answers have a cost. Raises ModelError as `complete` does."""
        ...

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """Ask once, without retries, within the request's timeout. Raises ModelError.

        An answer that does not fit the request's schema is a ModelError(CONTENT) with `spent`.
        """
        ...


class ModelProvider(Protocol):
    """Resolves model names for a run; the engine itself knows no configuration."""

    def resolve(self, name: str) -> Model:
        """Raises ModelError(UNAVAILABLE) when there is no such model."""
        ...
