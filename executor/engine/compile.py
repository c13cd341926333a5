"""Compiles a checked graph once for all its runs: adjacency, settings and expressions."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from designs.graph.expressions import Expression, Template, compile_output
from designs.graph.nesting import Body, bodies_of_tools, in_place_document
from designs.graph.schema_check import SchemaCheck
from designs.graph.spec import Block, Connection, Graph
from designs.graph.uses import reads_input
from designs.patterns import catalogue
from designs.patterns.base import BlockOutput, InstantPattern, Pattern, Settings
from executor.engine.journal import step_key

# More blocks than this may not all have begun before one of them ends.
MAX_FIRST = 20

Palette = Mapping[str, Pattern[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A connection between block numbers; `place` is its place among the target's incoming ones."""

    connection: Connection
    source: int
    target: int
    place: int
    route: str
    when: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledBlock:
    """A block with its pattern. `ancestors` are the ids of all blocks upstream of it.

    `utility_key` is the key of the only step of a block that asks no model, else empty. A block
    that `takes_input` is delivered the run's input: nothing is connected to it, and its expressions
    do not read the input.
    """

    number: int
    block: Block
    name: str
    pattern: Pattern[Any]
    settings: Settings
    instant: InstantPattern[Any] | None
    utility_key: str
    incoming: tuple[Link, ...]
    outgoing: tuple[Link, ...]
    ancestors: tuple[str, ...]
    takes_input: bool
    # Whether any outgoing connection has a condition.
    has_conditions: bool
    # By source, compiled once: a long text takes seconds, which must not block an event loop.
    templates: Mapping[str, Template]
    # Outputs of its sources, by their ids, that it gets instead of theirs.
    edited: Mapping[str, Any] = field(default_factory=dict)
    # What it plays inside itself, and the graph of that if it is a block in place.
    body: Body | None = None
    inner: CompiledGraph | None = None

    @property
    def id(self) -> str:
        return self.block.id


@dataclass(frozen=True, slots=True, eq=False)
class CompiledGraph:
    """A graph that can run any number of times, also concurrently. Made by `compile_graph`.

    `first` are the ids of the blocks that every run begins with. It is empty if these are many, or
    if one of them only computes: its failure may keep others from beginning. `given` are outputs,
    by block id, of blocks that do not run here (`part`). `named` are the designs that its blocks
    play, also those in place.
    """

    graph: Graph
    blocks: tuple[CompiledBlock, ...]
    roots: tuple[int, ...]
    terminals: tuple[int, ...]
    output: Expression | Template | None
    output_check: SchemaCheck | None = None
    first: tuple[str, ...] = ()
    given: Mapping[str, BlockOutput] = field(default_factory=dict)
    input_check: SchemaCheck | None = None
    named: tuple[Body, ...] = ()

    @property
    def keeps_steps(self) -> bool:
        """Whether a block calls the outside by itself, here or in place."""
        return any(b.pattern.keeps_steps or (b.inner and b.inner.keeps_steps) for b in self.blocks)

    @property
    def is_instant(self) -> bool:
        """True if every block only computes, so that a run makes no call to the outside."""
        return all(block.instant is not None for block in self.blocks)


