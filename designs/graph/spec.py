"""The design document as frozen types. `rules` parses and checks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticKnownError

from designs.graph.labels import shown

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
# Of one agent.
MAX_TOOLS = 32
TOOL_PATTERN = r"^[a-z][a-z0-9_]{0,31}\.[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$"


@dataclass(frozen=True, slots=True)
class Fix:
    """The one mending of a problem: a short label, and a JSON patch (RFC 6902) of the document.

    A guess may be wrong for other parts of the document, so it is tried before it is offered.
    """

    label: str
    patch: tuple[dict[str, Any], ...]
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in a document: a JSON pointer (RFC 6901) and a sentence that says what to do."""

    path: str
    message: str
    fix: Fix | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """An expression or template in a block's settings, with its path relative to the block.

    `names` are what it can read besides the names of all expressions.
    """

    path: str
    text: str
    is_template: bool
    names: tuple[str, ...] = ()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


def whole(value: object) -> object:
    """Refuse `true` and `1.0`, which Python takes for 1."""
    if isinstance(value, bool | float):
        raise PydanticKnownError("int_type")
    return value


class Position(_Part):
    x: float = 0
    y: float = 0


ToolName = Annotated[str, Field(pattern=TOOL_PATTERN)]


class NamedTool(_Part):
    """A tool with rules of its own: a design may be stricter than the tool, never laxer."""

    name: ToolName = Field(title="Name")
    approval: Literal["always", "after_untrusted"] | None = Field(
        default=None,
        title="Approval",
        description="Whether a person approves each call, or each once an untrusted tool answered.",
    )
    most_calls: Annotated[int, BeforeValidator(whole)] | None = Field(
        default=None, ge=1, le=100, title="Calls, at most", description="For one answer."
    )


# `crm.search`, or with rules.
ToolChoice = ToolName | NamedTool


class ToolLimits(_Part):
    """Of one answer: requests in which the model may call tools, and calls in all of them."""

    turns: Annotated[int, BeforeValidator(whole)] = Field(
        default=8,
        ge=1,
        le=30,
        title="Turns with tools, at most",
        description="How often the model may call tools and read what they gave, for one answer.",
    )
    calls: Annotated[int, BeforeValidator(whole)] = Field(
        default=16, ge=1, le=100, title="Tool calls, at most", description="For one answer."
    )


class Agent(_Part):
    """`max_output_tokens` limits each answer; `timeout_seconds` covers all tries for one answer."""

    id: str = Field(
        pattern=ID_PATTERN,
        title="Id",
        description="The name that connections and routes use.",
        json_schema_extra=shown(kind="id", group="More"),
    )
    name: str = Field(default="", max_length=200, title="Name")
    role: Role = Field(
        default="worker", title="Role", json_schema_extra=shown(kind="choice", options="roles")
    )
    system_prompt: str = Field(
        default="",
        title="Prompt",
        description="Who this agent is, and how it answers.",
        json_schema_extra=shown(kind="template"),
    )
    model: ModelChoice | None = Field(
        default=None,
        title="Model",
        json_schema_extra=shown(
            kind="models", empty="as in the design", rest="If it cannot answer"
        ),
    )
    tools: list[ToolChoice] = Field(
        default_factory=list,
        max_length=MAX_TOOLS,
        title="Tools",
        description="What this agent may call, as in `crm.search`.",
        json_schema_extra=shown(kind="tools"),
    )
    tool_limits: ToolLimits = Field(
        default_factory=ToolLimits,
        title="Limits of tools",
        json_schema_extra=shown(kind="object", when="/tools"),
    )
    output_schema: dict[str, Any] | None = Field(
        default=None,
        title="Form of the answer",
        description="A JSON schema of an object: the answer is then data, not text.",
        json_schema_extra=shown(kind="json", group="More"),
    )
    max_output_tokens: Annotated[int, BeforeValidator(whole)] | None = Field(
        default=None,
        ge=1,
        le=MAX_OUTPUT_TOKENS,
        title="Longest answer (tokens)",
        json_schema_extra=shown(empty="the model's own limit", group="More"),
    )
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        title="Time limit (s)",
        description="For one answer, with all its tries.",
        json_schema_extra=shown(empty="none", group="More"),
    )

    def named_tools(self) -> list[NamedTool]:
        return [NamedTool(name=one) if isinstance(one, str) else one for one in self.tools]


RETRIES = (
    "How often a call that failed in passing is tried again, a rate limit (429) among them. If the "
    "server says how long to wait (Retry-After) and no other model stands in, that is waited for "
    "without counting: 60 times and 10 minutes at most for one call, within all time limits."
)


