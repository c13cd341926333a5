"""The base of all patterns, and `RunContext`, their only access to the world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from designs.graph.bounds import Choice, Questions
from designs.graph.nesting import Body
from designs.graph.spec import Agent, Block, Connection, Graph, Problem, Role, Source
from designs.patterns.calls import Called, HttpCall
from designs.patterns.shapes import ANY, Shape


class Settings(BaseModel):
    """Base of a pattern's settings: unknown keys and wrong types are problems, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


S = TypeVar("S", bound=Settings)
# Named here because inside `Pattern` the word `type` is the block's.
SettingsType = type[Settings]


# The source of the run's input: no block has this id.
RUN_INPUT = ""


# These are never changed but not frozen: a frozen dataclass takes four times as long to create, and
# each step creates several.


@dataclass(slots=True)
class Delivery:
    """The value of one taken connection: the output of the source block, or of one of its agents.

    A block without incoming connections may get the run's input (source `RUN_INPUT`).
    """

    source: str
    source_agent: str | None
    value: Any


@dataclass(slots=True)
class Part:
    """One labelled part of a prompt, sent as data: text as text, anything else as JSON.

    `template` is the source of its text; it tells the author's words from the run's values.
    """

    label: str
    value: Any
    template: str | None = None


@dataclass(slots=True)
class Answer:
    """An agent's answer: always its `text`; `value` is the parsed object if there was a schema.

    The `value` of a lenient question may be JSON that does not fit, or None without any JSON.
    """

    text: str
    value: Any = None


@dataclass(slots=True)
class BlockOutput:
    """A block's output: `value` for block connections, `by_agent` for agent connections.

    `routes` is None, or the names of the outgoing routes that are taken (target block's id or the
    connection's `route`).
    """

    value: Any
    by_agent: dict[str, Any] = field(default_factory=dict)
    routes: frozenset[str] | None = None


@dataclass(slots=True)
class Need:
    """What a block or a tool call waits for. `key`, unique in the run, is that of the step that
    asks.

    `due_at`, in seconds since the epoch, is when a wait of the kind `time` ends and when any other
    is decided without an answer. `request` has the other fields of the request to people.
    """

    key: str
    kind: Literal["approval", "tool_call", "unknown_outcome", "time"]
    block_id: str
    agent_id: str | None = None
    due_at: float | None = None
    request: Mapping[str, Any] = field(default_factory=dict)


class BlockFailed(Exception):
    """A pattern failed; the message is a sentence with the agent or rule, and the reason. `kind`
    is the failure's class.
    """

    def __init__(self, message: str, *, kind: str = "block") -> None:
        super().__init__(message)
        self.kind = kind


class NestedFailed(BlockFailed):
    """What a block plays has failed: `where`, as in "item 17", and the reason as a sentence."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class RunContext(Protocol):
    """The engine, as one run of a block sees it."""

    @property
    def graph(self) -> Graph: ...

    def results(self) -> Mapping[str, Any]:
        """Outputs of the blocks upstream that have one, by block id, in the document's order."""
        ...

    async def ask(
        self,
        agent: Agent,
        parts: Sequence[Part],
        *,
        purpose: str,
        round_number: int = 1,
        schema: dict[str, Any] | None = None,
        lenient: bool = False,
        later: int | None = None,
    ) -> Answer:
        """One model call, recorded by block, agent, round and purpose: the same four return the
        same answer.

        The engine renders and sends the agent's system prompt; `parts` is the rest. With a `schema`
        (of an object), an answer that does not fit is corrected once. If it still does not fit, the
        call fails, or with `lenient` it returns the answer, and the pattern takes the valid parts.

        `later` means that the block can continue without this answer: it is the number of further
        questions in sequence. The answer gets a share of the block's time, then raises AgentFailed.
        Without `later` the answer may take all the remaining time.

        Raises executor errors that the block's `retries` and `on_error` handle; a pattern that
        tolerates a lost member catches `AgentFailed`.
        """
        ...

    async def wait_for(self, need: Need) -> Mapping[str, Any]:
        """The decision: `decision`, `by`, and perhaps `votes`, `answers`, `reason`, `result`. Of a
        need of kind `time`, `waited_seconds` once it is due.

        Without one the caller is parked. The rest of the run goes on; when nothing of it is under
        way any more, it is let go, and later another attempt comes here again: it finds the answer.
        """
        ...

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def render(self, template: str) -> Any:
        """The template's value over the run's names. Raises ExpressionError."""
        ...

    def evaluate(self, expression: str) -> Any:
        """The expression's value over the run's names. Raises ExpressionError."""
        ...

    async def compute(self, expression: str, names: Mapping[str, Any] | None = None) -> Any:
        """As `evaluate`, with further names; what is expensive is computed in a thread."""
        ...

    async def fill(self, template: str, names: Mapping[str, Any] | None = None) -> Any:
        """As `render`, with further names; what is expensive is computed in a thread."""
        ...

    async def call(self, call: HttpCall, number: int) -> Called:
        """The answer to the request, the `number`th of the block: recorded, tried again where that
        is safe. Raises BlockFailed.
        """
        ...

    async def play(self, value: Any, *, number: int | None = None, where: str = "") -> Any:
        """The result of the block's `body` with this value as its input, played inside this run.

        The `number` tells apart several plays of one block; it is part of the keys of all steps
        inside. `where` says the same in words. Raises NestedFailed if the body fails; whatever ends
        the run ends this.
        """
        ...

    def tell(self, done: int, failed: int, total: int) -> None:
        """Tell those who follow the run how far the block is; told at most once a second."""
        ...

    def deliveries(self, agent: Agent) -> Sequence[Delivery]:
        """The deliveries of the taken connections for this agent, in the document's order.

        Without connections, the run's input, unless the block reads that itself.
        """
        ...

    def degrade(self, reason: str) -> None:
        """Mark the run as degraded, with a sentence about what is missing."""
        ...