def compile_graph(graph: Graph, palette: Palette | None = None) -> CompiledGraph:
    """Prepare a graph that was checked without problems.

    `palette` replaces the catalogue's patterns. Raises ValueError if the graph was not checked: it
    has a cycle, an unknown type, or settings that do not fit.
    """
    patterns = catalogue.PALETTE if palette is None else palette
    numbers = {block.id: number for number, block in enumerate(graph.blocks)}
    incoming: list[list[Link]] = [[] for _ in graph.blocks]
    outgoing: list[list[Link]] = [[] for _ in graph.blocks]
    for connection in graph.connections:
        try:
            source, target = numbers[connection.source], numbers[connection.target]
        except KeyError as missing:
            sentence = f"Connection '{connection.id}': there is no block {missing}."
            raise ValueError(sentence) from missing
        link = Link(
            connection=connection,
            source=source,
            target=target,
            place=len(incoming[target]),
            route=connection.route or connection.target,
            when=None if connection.when is None else Expression.compile(connection.when),
        )
        incoming[target].append(link)
        outgoing[source].append(link)
    ancestors = _ancestors(graph, incoming, outgoing)
    blocks = tuple(
        _block(
            number,
            block,
            patterns,
            incoming[number],
            outgoing[number],
            ancestors[number],
            graph.model,
        )  # fmt: skip
        for number, block in enumerate(graph.blocks)
    )
    roots = [block for block in blocks if not block.incoming]
    all_take_time = all(block.instant is None for block in roots)
    return CompiledGraph(
        graph=graph,
        blocks=blocks,
        roots=tuple(block.number for block in roots),
        terminals=tuple(block.number for block in blocks if not block.outgoing),
        output=compile_output(graph.output) if graph.output and graph.output.strip() else None,
        output_check=None if graph.output_schema is None else SchemaCheck(graph.output_schema),
        first=tuple(b.id for b in roots) if all_take_time and len(roots) <= MAX_FIRST else (),
        input_check=None if graph.input_schema is None else SchemaCheck(graph.input_schema),
        named=tuple(dict.fromkeys(body for block in blocks for body in _named(block))),
    )


def _block(
    number: int,
    block: Block,
    patterns: Palette,
    incoming: list[Link],
    outgoing: list[Link],
    ancestors: tuple[str, ...],
    model: Any,
) -> CompiledBlock:
    pattern = patterns.get(block.type)
    if pattern is None:
        raise ValueError(f"Block '{block.id}': there is no block type '{block.type}'.")
    if catalogue.PALETTE.get(block.type) is pattern:
        settings: Settings = catalogue.read_settings(block)
    else:
        settings = pattern.settings_type.model_validate(block.settings)
    sources = [block.task, *(agent.system_prompt for agent in block.agents)]
    sources += [source.text for source in pattern.sources(settings) if source.is_template]
    body = pattern.body(settings)
    # What a block plays has steps of its own.
    computes = body is None and not pattern.keeps_steps
    utility = computes and (pattern.max_agents == 0 or isinstance(pattern, InstantPattern))
    return CompiledBlock(
        number=number,
        block=block,
        name=block.label or block.id,
        pattern=pattern,
        settings=settings,
        instant=pattern if isinstance(pattern, InstantPattern) else None,
        utility_key=step_key(block.id, None, 1, block.type) if utility else "",
        incoming=tuple(incoming),
        outgoing=tuple(outgoing),
        ancestors=ancestors,
        takes_input=not incoming and not utility and not reads_input(block),
        has_conditions=any(link.when is not None for link in outgoing),
        templates={source: Template.compile(source) for source in sources if "{{" in source},
        body=body,
        inner=_in_place(body, patterns, model),
    )


def _in_place(body: Body | None, palette: Palette, model: Any) -> CompiledGraph | None:
    if body is None or body.block is None:
        return None
    return compile_graph(Graph.model_validate(in_place_document(body.block, model)), palette)


def _named(block: CompiledBlock) -> tuple[Body, ...]:
    if block.inner is not None:
        return block.inner.named
    own = () if block.body is None else (block.body,)
    return (*own, *bodies_of_tools(block.block))


def _ancestors(
    graph: Graph, incoming: list[list[Link]], outgoing: list[list[Link]]
) -> list[tuple[str, ...]]:
    """For each block the ids of all blocks upstream, in the document's order."""
    waiting = [len(links) for links in incoming]
    ready = deque(number for number, count in enumerate(waiting) if count == 0)
    above = [0] * len(waiting)
    seen = 0
    while ready:
        number = ready.popleft()
        seen += 1
        for link in outgoing[number]:
            above[link.target] |= above[number] | 1 << number
            waiting[link.target] -= 1
            if waiting[link.target] == 0:
                ready.append(link.target)
    if seen < len(waiting):
        raise ValueError("The graph has a cycle; check the document before it is compiled.")
    return [
        tuple(block.id for number, block in enumerate(graph.blocks) if bits >> number & 1)
        for bits in above
    ]
