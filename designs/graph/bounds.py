"""Bounds of a design: how many model calls, answer tokens and dollars one run takes at most."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from designs.graph.nesting import MAX_NESTED, Body, in_place_document
from designs.graph.spec import Agent, Block, Connection, Graph

# A failed call is tried again up to this often, whatever `retries` says.
MAX_RETRIES = 4
# A question of which nothing better is known: its prompt beyond the author's words, and its answer.
INPUT_TOKENS = 1_000
OUTPUT_TOKENS = 1_000
CHARACTERS_PER_TOKEN = 4
# Beyond this, branches that exclude each other are counted one and all.
MAX_STEPS = 200_000


class Price(Protocol):
    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        """The cost of one call in US dollars."""
        ...


PriceOf = Callable[[str], Price | None]


@dataclass(frozen=True, slots=True)
class Questions:
    """At most `count` questions, each to any one of `agents`."""

    agents: Sequence[Agent]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Of these routes, by their connections, at most `most` are taken."""

    routes: Mapping[str, Sequence[Connection]]
    most: int


class Asking(Protocol):
    """The properties of a block type that the bounds need."""

    @property
    def settings_type(self) -> Any: ...

    def most_calls(self, block: Block, settings: Any) -> Iterable[Questions]: ...

    def choice(
        self, block: Block, settings: Any, outgoing: Collection[Connection]
    ) -> Choice | None: ...

    def body(self, settings: Any) -> Body | None: ...

    def most_plays(self, settings: Any) -> int: ...


# The graph that a body stands for, if it is there.
GraphOf = Callable[[Body], Graph | None]


def _nothing_nested(body: Body) -> Graph | None:
    return None


@dataclass(frozen=True, slots=True)
class BlockBound:
    """Of one run of a block alone; as in `Bound`."""

    calls: int
    tokens_out: int | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Bound:
    """Of one run. `calls` are first tries; `calls_with_retries` all tries of all models.

    Not counted as a try: waiting for a rate limit, and repeating without streaming. `tokens_out`
    is None if an answer has no limit. `cost_usd` is an estimate for the first tries (see
    INPUT_TOKENS), None if the price of a model is unknown; `unpriced` names these.
    """

    calls: int
    calls_with_retries: int
    tokens_out: int | None
    cost_usd: Decimal | None
    unpriced: tuple[str, ...]
    # Of the blocks that ask models, by their ids.
    blocks: Mapping[str, BlockBound] = field(default_factory=dict)


def bound_of(
    graph: Graph,
    palette: Mapping[str, Asking],
    default_models: Sequence[str],
    price_of: PriceOf,
    graph_of: GraphOf = _nothing_nested,
) -> Bound:
    """The bound of a graph that was checked without problems. Designs that it plays count as often
    as they may be played; one that `graph_of` does not find counts as nothing.
    """
    count = _Count(graph, palette, default_models, price_of, graph_of)
    calls, tries, tokens, cost = count.total()
    return Bound(
        calls=int(calls),
        calls_with_retries=int(tries),
        tokens_out=None if count.is_unlimited else int(tokens),
        cost_usd=None if count.unpriced else Decimal(cost),
        unpriced=tuple(count.unpriced),
        blocks=count.blocks,
    )


# Calls, tries, tokens of answers, cost.
Measures = tuple[int | Decimal, ...]
NOTHING: Measures = (0, 0, 0, Decimal(0))


def _plus(first: Measures, second: Measures) -> Measures:
    return tuple(one + other for one, other in zip(first, second, strict=True))


def _minus(first: Measures, second: Measures) -> Measures:
    return tuple(one - other for one, other in zip(first, second, strict=True))


@dataclass(frozen=True, slots=True)
class _Inside:
    """What one play of a body takes at most."""

    total: Measures = NOTHING
    is_unlimited: bool = False
    unpriced: tuple[str, ...] = ()


