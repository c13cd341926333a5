"""A checked graph made ready to run: adjacency, settings and expressions, once for all its runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.expressions import Expression, Template, compile_output
from designs.graph.schema_check import SchemaCheck
from designs.graph.spec import Block, Connection, Graph
from designs.graph.uses import reads_input
from designs.patterns import catalogue
from designs.patterns.base import InstantPattern, Pattern, Settings
from executor.engine.journal import step_key

# So many begin before any of them can end.
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

    `utility_key` is the key of the one step of a block that asks no model, else empty. One that
    `takes_input` is delivered the run's input: it has no connection to it, and does not read it.
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
    # Whether any of the outgoing connections has one.
    has_conditions: bool
    # Its texts with expressions, by their source: read once for all runs. To read a long one takes
    # seconds, in which no event loop may be held.
    templates: Mapping[str, Template]

    @property
    def id(self) -> str:
        return self.block.id


@dataclass(frozen=True, slots=True, eq=False)
class CompiledGraph:
    """A graph ready to run any number of times, at once too. Made by `compile_graph`.

    `first` are the ids of the blocks with which every run begins, if these are few and take time;
    else none: what a block that computes comes to may keep others from beginning.
    """

    graph: Graph
    blocks: tuple[CompiledBlock, ...]
    roots: tuple[int, ...]
    terminals: tuple[int, ...]
    output: Expression | Template | None
    output_check: SchemaCheck | None = None
    first: tuple[str, ...] = ()

    @property
    def is_instant(self) -> bool:
        """True if every block only computes: such a run reaches nothing outside."""
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
        link = _link(connection, numbers, incoming)
        incoming[link.target].append(link)
        outgoing[link.source].append(link)
    ancestors = _ancestors(graph, incoming, outgoing)
    blocks = tuple(
        _block(number, block, patterns, incoming[number], outgoing[number], ancestors[number])
        for number, block in enumerate(graph.blocks)
    )
    roots = [block for block in blocks if not block.incoming]
    return CompiledGraph(
        graph=graph,
        blocks=blocks,
        roots=tuple(block.number for block in roots),
        terminals=tuple(block.number for block in blocks if not block.outgoing),
        output=_output(graph.output),
        output_check=None if graph.output_schema is None else SchemaCheck(graph.output_schema),
        first=_first(roots),
    )


def _first(roots: Sequence[CompiledBlock]) -> tuple[str, ...]:
    if len(roots) > MAX_FIRST or any(block.instant is not None for block in roots):
        return ()
    return tuple(block.id for block in roots)


def _output(source: str | None) -> Expression | Template | None:
    return compile_output(source) if source is not None and source.strip() else None


def _link(connection: Connection, numbers: dict[str, int], incoming: list[list[Link]]) -> Link:
    try:
        source, target = numbers[connection.source], numbers[connection.target]
    except KeyError as missing:
        raise ValueError(f"Connection '{connection.id}': there is no block {missing}.") from missing
    return Link(
        connection=connection,
        source=source,
        target=target,
        place=len(incoming[target]),
        route=connection.route or connection.target,
        when=None if connection.when is None else Expression.compile(connection.when),
    )


def _block(
    number: int,
    block: Block,
    patterns: Palette,
    incoming: list[Link],
    outgoing: list[Link],
    ancestors: tuple[str, ...],
) -> CompiledBlock:
    pattern = patterns.get(block.type)
    if pattern is None:
        raise ValueError(f"Block '{block.id}': there is no block type '{block.type}'.")
    settings = _settings(pattern, block)
    utility = pattern.max_agents == 0 or isinstance(pattern, InstantPattern)
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
        templates=_templates(block, pattern, settings),
    )


def _templates(block: Block, pattern: Pattern[Any], settings: Settings) -> dict[str, Template]:
    sources = [block.task, *(agent.system_prompt for agent in block.agents)]
    sources += [found.text for found in pattern.sources(settings) if found.is_template]
    return {source: Template.compile(source) for source in sources if "{{" in source}


def _settings(pattern: Pattern[Any], block: Block) -> Settings:
    if catalogue.PALETTE.get(block.type) is pattern:
        return catalogue.read_settings(block)
    return pattern.settings_type.model_validate(block.settings)


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
