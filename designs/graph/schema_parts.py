"""How a JSON Schema hangs together: which parts judge the same value, and what judging costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from designs.graph.pattern_cost import cost_of_pattern
from designs.graph.same_values import are_words, largest

Schema = dict[str, Any]

# Keywords whose schemas judge the very value that their own part judges.
_SAME_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")
_SAME_TABLES = ("dependentSchemas", "dependencies")
# Keywords whose schemas judge any of the values inside.
_INNER = (
    "items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "additionalItems",
)  # fmt: skip


class Edge(NamedTuple):
    """A way from a part to another. `to` says which value the other judges: the `same`, the one
    under a `property` or at a `place` of its own, or `any` of those inside.
    """

    to: str
    part: Any


def edges(schema: Schema, part: Schema) -> Iterator[Edge]:
    """All ways from a part of the schema to those that it has judge values."""
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
    found = part.get(key)
    return found if isinstance(found, list) else []


def _table(part: Schema, key: str) -> Schema:
    found = part.get(key)
    return found if isinstance(found, dict) else {}


def target_of(schema: Schema, reference: str) -> Any:
    """The part of the schema that a reference such as `#/$defs/item` names, or None."""
    if reference == "#":
        return schema
    if not reference.startswith("#/") or "%" in reference:
        return None
    found: Any = schema
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif (
            isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found)
        ):
            found = found[int(name)]
        else:
            return None
    return found if isinstance(found, dict | bool) else None


def ways_round(schema: Schema, start: Schema, end: int) -> int:
    """How often a value is judged by the part with the identity `end`, if `start` judges a value
    around it once. The way from `end` on is not followed.

    With more than one way a loop doubles what it costs with each level of a value.
    """
    known: dict[int, int] = {}

    def ways(part: Any) -> int:
        if not isinstance(part, dict):
            return 0
        if id(part) == end:
            return 1
        if id(part) not in known:
            known[id(part)] = 0
            known[id(part)] = _combined(
                [(edge.to, ways(edge.part)) for edge in edges(schema, part)]
            )
        return known[id(part)]

    return ways(start)


def _combined(found: list[tuple[str, int]]) -> int:
    """Properties and places are different values, so that of these only the largest counts."""
    total = sum(count for to, count in found if to in ("same", "any"))
    for apart in ("property", "place"):
        total += max((count for to, count in found if to == apart), default=0)
    return total


# --- What judging costs ---------------------------------------------------------------------------

# In units of about 8 ns, the time to judge a value's type.
_KEYWORDS = {
    "contains": 14, "propertyNames": 8, "uniqueItems": 8, "pattern": 8,
    "minimum": 27, "maximum": 27, "exclusiveMinimum": 27, "exclusiveMaximum": 27,
}  # fmt: skip
_PER_ENTRY = {"patternProperties": 4, "dependentRequired": 2, "properties": 1, "prefixItems": 1}
# To look a value up among options that are not mere words, and each value of the largest option.
_LOOK_UP, _PER_COMPARED = 64, 30
# Division is exact, by fractions with as many digits as it takes.
_MULTIPLE_OF_INTEGER, _MULTIPLE_OF_FRACTION, _MULTIPLE_OF_TINY = 64, 300, 8_000
_TINY = 1e-6


class Weight(NamedTuple):
    """Units for the value itself, the most for one value inside, and for all parts there are."""

    own: int
    inner: int
    all: int


def weight_of_values(schema: Schema) -> int:
    """The most units that one value, at any depth, can cost by this schema."""
    return _heaviest(schema, _units)


def weight_of_text(schema: Schema) -> int:
    """What one character can cost by all patterns, in characters of a plain one."""
    return _heaviest(schema, _units_of_text)


def weight_of_depth(schema: Schema) -> int:
    """How often a value is compared with others, at most, for each level that is around it."""
    return _heaviest(schema, lambda part: int("uniqueItems" in part))


def patterns_of(part: Schema) -> Iterator[str]:
    """The regular expressions of a part itself."""
    if isinstance(part.get("pattern"), str):
        yield part["pattern"]
    yield from _table(part, "patternProperties")


def _units_of_text(part: Schema) -> int:
    return sum(cost_of_pattern(pattern).per_character for pattern in patterns_of(part))


def _units(part: Schema) -> int:
    units = sum(_KEYWORDS.get(key, 1) for key in part)
    for key, each in _PER_ENTRY.items():
        found = part.get(key)
        units += each * len(found) if isinstance(found, dict | list) else 0
    if "multipleOf" in part:
        units += _units_of_multiple(part["multipleOf"])
    for options in (part.get("enum", ()), [part.get("const")]):
        if not are_words(options):
            units += _LOOK_UP + _PER_COMPARED * largest(options)
    return units


def _units_of_multiple(divisor: Any) -> int:
    if isinstance(divisor, int):
        return _MULTIPLE_OF_INTEGER
    is_tiny = isinstance(divisor, float) and abs(divisor) < _TINY
    return _MULTIPLE_OF_TINY if is_tiny else _MULTIPLE_OF_FRACTION


def _heaviest(schema: Schema, units: Callable[[Schema], int]) -> int:
    known: dict[int, Weight] = {}
    is_recursive = False

    def weigh(part: Any) -> Weight:
        nonlocal is_recursive
        if not isinstance(part, dict):
            return Weight(0, 0, 0)
        if id(part) in known:
            found = known[id(part)]
            is_recursive = is_recursive or found is _OPEN
            return found
        known[id(part)] = _OPEN
        known[id(part)] = weight = _weight(
            units(part), [(edge.to, weigh(edge.part)) for edge in edges(schema, part)], part
        )
        return weight

    weight = weigh(schema)
    return weight.all if is_recursive else max(weight.own, weight.inner)


_OPEN = Weight(0, 0, 0)


def _weight(units: int, found: list[tuple[str, Weight]], part: Schema) -> Weight:
    same = [weight for to, weight in found if to == "same"]
    # What was judged is found by judging it anew.
    again = 2 if part.keys() & {"unevaluatedItems", "unevaluatedProperties"} else 1
    inner = _combined([(to, max(w.own, w.inner)) for to, w in found if to != "same"])
    return Weight(
        again * (units + sum(weight.own for weight in same)),
        inner + again * sum(weight.inner for weight in same),
        again * (units + sum(weight.all for _, weight in found)),
    )
