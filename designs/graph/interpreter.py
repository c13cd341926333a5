"""Turns JMESPath's parse tree into functions that evaluate it under a meter."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from designs.graph.functions import FUNCTIONS, Each, kind_of
from designs.graph.meter import Meter, equal, is_truthy, weigh
from designs.graph.report import Report
from designs.graph.values import check_values

Node = dict[str, Any]
Run = Callable[[Any, Meter], Any]

MAX_DEPTH = 50
# Calling a function costs about as much as visiting this many other nodes.
FUNCTION_STEPS = 8
READING = frozenset({"subexpression", "value_projection", "filter_projection"})
# A chain of these is as deep in the tree as it is long in the text, so it runs as one loop.
CHAINS = frozenset({"or_expression", "and_expression", "pipe"})


class Misuse(Exception):
    """The tree parses but can never be evaluated; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class CompiledNode:
    """`weight` is the number of nodes one evaluation visits, not counting loops inside."""

    run: Run
    weight: int


def tree_depth(tree: Node) -> int:
    """The depth of the parse tree; counting stops one level beyond MAX_DEPTH."""
    deepest, pending = 0, [(tree, 1)]
    while pending and deepest <= MAX_DEPTH:
        node, depth = pending.pop()
        deepest = max(deepest, depth)
        pending.extend((child, depth + 1) for child in operands(node))
    return deepest


def operands(node: Node) -> Iterator[Node]:
    """A node's operands; a chain of one operator is flattened, from left to right."""
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


def build(node: Node) -> CompiledNode:
    """Compile a tree no deeper than MAX_DEPTH. Raises Misuse."""
    if node["type"] in READING and node["children"][0]["type"] == "not_expression":
        # JMESPath parses `!a.b` as `(!a).b`, which is always null.
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


Builder = Callable[[Node], CompiledNode]
_BUILDERS: dict[str, Builder] = {}


def _builds(*node_types: str) -> Callable[[Builder], Builder]:

    def register(builder: Builder) -> Builder:
        _BUILDERS.update(dict.fromkeys(node_types, builder))
        return builder

    return register


def _parts(node: Node) -> tuple[list[Run], int]:
    compiled = [build(child) for child in operands(node)]
    return [part.run for part in compiled], 1 + sum(part.weight for part in compiled)


@_builds("field")
def _field(node: Node) -> CompiledNode:
    name = node["value"]

    def run(value: Any, meter: Meter) -> Any:
        if type(value) is dict:
            return value.get(name)
        return value.get(name) if isinstance(value, Mapping) else None

    return CompiledNode(run, 1)


@_builds("subexpression", "index_expression", "pipe")
def _in_turn(node: Node) -> CompiledNode:
    """Each part reads the value of the one before it: `a.b`, `a[0]`, `a | b`."""
    names = field_names(node)

    def follow(value: Any, meter: Meter) -> Any:
        for name in names or ():
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value

    if names is not None:
        return CompiledNode(follow, len(names))
    runs, weight = _parts(node)

    def run(value: Any, meter: Meter) -> Any:
        for part in runs:
            value = part(value, meter)
        return value

    return CompiledNode(run, weight)


@_builds("current", "identity")
def _same(node: Node) -> CompiledNode:
    return CompiledNode(lambda value, meter: value, 1)


@_builds("literal")
def _literal(node: Node) -> CompiledNode:
    literal = node["value"]
    _check_storable(literal)
    return CompiledNode(lambda value, meter: literal, 1)


def _check_storable(literal: Any) -> None:
    report = Report()
    check_values(literal, report)
    if len(report):
        raise Misuse(
            "a literal in it is nested too deep, or holds text or a number that cannot be stored"
        )


@_builds("index")
def _index(node: Node) -> CompiledNode:
    place = node["value"]

    def run(value: Any, meter: Meter) -> Any:
        if not isinstance(value, list) or not -len(value) <= place < len(value):
            return None
        return value[place]

    return CompiledNode(run, 1)


@_builds("slice")
def _slice(node: Node) -> CompiledNode:
    if node["children"][2] == 0:
        raise Misuse("the step of a slice cannot be 0")
    part = slice(*node["children"])

    def run(value: Any, meter: Meter) -> Any:
        if not isinstance(value, list):
            return None
        items = value[part]
        meter.step(weigh(items))
        meter.make(len(items))
        return items

    return CompiledNode(run, 1)


@_builds("flatten")
def _flatten(node: Node) -> CompiledNode:
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

    return CompiledNode(run, weight)


