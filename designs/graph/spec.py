"""The design document as frozen types. `rules` parses and checks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticKnownError

Role = Literal["manager", "worker", "specialist", "moderator", "reflector"]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
# One name, or several in the order in which they are tried.
ModelChoice = ModelName | Annotated[list[ModelName], Field(min_length=1, max_length=10)]
OnError = Literal["fail", "continue", "default"]

ID_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
MAX_BLOCKS = 200
MAX_AGENTS = 50
MAX_BYTES = 1_048_576
MAX_CONNECTIONS = 4_000
MAX_DEPTH = 32
# Expressions in one document, and their characters: checking more would take too long.
MAX_EXPRESSIONS = 2_000
MAX_CHARACTERS = 200_000
MAX_OUTPUT_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in a document: a JSON pointer (RFC 6901) and a sentence that says what to do."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Source:
    """An expression or template in a block's settings, with its path relative to the block."""

    path: str
    text: str
    is_template: bool


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


def _whole(value: object) -> object:
    """Refuse `true` and `1.0`, which Python takes for 1."""
    if isinstance(value, bool | float):
        raise PydanticKnownError("int_type")
    return value


class Position(_Part):
    x: float = 0
    y: float = 0


class Agent(_Part):
    """`max_output_tokens` limits each answer; `timeout_seconds` covers all tries for one answer."""

    id: str = Field(pattern=ID_PATTERN)
    name: str = Field(default="", max_length=200)
    role: Role = "worker"
    system_prompt: str = ""
    model: ModelChoice | None = None
    max_output_tokens: Annotated[int, BeforeValidator(_whole)] | None = Field(
        default=None, ge=1, le=MAX_OUTPUT_TOKENS
    )
    timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)


RETRIES = (
    "How often a call that failed in passing is tried again, a rate limit (429) among them. If the "
    "server says how long to wait (Retry-After) and no other model stands in, that is waited for "
    "without counting: 60 times and 10 minutes at most for one call, within all time limits."
)


class Block(_Part):
    """`settings` stays as written; the pattern named by `type` parses and checks it."""

    id: str = Field(pattern=ID_PATTERN)
    type: str
    label: str = Field(default="", max_length=200)
    task: str = ""
    agents: list[Agent] = Field(default_factory=list, max_length=MAX_AGENTS)
    settings: dict[str, Any] = Field(default_factory=dict)
    timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)
    retries: int = Field(default=2, ge=0, le=10, description=RETRIES)
    on_error: OnError = "fail"
    default: Any = None
    position: Position = Field(default_factory=Position)


class Connection(_Part):
    id: str = Field(pattern=ID_PATTERN)
    source: str
    target: str
    source_agent: str | None = None
    target_agent: str | None = None
    route: str | None = None
    when: str | None = None


class Graph(_Part):
    """A whole design. `schema_version` is the document's key `schema`."""

    schema_version: Annotated[Literal[1], BeforeValidator(_whole)] = Field(
        default=1, alias="schema"
    )
    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=10_000)
    model: ModelChoice | None = None
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    blocks: list[Block] = Field(min_length=1, max_length=MAX_BLOCKS)
    connections: list[Connection] = Field(default_factory=list, max_length=MAX_CONNECTIONS)
    output: str | None = None
