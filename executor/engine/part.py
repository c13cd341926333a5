"""A part of a graph: one block alone, with given outputs of the blocks that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from designs.graph.expressions import Expression
from designs.graph.reads import Reads
from designs.patterns.base import BlockOutput
from executor.engine.arrivals import given_arrivals
from executor.engine.compile import CompiledBlock, CompiledGraph

__all__ = [
    "CompiledBlock", "CompiledGraph", "edited_graph", "find_block", "is_reached", "outputs_read",
    "part_of", "reads_run_input",
]  # fmt: skip


def part_of(compiled: CompiledGraph, only: str, given: Mapping[str, BlockOutput]) -> CompiledGraph:
    """The graph of which only this block runs, as if the given blocks had just delivered.

    Nothing follows it, and its output is the result. Raises KeyError if there is no such block.
    """
    block = find_block(compiled, only)
    alone = replace(block, outgoing=(), has_conditions=False)
    return replace(
        compiled,
        blocks=tuple(alone if other is block else other for other in compiled.blocks),
        roots=(block.number,),
        terminals=(block.number,),
        output=None,
        output_check=None,
        first=(),
        given=given,
    )


def edited_graph(compiled: CompiledGraph, given: Mapping[str, Mapping[str, Any]]) -> CompiledGraph:
    """The graph in which these blocks get other outputs of their sources than were delivered."""
    blocks = (
        replace(block, edited=given[block.id]) if block.id in given else block
        for block in compiled.blocks
    )
    return replace(compiled, blocks=tuple(blocks), first=())


def find_block(compiled: CompiledGraph, block_id: str) -> CompiledBlock:
    """Raises KeyError if there is no such block."""
    for block in compiled.blocks:
        if block.id == block_id:
            return block
    raise KeyError(block_id)


def outputs_read(block: CompiledBlock) -> list[tuple[str, str | None]]:
    """The outputs that are connected to it or named in its expressions: block ids, each with the
    agent whose output it is (None: the block's own).
    """
    sources = [link.connection for link in block.incoming]
    outputs = dict.fromkeys((source.source, source.source_agent) for source in sources)
    for reads in _reads(block):
        paths = [path for path in reads.paths if path[0] == "blocks" and len(path) > 1]
        outputs.update(dict.fromkeys((path[1], None) for path in paths))
    return [(name, agent) for name, agent in outputs if name in block.ancestors]


def reads_run_input(block: CompiledBlock) -> bool:
    return not block.incoming or any(reads.reads("input") for reads in _reads(block))


def is_reached(block: CompiledBlock, given: Mapping[str, BlockOutput]) -> bool:
    """Whether any connection to the block brings something, or there are none."""
    return not block.incoming or any(given_arrivals(block, given))


def _reads(block: CompiledBlock) -> Iterator[Reads]:
    yield from (template.reads for template in block.templates.values())
    for source in block.pattern.sources(block.settings):
        if not source.is_template:
            yield Expression.compile(source.text).reads
