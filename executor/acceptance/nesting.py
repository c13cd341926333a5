"""Designs inside a design: which versions a run plays, frozen at its acceptance, and how deep."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from designs.errors import DesignInvalid
from designs.graph.nesting import MAX_NESTED, MAX_NESTED_BLOCKS, Body, bodies_of_tools
from designs.models import DesignVersion
from designs.nested.places import Found, find_bodies
from executor.acceptance.documents import (
    cached_version,
    compile_document,
    compiled_version,
    with_model,
)
from executor.engine.runner import CompiledGraph
from executor.errors import NestedMissing, NestingTooDeep
from executor.models import Execution

Graphs = Mapping[str, CompiledGraph]


def resolve(compiled: CompiledGraph, name: str) -> dict[str, Any] | None:
    """What the execution stores as `nested`: the version that each design named in the graph stands
    for, to the whole depth. None, and no query, if it names none.

    Raises NestedMissing; NestingTooDeep with the chain of designs.
    """
    if not compiled.named:
        _check_depth(compiled, name, {}, {})
        return None
    found, graphs = _all_of(compiled)
    _check_depth(compiled, name, graphs, found)
    return {
        key: {"version_id": str(one.version_id), "design_id": str(one.design_id),
              "number": one.number, "name": one.design_name}
        for key, one in found.items()
    }  # fmt: skip


def cached_nested(execution: Execution) -> Graphs | None:
    """The graphs that the execution's blocks play, if this process has them all at hand."""
    if not execution.nested:
        return {}
    if execution.model_override is not None:
        return None
    graphs = {name: cached_version(pk) for name, pk in _versions(execution)}
    return None if None in graphs.values() else {name: g for name, g in graphs.items() if g}


def nested_graphs(execution: Execution) -> Graphs:
    """The graphs that the execution's blocks play, by the names of their bodies. Raises
    DesignInvalid.
    """
    model = execution.model_override
    if model is None:
        return {name: compiled_version(pk) for name, pk in _versions(execution)}
    versions = dict(_versions(execution))
    rows = DesignVersion.objects.in_bulk(list(versions.values()))
    return {
        name: compile_document(with_model(rows[pk].document, model))
        for name, pk in versions.items()
        if pk in rows
    }


def _versions(execution: Execution) -> Iterator[tuple[str, uuid.UUID]]:
    for name, one in (execution.nested or {}).items():
        yield name, uuid.UUID(one["version_id"])


def _all_of(compiled: CompiledGraph) -> tuple[dict[str, Found], dict[str, CompiledGraph]]:
    """All designs that are named, also by those that are named; level by level."""
    found: dict[str, Found] = {}
    graphs: dict[str, CompiledGraph] = {}
    waiting: Collection[Body] = compiled.named
    # Designs in a circle name what is known already, so this ends.
    while waiting:
        level = find_bodies(waiting)
        named: dict[str, Body] = {}
        for body in waiting:
            one = level.get(body.name)
            if one is None:
                raise NestedMissing(f"A block of this design plays {body}, which is not there.")
            if not one.is_offered:
                raise NestedMissing(f"A block of this design plays {body}, which is inactive.")
            found[body.name], graphs[body.name] = one, _graph(body, one)
            named |= {inner.name: inner for inner in graphs[body.name].named}
            if len(found) > MAX_NESTED_BLOCKS:
                raise NestingTooDeep(f"This design names more than {MAX_NESTED_BLOCKS:,} others.")
        waiting = [body for name, body in named.items() if name not in found]
    return found, graphs


def _graph(body: Body, one: Found) -> CompiledGraph:
    try:
        return compiled_version(one.version_id)
    except DesignInvalid as error:
        raise NestedMissing(
            f"A block of this design plays {body}, version {one.number} of “{one.design_name}”, "
            "which has problems and cannot be run. Publish a repaired version and name that."
        ) from error


def _check_depth(
    compiled: CompiledGraph, name: str, graphs: Graphs, found: Mapping[str, Found]
) -> None:
    blocks = _Depth(graphs, found).blocks_of(compiled, (f"“{name}”",), ())
    if blocks > MAX_NESTED_BLOCKS:
        raise NestingTooDeep(
            f"With the designs that it plays, this one has {blocks:,} blocks; "
            f"{MAX_NESTED_BLOCKS:,} are allowed."
        )


class _Depth:
    """Walks designs inside designs; what was walked once at a depth is not walked again there."""

    def __init__(self, graphs: Graphs, found: Mapping[str, Found]) -> None:
        self._graphs = graphs
        self._found = found
        self._known: dict[tuple[str, int], int] = {}

    def blocks_of(
        self, graph: CompiledGraph, chain: tuple[str, ...], within: tuple[str, ...]
    ) -> int:
        """All blocks of the graph, those inside included. Raises NestingTooDeep."""
        count = len(graph.blocks)
        for block in graph.blocks:
            if block.inner is not None:
                inner = (*chain, f"block '{block.inner.blocks[0].name}'")
                self._check_length(inner)
                count += self.blocks_of(block.inner, inner, within)
            elif block.body is not None:
                count += self._of_named(block.body, chain, within)
            for body in bodies_of_tools(block.block):
                count += self._of_named(body, chain, within)
        return count

    def _of_named(self, body: Body, chain: tuple[str, ...], within: tuple[str, ...]) -> int:
        one = self._found[body.name]
        word = f"“{one.design_name}”" + (f" at {body.path}" if body.path else "")
        chain = (*chain, word)
        if body.name in within:
            raise NestingTooDeep(
                f"Designs play each other in a circle: {_in_words(chain)} again. "
                "Let one of them play something else."
            )
        self._check_length(chain)
        key = (body.name, len(chain))
        if key not in self._known:
            graph = self._graphs[body.name]
            self._known[key] = self.blocks_of(graph, chain, (*within, body.name))
        return self._known[key]

    @staticmethod
    def _check_length(chain: tuple[str, ...]) -> None:
        if len(chain) > MAX_NESTED:
            raise NestingTooDeep(
                f"Designs are {len(chain)} deep inside one another, and {MAX_NESTED} are allowed: "
                f"{_in_words(chain)}."
            )


def _in_words(chain: tuple[str, ...]) -> str:
    return ", which plays ".join([f"{chain[0]} plays {chain[1]}", *chain[2:]])
