"""What the patterns of a schema cost over one value: each only over the texts that it judges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from designs.graph.pattern_cost import cost_of_pattern
from designs.graph.schema_parts import Edge, Schema, edges

# Pairs of a part and a value that are looked at.
MAX_PAIRS = 20_000

Pair = tuple[Any, Any]


def text_cost(schema: Schema, value: Any, most: int) -> int | None:
    """In characters that a plain pattern reads in the time. None for more than `most`, or where
    finding it out would take long itself.
    """
    inner = _Inner(schema)
    cost = pairs = 0
    waiting: list[Pair] = [(schema, value)]
    while waiting:
        part, item = waiting.pop()
        pairs += 1
        if not isinstance(part, dict):
            continue
        cost += _own(part, item)
        waiting.extend(inner.pairs(part, item))
        if cost > most or pairs + len(waiting) > MAX_PAIRS:
            return None
    return cost


def _own(part: Schema, value: Any) -> int:
    pattern = part.get("pattern")
    if isinstance(value, str) and isinstance(pattern, str):
        return cost_of_pattern(pattern).of_text(len(value))
    by_pattern = part.get("patternProperties")
    if not isinstance(value, dict) or not isinstance(by_pattern, dict):
        return 0
    each = sum(cost_of_pattern(pattern).per_character for pattern in by_pattern)
    return each * sum(map(len, value))


class _Inner:
    """Parts of a schema with the values that they judge. More than really do, never fewer."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._edges: dict[int, list[Edge]] = {}

    def pairs(self, part: Schema, value: Any) -> Iterator[Pair]:
        if isinstance(value, dict):
            properties = part.get("properties")
            if isinstance(properties, dict):
                names = properties.keys() & value.keys()
                yield from ((properties[name], value[name]) for name in names)
            if "propertyNames" in part:
                yield from ((part["propertyNames"], name) for name in value)
        prefix = part.get("prefixItems")
        if isinstance(value, list) and isinstance(prefix, list):
            yield from zip(prefix, value, strict=False)
        inside = list(value.values()) if isinstance(value, dict) else value
        for edge in self._general(part):
            if edge.to == "same":
                yield edge.part, value
            elif isinstance(inside, list):
                yield from ((edge.part, item) for item in inside)

    def _general(self, part: Schema) -> list[Edge]:
        """The ways to parts for the same value, or for all inside; others have names or places."""
        if id(part) not in self._edges:
            self._edges[id(part)] = [
                edge
                for edge in edges(self._schema, part)
                if edge.to in ("same", "any") and isinstance(edge.part, dict)
            ]
        return self._edges[id(part)]