@dataclass(slots=True)
class _Count:
    graph: Graph
    palette: Mapping[str, Asking]
    default_models: Sequence[str]
    price_of: PriceOf
    graph_of: GraphOf
    depth: int = 1
    inside: dict[str, _Inside] = field(default_factory=dict)
    is_unlimited: bool = False
    unpriced: dict[str, None] = field(default_factory=dict)
    blocks: dict[str, BlockBound] = field(default_factory=dict)
    # Of the block that is being counted.
    _is_unlimited: bool = False
    _is_unpriced: bool = False
    _prices: dict[str, Price | None] = field(default_factory=dict)
    _steps: int = MAX_STEPS

    def total(self) -> Measures:
        """All blocks together, less what routers leave out."""
        leaving: dict[str, list[Connection]] = {block.id: [] for block in self.graph.blocks}
        for connection in self.graph.connections:
            leaving[connection.source].append(connection)
        weights: dict[str, Measures] = {}
        choices: dict[str, Choice] = {}
        for block in self.graph.blocks:
            pattern = self.palette[block.type]
            settings = pattern.settings_type.model_validate(block.settings)
            played = self._played(pattern, settings)
            weights[block.id] = self._weight(block, pattern.most_calls(block, settings), played)
            choice = pattern.choice(block, settings, leaving[block.id])
            if choice is not None and len(choice.routes) > choice.most:
                choices[block.id] = choice
        total = NOTHING
        for weight in weights.values():
            total = _plus(total, weight)
        return _minus(total, self._left_out(weights, choices, leaving)) if choices else total

    # --- One block --------------------------------------------------------------------------------

    def _played(self, pattern: Asking, settings: Any) -> _Inside:
        """What one run of a block plays inside itself at most."""
        body = pattern.body(settings)
        if body is None or self.depth >= MAX_NESTED:
            return _Inside()
        found = self.inside.get(body.name) if body.name else None
        if found is None:
            found = self._of_body(body)
            if body.name:
                self.inside[body.name] = found
        times = pattern.most_plays(settings)
        total = tuple(times * value for value in found.total)
        return _Inside(total, found.is_unlimited, found.unpriced)

    def _of_body(self, body: Body) -> _Inside:
        if body.block is not None:
            graph: Graph | None = Graph.model_validate(
                in_place_document(body.block, self.graph.model)
            )
        else:
            graph = self.graph_of(body)
        if graph is None:
            return _Inside()
        inner = _Count(
            graph, self.palette, self.default_models, self.price_of, self.graph_of, self.depth + 1,
            self.inside,
        )  # fmt: skip
        total = inner.total()
        return _Inside(total, inner.is_unlimited, tuple(inner.unpriced))

    def _weight(self, block: Block, questions: Iterable[Questions], played: _Inside) -> Measures:
        total = played.total
        self._is_unlimited, self._is_unpriced = played.is_unlimited, bool(played.unpriced)
        self.unpriced.update(dict.fromkeys(played.unpriced))
        for asked in questions:
            if asked.count and asked.agents:
                each = [self._of_question(block, agent) for agent in asked.agents]
                dearest = tuple(max(values) for values in zip(*each, strict=True))
                total = _plus(total, tuple(asked.count * value for value in dearest))
        calls, _, tokens, cost = total
        if calls:
            self.is_unlimited = self.is_unlimited or self._is_unlimited
            self.blocks[block.id] = BlockBound(
                int(calls),
                None if self._is_unlimited else int(tokens),
                None if self._is_unpriced else Decimal(cost),
            )
        return total

    def _of_question(self, block: Block, agent: Agent) -> Measures:
        models = agent.model or self.graph.model or self.default_models
        chain = (models,) if isinstance(models, str) else models
        # The first try, the retries, and one correction of an answer that does not fit.
        tries = len(chain) * (2 + min(block.retries, MAX_RETRIES))
        if agent.max_output_tokens is None:
            self._is_unlimited = True
        tokens = agent.max_output_tokens or OUTPUT_TOKENS
        sent = len(agent.system_prompt) + len(block.task)
        cost = self._cost(chain[0], INPUT_TOKENS + sent // CHARACTERS_PER_TOKEN, tokens)
        # Each turn with tools is one call, and so is the last one without.
        turns = 1 + agent.tool_limits.turns if agent.tools else 1
        return turns, turns * tries, turns * tokens, turns * cost

    def _cost(self, model: str, input_tokens: int, output_tokens: int) -> Decimal:
        if model not in self._prices:
            self._prices[model] = self.price_of(model)
        price = self._prices[model]
        if price is None:
            self.unpriced[model] = None
            self._is_unpriced = True
            return Decimal(0)
        return price.of(input_tokens, output_tokens)

    # --- What routers leave out -------------------------------------------------------------------

    def _left_out(
        self,
        weights: Mapping[str, Measures],
        choices: Mapping[str, Choice],
        leaving: Mapping[str, Sequence[Connection]],
    ) -> Measures:
        """The least that routers leave out, for each measure.

        A block depends on a route if every way to it takes that route. Blocks that depend on
        different routes of a router are different ones, and those of a router within are all
        within: so the inner routers come first, and each leaves out all routes but the dearest.
        """
        order = _in_order(leaving)
        arriving: dict[str, list[Connection]] = {name: [] for name in leaving}
        for connection in self.graph.connections:
            arriving[connection.target].append(connection)
        saved: dict[str, Measures] = {}
        for name in reversed(order):
            if name not in choices:
                continue
            choice = choices[name]
            routes = []
            for connections in choice.routes.values():
                total = NOTHING
                for dependent in self._dependent(connections, order, arriving):
                    total = _plus(total, weights[dependent])
                    if dependent in saved:
                        total = _minus(total, saved[dependent])
                routes.append(total)
            saved[name] = tuple(
                sum(sorted(values)[: -choice.most]) for values in zip(*routes, strict=True)
            )
        left_out = NOTHING
        for measures in saved.values():
            left_out = _plus(left_out, measures)
        return left_out

    def _dependent(
        self,
        cut: Collection[Connection],
        order: Sequence[str],
        arriving: Mapping[str, Sequence[Connection]],
    ) -> list[str]:
        """The blocks that do not run unless one of these connections is taken."""
        ids = {connection.id for connection in cut}
        found: dict[str, None] = {}
        for name in order:
            ways = arriving[name]
            self._steps -= 1 + len(ways)
            if self._steps < 0:
                return []
            if ways and all(way.id in ids or way.source in found for way in ways):
                found[name] = None
        return list(found)


def _in_order(leaving: Mapping[str, Sequence[Connection]]) -> list[str]:
    """The blocks so that each comes after those that lead to it."""
    waiting = dict.fromkeys(leaving, 0)
    for connections in leaving.values():
        for connection in connections:
            waiting[connection.target] += 1
    order = [name for name, count in waiting.items() if count == 0]
    for name in order:
        for connection in leaving[name]:
            waiting[connection.target] -= 1
            if waiting[connection.target] == 0:
                order.append(connection.target)
    return order