@_builds("projection", "filter_projection", "value_projection")
def _projection(node: Node) -> CompiledNode:
    """`a[*].b`, `a[?condition].b` and `a.*.b`."""
    base, each, *conditions = (build(child) for child in node["children"])
    kind = Mapping if node["type"] == "value_projection" else list

    def run(value: Any, meter: Meter) -> Any:
        items = base.run(value, meter)
        if not isinstance(items, kind):
            return None
        if isinstance(items, Mapping):
            items = list(items.values())
        for condition in conditions:
            meter.step(len(items) * (condition.weight + 1))
            holds = condition.run
            items = [item for item in items if is_truthy(holds(item, meter))]
        meter.step(len(items) * (each.weight + 1))
        project = each.run
        return [result for item in items if (result := project(item, meter)) is not None]

    return CompiledNode(run, 1 + base.weight)


@_builds("multi_select_list")
def _multi_select_list(node: Node) -> CompiledNode:
    runs, weight = _parts(node)

    def run(value: Any, meter: Meter) -> Any:
        return None if value is None else [part(value, meter) for part in runs]

    return CompiledNode(run, weight)


@_builds("multi_select_dict")
def _multi_select_dict(node: Node) -> CompiledNode:
    _check_storable([child["value"] for child in node["children"]])
    compiled = [(child["value"], build(child["children"][0])) for child in node["children"]]
    parts = [(name, part.run) for name, part in compiled]

    def run(value: Any, meter: Meter) -> Any:
        return None if value is None else {name: part(value, meter) for name, part in parts}

    return CompiledNode(run, 1 + sum(part.weight for _, part in compiled))


@_builds("or_expression", "and_expression")
def _first_deciding(node: Node) -> CompiledNode:
    """The first operand that decides: a true one for `||`, a false one for `&&`; else the last."""
    runs, weight = _parts(node)
    deciding = node["type"] == "or_expression"

    def run(value: Any, meter: Meter) -> Any:
        result = None
        for part in runs:
            result = part(value, meter)
            if is_truthy(result) is deciding:
                break
        return result

    return CompiledNode(run, weight)


@_builds("not_expression")
def _not(node: Node) -> CompiledNode:
    (part,), weight = _parts(node)
    return CompiledNode(lambda value, meter: not is_truthy(part(value, meter)), weight)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


@_builds("comparator")
def _comparator(node: Node) -> CompiledNode:
    (left, right), weight = _parts(node)
    name = node["value"]
    if name in ("eq", "ne"):
        wanted = name == "eq"
        return CompiledNode(
            lambda value, m: equal(left(value, m), right(value, m), m) is wanted, weight
        )
    compare = _ORDER[name]

    def run(value: Any, meter: Meter) -> Any:
        first, second = left(value, meter), right(value, meter)
        if isinstance(first, str) and isinstance(second, str):
            meter.step(weigh(first))
            return compare(first, second)
        if kind_of(first) == kind_of(second) == "number":
            return compare(first, second)
        return None

    return CompiledNode(run, weight)


@_builds("function_expression")
def _function(node: Node) -> CompiledNode:
    name, children = node["value"], node["children"]
    function = FUNCTIONS.get(name)
    if function is None:
        raise Misuse(f"there is no function {name}(); there are {', '.join(sorted(FUNCTIONS))}")
    problem = function.arity_problem(len(children))
    if problem is not None:
        raise Misuse(f"{name}() {problem}")
    arguments = [
        _argument(name, child, "expref" in function.kinds_of(position))
        for position, child in enumerate(children)
    ]
    runs = [argument.run for argument in arguments]

    def run(value: Any, meter: Meter) -> Any:
        return function.call(name, [argument(value, meter) for argument in runs], meter)

    return CompiledNode(run, FUNCTION_STEPS + sum(argument.weight for argument in arguments))


def _argument(name: str, node: Node, by_expression: bool) -> CompiledNode:
    if by_expression is not (node["type"] == "expref"):
        need = "needs an" if by_expression else "takes no"
        raise Misuse(f"{name}() {need} expression after `&` in that place")
    if not by_expression:
        return build(node)
    inner = build(node["children"][0])
    each = Each(inner.run, inner.weight)
    return CompiledNode(lambda value, meter: each, 1)


@_builds("expref")
def _stray_expref(node: Node) -> CompiledNode:
    raise Misuse("`&` stands only before an argument of a function, as in sort_by(list, &name)")
