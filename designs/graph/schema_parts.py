"""Relations between the parts of a JSON Schema, and the cost of validating a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from designs.graph.pattern_cost import cost_of_pattern
from designs.graph.same_values import are_words, largest

Schema = dict[str, Any]

# Keywords whose schemas apply to the same value as their own part.
_SAME_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")
_SAME_TABLES = ("dependentSchemas", "dependencies")
# Keywords whose schemas apply to any of the values inside.
_INNER = (
    "items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "additionalItems",
)  # fmt: skip


class Edge(NamedTuple):
    """A link from a part to another. `to` is the value that the other applies to: the `same`, the
    one under a `property` or at a `place` of its own, or `any` of those inside.
    """

    to: str
    part: Any


def edges(schema: Schema, part: Schema) -> Iterator[Edge]:
    """All links from a part of the schema to the parts that it applies."""
    if isinstance(part.get("$ref"), str):
        yield Edge("same", target_of(schema, part["$ref"]))
    for key in _SAME_LISTS:
        yield from (Edge("same", item) for item in _list(part, key))
    yield from (Edge("same", part[key]) for key in _SAME if key in part)
    for key in _SAME_TABLES:
        yield from (Edge("same", item) for item in _table(part, key).values())
    yield from (Edge("property", item) for item in _table(part, "properties").values())
    yield from (Edge("place", item) for item in _list(part, "prefixItems"))
    yield from (Edge("any", part[key]) for key in _INNER if key in part)
    yield from (Edge("any", item) for item in _table(part, "patternProperties").values())


def _list(part: Schema, key: str) -> list[Any]:
    items = part.get(key)
    return items if isinstance(items, list) else []


def _table(part: Schema, key: str) -> Schema:
    table = part.get(key)
    return table if isinstance(table, dict) else {}


def target_of(schema: Schema, reference: str) -> Any:
    """The part of the schema that a reference such as `#/$defs/item` names, or None."""
    if reference == "#":
        return schema
    if not reference.startswith("#/") or "%" in reference:
        return None
    target: Any = schema
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        is_index = name.isascii() and name.isdigit()
        if isinstance(target, dict):
            target = target.get(name)
        elif isinstance(target, list) and is_index and int(name) < len(target):
            target = target[int(name)]
        else:
            return None
    return target if isinstance(target, dict | bool) else None


def ways_round(schema: Schema, start: Schema, end: int) -> int:
    """How often the part with the identity `end` applies to a value inside one that `start` applies
    to once. Links that leave `end` are not followed.

    With more than one way, a loop doubles its cost with each level of a value.
    """
    counts: dict[int, int] = {}

    def ways(part: Any) -> int:
        if not isinstance(part, dict):
            return 0
        if id(part) == end:
            return 1
        if id(part) not in counts:
            counts[id(part)] = 0
            links = [(edge.to, ways(edge.part)) for edge in edges(schema, part)]
            counts[id(part)] = _combined(links)
        return counts[id(part)]

    return ways(start)


def _combined(links: list[tuple[str, int]]) -> int:
    """Properties and places are different values, so only the largest of them counts."""
    total = sum(count for to, count in links if to in ("same", "any"))
    for apart in ("property", "place"):
        total += max((count for to, count in links if to == apart), default=0)
    return total


# --- The cost of validation -----------------------------------------------------------------------

# In units of about 8 ns, the time to check a value's type.
_KEYWORDS = {
    "contains": 14, "propertyNames": 8, "uniqueItems": 8, "pattern": 8,
    "minimum": 27, "maximum": 27, "exclusiveMinimum": 27, "exclusiveMaximum": 27,
}  # fmt: skip
_PER_ENTRY = {"patternProperties": 4, "dependentRequired": 2, "properties": 1, "prefixItems": 1}
# Looking a value up among options that are not mere words, and each value of the largest option.
_LOOK_UP, _PER_COMPARED = 64, 30
# Division is exact, by fractions with as many digits as it takes.
_MULTIPLE_OF_INTEGER, _MULTIPLE_OF_FRACTION, _MULTIPLE_OF_TINY = 64, 300, 8_000
_TINY = 1e-6


class Weight(NamedTuple):
    """Units for the value itself, the maximum for one value inside, and the sum for all parts."""

    own: int
    inner: int
    all: int


def weight_of_values(schema: Schema) -> int:
    """The most units that one value, at any depth, can cost by this schema."""
    return _heaviest(schema, _units)


def weight_of_text(schema: Schema) -> int:
    """The cost of one character for all patterns, in characters of a plain pattern."""
    return _heaviest(
        schema, lambda part: sum(cost_of_pattern(p).per_character for p in patterns_of(part))
    )


def weight_of_depth(schema: Schema) -> int:
    """The most comparisons of one value with others, for each level around it."""
    return _heaviest(schema, lambda part: int("uniqueItems" in part))


def patterns_of(part: Schema) -> Iterator[str]:
    if isinstance(part.get("pattern"), str):
        yield part["pattern"]
    yield from _table(part, "patternProperties")


def _units(part: Schema) -> int:
    units = sum(_KEYWORDS.get(key, 1) for key in part)
    for key, each in _PER_ENTRY.items():
        entries = part.get(key)
        units += each * len(entries) if isinstance(entries, dict | list) else 0
    if "multipleOf" in part:
        divisor = part["multipleOf"]
        if isinstance(divisor, int):
            units += _MULTIPLE_OF_INTEGER
        elif isinstance(divisor, float) and abs(divisor) < _TINY:
            units += _MULTIPLE_OF_TINY
        else:
            units += _MULTIPLE_OF_FRACTION
    for options in (part.get("enum", ()), [part.get("const")]):
        if not are_words(options):
            units += _LOOK_UP + _PER_COMPARED * largest(options)
    return units


def _heaviest(schema: Schema, units: Callable[[Schema], int]) -> int:
    weights: dict[int, Weight] = {}
    is_recursive = False

    def weigh(part: Any) -> Weight:
        nonlocal is_recursive
        if not isinstance(part, dict):
            return Weight(0, 0, 0)
        if id(part) in weights:
            is_recursive = is_recursive or weights[id(part)] is _OPEN
            return weights[id(part)]
        weights[id(part)] = _OPEN
        own = units(part)
        links = [(edge.to, weigh(edge.part)) for edge in edges(schema, part)]
        same = [weight for to, weight in links if to == "same"]
        inner = _combined([(to, max(w.own, w.inner)) for to, w in links if to != "same"])
        # The library finds out which values were evaluated by evaluating them again.
        times = 2 if part.keys() & {"unevaluatedItems", "unevaluatedProperties"} else 1
        weights[id(part)] = weight = Weight(
            times * (own + sum(weight.own for weight in same)),
            inner + times * sum(weight.inner for weight in same),
            times * (own + sum(weight.all for _, weight in links)),
        )
        return weight

    weight = weigh(schema)
    return weight.all if is_recursive else max(weight.own, weight.inner)


_OPEN = Weight(0, 0, 0)
