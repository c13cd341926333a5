"""What every pattern is, and all it may do: patterns reach the world only through `RunContext`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from designs.graph.spec import Agent, Block, Connection, Graph, Problem, Role, Source


class Settings(BaseModel):
    """Base of a pattern's settings: unknown keys and wrong types are problems, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


S = TypeVar("S", bound=Settings)
# Named here because inside `Pattern` the word `type` is the block's.
SettingsType = type[Settings]


# The source of what no block delivers: no block has this id.
RUN_INPUT = ""


# What follows is not frozen, though nobody changes one: a frozen one takes four times as long to
# make, and each step makes several.


@dataclass(slots=True)
class Delivery:
    """What one taken connection brought: the source block's output, or one agent's of it.

    A block without incoming connections may be given the run's input (source `RUN_INPUT`).
    """

    source: str
    source_agent: str | None
    value: Any


@dataclass(slots=True)
class Part:
    """One labelled piece of a prompt, sent as data: text as text, anything else as JSON.

    `template` is what its text was made from: so the words that ask are told from those of the run.
    """

    label: str
    value: Any
    template: str | None = None


@dataclass(slots=True)
class Answer:
    """What an agent said: `text` always, `value` the parsed object when a schema was asked for.

    A lenient question's `value` may be anything: JSON that does not fit, or None if it was none.
    """

    text: str
    value: Any = None


@dataclass(slots=True)
class BlockOutput:
    """What a block hands on.

    `value` goes along block connections, `by_agent` along agent connections. `routes` is None, or
    the names of the outgoing routes that are taken (target block's id or the connection's `route`).
    """

    value: Any
    by_agent: dict[str, Any] = field(default_factory=dict)
    routes: frozenset[str] | None = None


class BlockFailed(Exception):
    """A pattern could not reach its goal; the sentence says which agent or rule, and why."""


class RunContext(Protocol):
    """The engine's side of one block's run."""

    @property
    def graph(self) -> Graph:
        """The whole design that runs."""
        ...

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
        """One model call, kept under block/agent/round/purpose; the same four: the same answer.

        The agent's system prompt is rendered and sent by the engine; `parts` is the rest. With a
        `schema` (of an object) the answer must fit it; one that does not is corrected once. If it
        does not fit then either, that is a failure, or with `lenient` an answer like any other: it
        is kept, and the pattern takes of it what is valid.

        `later` says that the block can go on without this answer, and how many questions follow one
        another after it: the answer gets a share of the block's time, and is lost after that
        (AgentFailed). Without it the answer may take all the time there is.

        Raises executor errors that the block's `retries` and `on_error` deal with; a pattern that
        tolerates a lost member catches `AgentFailed`.
        """
        ...

    def render(self, template: str) -> Any:
        """The template's value over `input`, `blocks`, `execution`, `incoming`; raises
        ExpressionError.
        """
        ...

    def evaluate(self, expression: str) -> Any:
        """The expression's value over the same names; raises ExpressionError."""
        ...

    def deliveries(self, agent: Agent) -> Sequence[Delivery]:
        """What the block's taken connections brought for this agent, in the document's order.

        Without connections it is the run's input, unless the block reads that itself.
        """
        ...

    def degrade(self, reason: str) -> None:
        """Mark the run as reached in part only, with a sentence that says what is missing."""
        ...


class AgentFailed(Exception):
    """One agent's call failed for good (retries and fallbacks spent); `reason` is a sentence for
    people.
    """

    def __init__(self, agent_id: str, reason: str) -> None:
        super().__init__(f"{agent_id}: {reason}")
        self.agent_id = agent_id
        self.reason = reason


class Pattern(ABC, Generic[S]):
    """One block type: its palette entry, its settings, its rules and its behaviour."""

    type: ClassVar[str]
    label: ClassVar[str]
    summary: ClassVar[str]
    settings_type: ClassVar[SettingsType]
    roles: ClassVar[frozenset[str]] = frozenset(get_args(Role))
    min_agents: ClassVar[int] = 1
    max_agents: ClassVar[int] = 50
    available: ClassVar[bool] = True
    # Whether outgoing connections may name a `route`, of which a run takes some.
    chooses_routes: ClassVar[bool] = False

    def sources(self, settings: S) -> Iterable[Source]:
        """The expressions and templates in the settings: they are checked with the document."""
        return ()

    def check(self, block: Block, settings: S) -> Iterable[Problem]:
        """Rules beyond types, with paths relative to the block (`/settings/require`)."""
        return ()

    def check_outgoing(
        self, block: Block, settings: S, path: str, outgoing: Mapping[str, Connection]
    ) -> Iterable[Problem]:
        """Rules on the connections that leave the block. `path` is the block's, the keys of
        `outgoing` are the connections'; problems have whole paths.
        """
        return ()

    @abstractmethod
    async def run(self, block: Block, settings: S, context: RunContext) -> BlockOutput:
        """Play the block once. Raises BlockFailed, AgentFailed, ExpressionError."""


class InstantPattern(Pattern[S]):
    """A block that computes without waiting: the engine runs it in place, without a task of its
    own.
    """

    @abstractmethod
    def compute(self, block: Block, settings: S, context: RunContext) -> Any:
        """The block's output value. Raises ExpressionError, BlockFailed."""

    async def run(self, block: Block, settings: S, context: RunContext) -> BlockOutput:
        return BlockOutput(self.compute(block, settings, context))
