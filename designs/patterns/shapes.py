"""The shapes of blocks' outputs, for editors: `blocks.<id>.output.<field>`.

A shape is `{"kind": …}`: `text`, `object` (with `fields`, shapes by name), `by_agent` (an object
with the answer of each agent), `list` or `any`. A text with `answer` is an object if that agent has
an `output_schema`. It may have `cases`: the first whose `when` holds
stands instead. `when` maps JSON pointers relative to the block to the allowed values; a value that
is not there is its default or null, `*` stands for any entry, and `agents` is the agents' number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from designs.graph.spec import Agent, Block

Shape = dict[str, Any]

ANY: Shape = {"kind": "any"}
TEXT: Shape = {"kind": "text"}
BY_AGENT: Shape = {"kind": "by_agent"}
LIST: Shape = {"kind": "list"}

_ROLES = {"aggregator": ("manager", "moderator"), "manager": ("manager",)}
# Schemas with one of these may have fields that `properties` does not name.
OPEN = frozenset({"patternProperties", "$ref", "allOf", "anyOf", "oneOf", "if"})
MAX_DEPTH = 4


def object_with(**fields: Shape) -> Shape:
    return {"kind": "object", "fields": fields}


def answer_of(which: str) -> Shape:
    """A text, or an object by the agent's `output_schema`: of the `last` agent, of `any`, of the
    `manager` or the `aggregator` (the first manager or moderator); without one, of the first agent.
    """
    return {**TEXT, "answer": which}


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
            return _as_answered(found["shape"], block)
    return _as_answered({key: value for key, value in shape.items() if key != "cases"}, block)


def _as_answered(shape: Shape, block: Block) -> Shape:
    which, agents = shape.get("answer"), block.agents
    if which is None or not agents:
        return {key: value for key, value in shape.items() if key != "answer"}
    if which == "any":
        return ANY if any(agent.output_schema for agent in agents) else TEXT
    if which == "last":
        return shape_of_answer(agents[-1])
    leading = (agent for agent in agents if agent.role in _ROLES[which])
    return shape_of_answer(next(leading, agents[0]))


def shape_of_answer(agent: Agent) -> Shape:
    return TEXT if agent.output_schema is None else _of_schema(agent.output_schema, 0)


def _of_schema(schema: Any, depth: int) -> Shape:
    """Of values that fit; `any` where they may have names that are not in `properties`."""
    if not isinstance(schema, dict):
        return ANY
    kind, properties = schema.get("type"), schema.get("properties")
    if kind in ("string", "array"):
        return TEXT if kind == "string" else LIST
    is_open = OPEN & schema.keys() or schema.get("additionalProperties") not in (None, False)
    if kind != "object" or is_open or not isinstance(properties, dict) or depth > MAX_DEPTH:
        return ANY
    fields = {name: _of_schema(part, depth + 1) for name, part in properties.items()}
    return {"kind": "object", "fields": fields}


def _values(key: str, block: Block, settings: dict[str, Any]) -> Iterator[Any]:
    if key == "agents":
        yield len(block.agents)
    elif key == "/agents/*/role":
        yield from (agent.role for agent in block.agents)
    else:
        yield settings.get(key.removeprefix("/settings/"))
