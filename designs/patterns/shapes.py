"""The shapes of blocks' outputs, for editors: `blocks.<id>.output.<field>`.

A shape is `{"kind": …}`: `text`, `object` (with `fields`, shapes by name), `by_agent` (an object
with a text for each agent), `list` or `any`. It may have `cases`: the first whose `when` holds
stands instead. `when` maps JSON pointers relative to the block to the allowed values; a value that
is not there is its default or null, `*` stands for any entry, and `agents` is the agents' number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from designs.graph.spec import Block

Shape = dict[str, Any]

ANY: Shape = {"kind": "any"}
TEXT: Shape = {"kind": "text"}
BY_AGENT: Shape = {"kind": "by_agent"}
LIST: Shape = {"kind": "list"}


def object_with(**fields: Shape) -> Shape:
    return {"kind": "object", "fields": fields}


def case(shape: Shape, **when: list[Any]) -> Shape:
    """A case by settings: their names and the allowed values; `roles`: an agent has one of them,
    `agents`: their number.
    """
    pointers = {"roles": "/agents/*/role", "agents": "agents"}
    return {
        "when": {pointers.get(key, f"/settings/{key}"): values for key, values in when.items()},
        "shape": shape,
    }


def with_cases(shape: Shape, *cases: Shape) -> Shape:
    return {**shape, "cases": list(cases)}


def shape_for(shape: Shape, block: Block, settings: dict[str, Any]) -> Shape:
    """The shape of this block's output; `settings` with their defaults."""
    for found in shape.get("cases", ()):
        if all(
            any(value in allowed for value in _values(key, block, settings))
            for key, allowed in found["when"].items()
        ):
            return dict(found["shape"])
    return {key: value for key, value in shape.items() if key != "cases"}


def _values(key: str, block: Block, settings: dict[str, Any]) -> Iterator[Any]:
    if key == "agents":
        yield len(block.agents)
    elif key == "/agents/*/role":
        yield from (agent.role for agent in block.agents)
    else:
        yield settings.get(key.removeprefix("/settings/"))
