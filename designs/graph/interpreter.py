"""Turns JMESPath's parse tree into functions that evaluate it under a meter."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from designs.graph.functions import FUNCTIONS, Each
from designs.graph.meter import Meter, equal, is_truthy, weigh
from designs.graph.report import Report
from designs.graph.values import check_values

Node = dict[str, Any]
Run = Callable[[Any, Meter], Any]

MAX_DEPTH = 50
# Calling a function costs about as much as visiting so many other nodes.
FUNCTION_STEPS = 8
READING = frozenset({"subexpression", "value_projection", "filter_projection"})
# Chains of these are as deep in the tree as they are long in the text; they run as one loop.
CHAINS = frozenset({"or_expression", "and_expression", "pipe"})


class Misuse(Exception):
    """A tree that parses but can never be evaluated; a sentence about it."""


@dataclass(frozen=True, slots=True)
class Built:
    """`weight` is how many nodes one evaluation visits, loops inside not counted."""

    run: Run
    weight: int


def tree_depth(tree: Node) -> int:
    """How deep the parse tree is, up to one level more than is allowed."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting and deepest <= MAX_DEPTH:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in operands(node))
    return deepest


def operands(node: Node) -> Iterator[Node]:
    """A node's parts; those of a chain of one operator all at once, from left to right."""
    if node["type"] not in CHAINS:
        yield from (child for child in node["children"] if isinstance(child, dict))
        return
    rights = []
    left = node
    while left["type"] == node["type"]:
        left, right = left["children"]
        rights.append(right)
    yield left
    yield from reversed(rights)


def build(node: Node) -> Built:
    """Raises Misuse. The tree must not be deeper than MAX_DEPTH."""
    if node["type"] in READING and node["children"][0]["type"] == "not_expression":
        # It would be null in every run, though people mean what they see.
        raise Misuse("`!` takes only the name after it; for a whole path write `!(…)`")
    return _BUILDERS[node["type"]](node)


