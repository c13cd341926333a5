"""What is no mistake in a design, and probably not meant either."""

from __future__ import annotations

from collections.abc import Iterator

from designs.graph.expressions import Expression, Template
from designs.graph.reads import Reads
from designs.graph.spec import Block, Graph, Problem
from designs.graph.uses import reads_input
from designs.patterns.catalogue import PALETTE, read_settings

UNUSED_INPUT = (
    "Nothing in this design uses the input, though this schema has fields. Write `{{ input }}`, or "
    "one of its fields, where it is needed."
)


def hints(graph: Graph | None) -> tuple[Problem, ...]:
    """Of a graph that was checked without problems; none of one that has problems."""
    if graph is None:
        return ()
    fields = (graph.input_schema or {}).get("properties")
    if not fields or _is_given_input(graph) or any(map(_reads_input, _all_reads(graph))):
        return ()
    return (Problem("/input_schema", UNUSED_INPUT),)


def _is_given_input(graph: Graph) -> bool:
    """Whether a block is delivered the input because nothing leads to it."""
    targets = {connection.target for connection in graph.connections}
    roots = [block for block in graph.blocks if block.id not in targets and block.agents]
    return any(not reads_input(block) for block in roots)


def _all_reads(graph: Graph) -> Iterator[Reads]:
    for block in graph.blocks:
        yield from _reads_of(block)
    for connection in graph.connections:
        if connection.when is not None:
            yield Expression.compile(connection.when).reads
    if graph.output:
        is_template = "{{" in graph.output
        kind = Template if is_template else Expression
        yield kind.compile(graph.output).reads


def _reads_of(block: Block) -> Iterator[Reads]:
    for text in (block.task, *(agent.system_prompt for agent in block.agents)):
        yield Template.compile(text).reads
    for source in PALETTE[block.type].sources(read_settings(block)):
        kind = Template if source.is_template else Expression
        yield kind.compile(source.text).reads


def _reads_input(reads: Reads) -> bool:
    return reads.everything or any(path[0] == "input" for path in reads.paths)
