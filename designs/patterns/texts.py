"""All expressions and templates of a checked graph, with their places and what they read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from designs.graph.expressions import Expression, Template, compile_output
from designs.graph.reads import Reads
from designs.graph.spec import Block, Connection, Graph
from designs.patterns.catalogue import PALETTE, read_settings


@dataclass(frozen=True, slots=True)
class Text:
    """`owner` is the block or connection that it belongs to, None for the design's result."""

    path: str
    source: str
    compile: Callable[[str], Expression | Template]
    owner: Block | Connection | None

    @property
    def reads(self) -> Reads:
        return self.compile(self.source).reads


def texts_of(graph: Graph) -> Iterator[Text]:
    for number, block in enumerate(graph.blocks):
        yield from _of_block(block, f"/blocks/{number}")
    for number, connection in enumerate(graph.connections):
        if connection.when is not None:
            path = f"/connections/{number}/when"
            yield Text(path, connection.when, Expression.compile, connection)
    if graph.output and graph.output.strip():
        yield Text("/output", graph.output, compile_output, None)


def _of_block(block: Block, place: str) -> Iterator[Text]:
    if "{{" in block.task:
        yield Text(f"{place}/task", block.task, Template.compile, block)
    for turn, agent in enumerate(block.agents):
        if "{{" in agent.system_prompt:
            path = f"{place}/agents/{turn}/system_prompt"
            yield Text(path, agent.system_prompt, Template.compile, block)
    for source in PALETTE[block.type].sources(read_settings(block)):
        kind = Template.compile if source.is_template else Expression.compile
        yield Text(place + source.path, source.text, kind, block)