def field_names(node: Node) -> tuple[str, ...] | None:
    """The names of a path of fields, as in `blocks.score.output`; None for anything else."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    paths = [field_names(child) for child in node["children"]]
    return None if None in paths else tuple(name for path in paths if path for name in path)


def follow(value: Any, names: tuple[str, ...]) -> Any:
    """The value at a path of fields, or None."""
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _parts(node: Node) -> tuple[list[Run], int]:
    built = [build(child) for child in operands(node)]
    return [part.run for part in built], 1 + sum(part.weight for part in built)


def _field(node: Node) -> Built:
    name = node["value"]

    def run(value: Any, meter: Meter) -> Any:
        if type(value) is dict:
            return value.get(name)
        return value.get(name) if isinstance(value, Mapping) else None

    return Built(run, 1)


def _in_turn(node: Node) -> Built:
    """Each part sees what the one before it gave: `a.b`, `a[0]`, `a | b`."""
    names = field_names(node)
    if names is not None:
        return Built(lambda value, meter: follow(value, names), len(names))
    runs, weight = _parts(node)

    def run(value: Any, meter: Meter) -> Any:
        for part in runs:
            value = part(value, meter)
        return value

    return Built(run, weight)


def _same(node: Node) -> Built:
    return Built(lambda value, meter: value, 1)


def _literal(node: Node) -> Built:
    literal = node["value"]
    _check_storable(literal)
    return Built(lambda value, meter: literal, 1)


def _index(node: Node) -> Built:
    place = node["value"]

    def run(value: Any, meter: Meter) -> Any:
        if not isinstance(value, list) or not -len(value) <= place < len(value):
            return None
        return value[place]

    return Built(run, 1)


def _slice(node: Node) -> Built:
    if node["children"][2] == 0:
        raise Misuse("the step of a slice cannot be 0")
    part = slice(*node["children"])

    def run(value: Any, meter: Meter) -> Any:
        if not isinstance(value, list):
            return None
        found = value[part]
        meter.step(weigh(found))
        meter.make(len(found))
        return found

    return Built(run, 1)


def _flatten(node: Node) -> Built:
    (base,), weight = _parts(node)

    def run(value: Any, meter: Meter) -> Any:
        items = base(value, meter)
        if not isinstance(items, list):
            return None
        meter.step(len(items))
        flat: list[Any] = []
        for item in items:
            if isinstance(item, list):
                meter.step(weigh(item))
                meter.make(len(item))
                flat.extend(item)
            else:
                flat.append(item)
        return flat

    return Built(run, weight)


def _projection(node: Node) -> Built:
    base, each = (build(child) for child in node["children"])

    def run(value: Any, meter: Meter) -> Any:
        items = base.run(value, meter)
        return _collect(items, each, meter) if isinstance(items, list) else None

    return Built(run, 1 + base.weight)


def _value_projection(node: Node) -> Built:
    base, each = (build(child) for child in node["children"])

    def run(value: Any, meter: Meter) -> Any:
        found = base.run(value, meter)
        return _collect(list(found.values()), each, meter) if isinstance(found, Mapping) else None

    return Built(run, 1 + base.weight)


def _collect(items: list[Any], each: Built, meter: Meter) -> list[Any]:
    meter.step(len(items) * (each.weight + 1))
    run = each.run
    return [found for item in items if (found := run(item, meter)) is not None]


def _filter_projection(node: Node) -> Built:
    base, each, condition = (build(child) for child in node["children"])

    def run(value: Any, meter: Meter) -> Any:
        items = base.run(value, meter)
        if not isinstance(items, list):
            return None
        meter.step(len(items) * (condition.weight + 1))
        holds = condition.run
        return _collect([item for item in items if is_truthy(holds(item, meter))], each, meter)

    return Built(run, 1 + base.weight)


def _multi_select_list(node: Node) -> Built:
    runs, weight = _parts(node)

    def run(value: Any, meter: Meter) -> Any:
        return None if value is None else [part(value, meter) for part in runs]

    return Built(run, weight)


def _check_storable(literal: Any) -> None:
    report = Report()
    check_values(literal, report)
    if len(report):
        raise Misuse(
            "a literal in it is nested too deep, or holds text or a number that cannot be stored"
        )


def _multi_select_dict(node: Node) -> Built:
    _check_storable([child["value"] for child in node["children"]])
    built = [(child["value"], build(child["children"][0])) for child in node["children"]]
    parts = [(name, part.run) for name, part in built]

    def run(value: Any, meter: Meter) -> Any:
        return None if value is None else {name: part(value, meter) for name, part in parts}

    return Built(run, 1 + sum(part.weight for _, part in built))


def _or(node: Node) -> Built:
    runs, weight = _parts(node)

    def run(value: Any, meter: Meter) -> Any:
        found = None
        for part in runs:
            found = part(value, meter)
            if is_truthy(found):
                break
        return found

    return Built(run, weight)


def _and(node: Node) -> Built:
    runs, weight = _parts(node)

    def run(value: Any, meter: Meter) -> Any:
        found = None
        for part in runs:
            found = part(value, meter)
            if not is_truthy(found):
                break
        return found

    return Built(run, weight)


def _not(node: Node) -> Built:
    (part,), weight = _parts(node)
    return Built(lambda value, meter: not is_truthy(part(value, meter)), weight)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


def _comparator(node: Node) -> Built:
    (left, right), weight = _parts(node)
    name = node["value"]
    if name in ("eq", "ne"):
        wanted = name == "eq"
        return Built(lambda value, m: equal(left(value, m), right(value, m), m) is wanted, weight)
    compare = _ORDER[name]

    def run(value: Any, meter: Meter) -> Any:
        first, second = left(value, meter), right(value, meter)
        if isinstance(first, str) and isinstance(second, str):
            meter.step(weigh(first))
            return compare(first, second)
        return compare(first, second) if _is_number(first) and _is_number(second) else None

    return Built(run, weight)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _function(node: Node) -> Built:
    name, children = node["value"], node["children"]
    function = FUNCTIONS.get(name)
    if function is None:
        raise Misuse(f"there is no function {name}(); there are {', '.join(sorted(FUNCTIONS))}")
    problem = function.arity_problem(len(children))
    if problem is not None:
        raise Misuse(f"{name}() {problem}")
    arguments: list[Run] = []
    weight = FUNCTION_STEPS
    for position, child in enumerate(children):
        built = _argument(name, child, "expref" in function.kinds_of(position))
        arguments.append(built.run)
        weight += built.weight

    def run(value: Any, meter: Meter) -> Any:
        return function.call(name, [argument(value, meter) for argument in arguments], meter)

    return Built(run, weight)


def _argument(name: str, node: Node, by_expression: bool) -> Built:
    if by_expression is not (node["type"] == "expref"):
        need = "needs an" if by_expression else "takes no"
        raise Misuse(f"{name}() {need} expression after `&` in that place")
    if not by_expression:
        return build(node)
    inner = build(node["children"][0])
    each = Each(inner.run, inner.weight)
    return Built(lambda value, meter: each, 1)


def _stray_expref(node: Node) -> Built:
    raise Misuse("`&` stands only before an argument of a function, as in sort_by(list, &name)")


_BUILDERS: dict[str, Callable[[Node], Built]] = {
    "field": _field,
    "subexpression": _in_turn,
    "index_expression": _in_turn,
    "pipe": _in_turn,
    "current": _same,
    "identity": _same,
    "literal": _literal,
    "index": _index,
    "slice": _slice,
    "flatten": _flatten,
    "projection": _projection,
    "value_projection": _value_projection,
    "filter_projection": _filter_projection,
    "multi_select_list": _multi_select_list,
    "multi_select_dict": _multi_select_dict,
    "or_expression": _or,
    "and_expression": _and,
    "not_expression": _not,
    "comparator": _comparator,
    "function_expression": _function,
    "expref": _stray_expref,
}