class AgentFailed(Exception):
    """An agent's call failed after all retries and fallbacks; `reason` is a sentence for people."""

    def __init__(self, agent_id: str, reason: str) -> None:
        super().__init__(f"{agent_id}: {reason}")
        self.agent_id = agent_id
        self.reason = reason


class Pattern(ABC, Generic[S]):
    """A block type: its palette entry, settings, rules and behaviour."""

    type: ClassVar[str]
    label: ClassVar[str]
    summary: ClassVar[str]
    settings_type: ClassVar[SettingsType]
    roles: ClassVar[frozenset[str]] = frozenset(get_args(Role))
    min_agents: ClassVar[int] = 1
    max_agents: ClassVar[int] = 50
    # Whether a run chooses among the outgoing connections by their `route`.
    chooses_routes: ClassVar[bool] = False
    # Its routes, if they are always the same.
    fixed_routes: ClassVar[tuple[str, ...]] = ()
    # Whether its connections are about when the next blocks begin, not about what they get.
    is_about_time: ClassVar[bool] = False
    # What a new block begins with, and the role of an agent that is added to one.
    new_agents: ClassVar[tuple[Agent, ...]] = ()
    new_settings: ClassVar[Mapping[str, Any]] = {}
    default_role: ClassVar[Role] = "worker"
    # What agents do by their role, in a few words.
    role_words: ClassVar[Mapping[str, str]] = {}
    # Whether each call of it is recorded as a step of its own, instead of the block as one.
    keeps_steps: ClassVar[bool] = False
    # Fields of `Block` that mean nothing here.
    unused_fields: ClassVar[frozenset[str]] = frozenset()
    # The shape of the output, see `shapes`.
    output: ClassVar[Shape] = ANY

    def sources(self, settings: S) -> Iterable[Source]:
        """The expressions and templates in the settings, which are checked with the document."""
        return ()

    def body(self, settings: S) -> Body | None:
        """What the block plays inside itself; None if nothing."""
        return None

    def most_plays(self, settings: S) -> int:
        """How often one run of the block plays its body at most."""
        return 1

    def check(self, block: Block, settings: S) -> Iterable[Problem]:
        """Problems beyond types, with paths relative to the block (`/settings/require`)."""
        return ()

    def answers_freely(self, block: Block, settings: S) -> Collection[str]:
        """The agents, by id, that `ask` in this block passes their `output_schema` for."""
        return ()

    def check_outgoing(
        self, block: Block, settings: S, path: str, outgoing: Mapping[str, Connection]
    ) -> Iterable[Problem]:
        """Problems of the outgoing connections, with absolute paths.

        `path` is the block's; the keys of `outgoing` are the paths of the connections.
        """
        return ()

    @abstractmethod
    def most_calls(self, block: Block, settings: S) -> Iterable[Questions]:
        """The questions that one run of the block asks at most."""

    def choice(self, block: Block, settings: S, outgoing: Collection[Connection]) -> Choice | None:
        """The outgoing connections among which a run chooses; None if all are taken."""
        return None

    @abstractmethod
    async def run(self, block: Block, settings: S, context: RunContext) -> BlockOutput:
        """Run the block once. Raises BlockFailed, AgentFailed, ExpressionError."""

    def of_record(self, block: Block, settings: S, value: Any, context: RunContext) -> BlockOutput:
        """The output of a block without agents, from the value that an earlier attempt recorded."""
        return BlockOutput(value)


class InstantPattern(Pattern[S]):
    """A block that computes without waiting; the engine runs it without a separate task."""

    @abstractmethod
    def compute(self, block: Block, settings: S, context: RunContext) -> Any:
        """The block's output value. Raises ExpressionError, BlockFailed."""

    def most_calls(self, block: Block, settings: S) -> Iterable[Questions]:
        return ()

    async def run(self, block: Block, settings: S, context: RunContext) -> BlockOutput:
        return BlockOutput(self.compute(block, settings, context))
