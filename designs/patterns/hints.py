"""Hints at parts of a design that are valid but probably a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from designs.graph.expressions import Expression, Template, compile_output
from designs.graph.reads import Reads
from designs.graph.spec import Graph, Problem
from designs.graph.uses import reads_input
from designs.patterns.catalogue import PALETTE, read_settings

UNUSED_INPUT = (
    "Nothing in this design uses the input, though this schema has fields. Write `{{ input }}`, or "
    "one of its fields, where it is needed."
)


def hints(
    graph: Graph | None,
    is_hosted: Callable[[str], bool] = lambda name: False,
    default_models: Sequence[str] = (),
) -> tuple[Problem, ...]:
    """The hints for a graph without problems; empty without a graph."""
    if graph is None or not (graph.input_schema or {}).get("properties"):
        return ()
    targets = {connection.target for connection in graph.connections}
    for block in graph.blocks:
        # The agents of a block that nothing leads to get the input, unless the block reads it.
        if block.id not in targets and block.agents and not reads_input(block):
            return ()
    if any(reads.reads("input") for reads in _all_reads(graph)):
        return ()
    return (Problem("/input_schema", UNUSED_INPUT),)


def _all_reads(graph: Graph) -> Iterator[Reads]:
    for block in graph.blocks:
        for text in (block.task, *(agent.system_prompt for agent in block.agents)):
            yield Template.compile(text).reads
        for source in PALETTE[block.type].sources(read_settings(block)):
            kind = Template if source.is_template else Expression
            yield kind.compile(source.text).reads
    for connection in graph.connections:
        if connection.when is not None:
            yield Expression.compile(connection.when).reads
    if graph.output:
        yield compile_output(graph.output).reads