class Block(_Part):
    """`settings` stays as written; the pattern named by `type` parses and checks it."""

    id: str = Field(
        pattern=ID_PATTERN,
        title="Id",
        description="The name that placeholders use, as in `blocks.find_facts.output`.",
        json_schema_extra=shown(kind="id"),
    )
    type: str = Field(title="Type", json_schema_extra=shown(kind="hidden"))
    label: str = Field(default="", max_length=200, title="Label")
    task: str = Field(
        default="",
        title="Task",
        description="Type `{{` for what this block can read.",
        json_schema_extra=shown(kind="template"),
    )
    agents: list[Agent] = Field(
        default_factory=list, max_length=MAX_AGENTS, json_schema_extra=shown(kind="hidden")
    )
    settings: dict[str, Any] = Field(default_factory=dict, json_schema_extra=shown(kind="hidden"))
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        title="Time limit (s)",
        json_schema_extra=shown(empty="none"),
    )
    retries: int = Field(
        default=2,
        ge=0,
        le=10,
        title="More tries",
        description=RETRIES,
        json_schema_extra=shown(help="For a call that failed in passing, as when a model is busy."),
    )
    on_error: OnError = Field(
        default="fail",
        title="Then",
        json_schema_extra=shown(
            choices={
                "fail": "fail the run",
                "continue": "go on without it",
                "default": "hand on a default",
            }
        ),
    )
    default: Any = Field(
        default=None,
        title="Default",
        description='The output if the block fails, as JSON: `"a text"`, a number, a list.',
        json_schema_extra=shown(kind="json", when="/on_error=default"),
    )
    position: Position = Field(default_factory=Position, json_schema_extra=shown(kind="hidden"))


class Connection(_Part):
    id: str = Field(
        pattern=ID_PATTERN, title="Id", json_schema_extra=shown(kind="id", group="More")
    )
    source: str = Field(title="From", json_schema_extra=shown(kind="choice", options="blocks"))
    target: str = Field(title="To", json_schema_extra=shown(kind="choice", options="blocks"))
    source_agent: str | None = Field(
        default=None,
        title="From its agent",
        description="Hands on the answer of this agent alone.",
        json_schema_extra=shown(kind="choice", options="agents", empty="the block's output"),
    )
    target_agent: str | None = Field(
        default=None,
        title="To its agent",
        description="Only this agent sees it.",
        json_schema_extra=shown(kind="choice", options="agents", empty="all agents"),
    )
    route: str | None = Field(
        default=None,
        title="Route",
        description=(
            "Taken if the router picks this route. Without a name it is called like its target; "
            "behind specialists it is then always taken."
        ),
        json_schema_extra=shown(kind="choice", options="routes", empty="like its target"),
    )
    when: str | None = Field(
        default=None,
        title="Only if",
        description="An expression, as in ``input.priority >= `4` ``; empty: always.",
        json_schema_extra=shown(kind="expression"),
    )


class Graph(_Part):
    """A whole design. `schema_version` is the document's key `schema`."""

    schema_version: Annotated[Literal[1], BeforeValidator(whole)] = Field(
        default=1, alias="schema", json_schema_extra=shown(kind="hidden")
    )
    name: str = Field(min_length=1, max_length=200, title="Name")
    description: str = Field(
        default="",
        max_length=10_000,
        title="Description",
        json_schema_extra=shown(kind="longtext"),
    )
    model: ModelChoice | None = Field(
        default=None,
        title="Model",
        description="For all agents that name none.",
        json_schema_extra=shown(
            kind="models", empty="the installation's", rest="If it cannot answer"
        ),
    )
    input_schema: dict[str, Any] | None = Field(
        default=None, json_schema_extra=shown(kind="hidden")
    )
    output_schema: dict[str, Any] | None = Field(
        default=None,
        title="Form of the result",
        description="A JSON schema that the result must fit.",
        json_schema_extra=shown(kind="json", group="Result"),
    )
    blocks: list[Block] = Field(
        min_length=1, max_length=MAX_BLOCKS, json_schema_extra=shown(kind="hidden")
    )
    connections: list[Connection] = Field(
        default_factory=list, max_length=MAX_CONNECTIONS, json_schema_extra=shown(kind="hidden")
    )
    output: str | None = Field(
        default=None,
        title="Result",
        description=(
            "An expression, or a text with `{{ }}`, as in `blocks.letter.output`. Empty: the "
            "output of the last block."
        ),
        json_schema_extra=shown(kind="expression", also="template", group="Result"),
    )
