"""The cost of a schema's patterns for one value: each for the texts that it applies to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from designs.graph.pattern_cost import cost_of_pattern
from designs.graph.schema_parts import Edge, Schema, edges

# Pairs of a part and a value that are visited.
MAX_PAIRS = 20_000

Pair = tuple[Any, Any]


def text_cost(schema: Schema, value: Any, most: int) -> int | None:
    """In characters that a plain pattern reads in the same time.

    None if it is above `most`, or takes too long to compute.
    """
    inner = _Inner(schema)
    cost = pairs = 0
    pending: list[Pair] = [(schema, value)]
    while pending:
        part, item = pending.pop()
        pairs += 1
        if not isinstance(part, dict):
            continue
        pattern, by_pattern = part.get("pattern"), part.get("patternProperties")
        if isinstance(item, str) and isinstance(pattern, str):
            cost += cost_of_pattern(pattern).of_text(len(item))
        elif isinstance(item, dict) and isinstance(by_pattern, dict):
            each = sum(cost_of_pattern(pattern).per_character for pattern in by_pattern)
            cost += each * sum(map(len, item))
        pending.extend(inner.pairs(part, item))
        if cost > most or pairs + len(pending) > MAX_PAIRS:
            return None
    return cost


class _Inner:
    """Parts of a schema with the values they may apply to: perhaps too many, never too few."""

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
        """Links to parts for the same value or for all values inside, without names or places."""
        if id(part) not in self._edges:
            self._edges[id(part)] = [
                edge
                for edge in edges(self._schema, part)
                if edge.to in ("same", "any") and isinstance(edge.part, dict)
            ]
        return self._edges[id(part)]
