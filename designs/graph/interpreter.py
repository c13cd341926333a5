"""Turns JMESPath's parse tree into functions that evaluate it under a meter."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from designs.graph.arithmetic import calculated, signed
from designs.graph.grammar import Node
from designs.graph.kinds import kind_of
from designs.graph.library import FUNCTIONS, Each, no_function
from designs.graph.meter import Meter, equal, is_truthy, weigh
from designs.graph.moments import comes_before
from designs.graph.report import Report
from designs.graph.trees import field_names, operands
from designs.graph.values import check_values

Run = Callable[[Any, Meter], Any]

# Calling a function costs about as much as visiting this many other nodes.
FUNCTION_STEPS = 8
READING = frozenset({"subexpression", "value_projection", "filter_projection"})


class Misuse(Exception):
    """The tree parses but can never be evaluated; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class CompiledNode:
    """`weight` is the number of nodes one evaluation visits, not counting loops inside."""

    run: Run
    weight: int


def build(node: Node) -> CompiledNode:
    """Compile a tree no deeper than MAX_DEPTH. Raises Misuse."""
    if node["type"] in READING and node["children"][0]["type"] == "not_expression":
        # JMESPath parses `!a.b` as `(!a).b`, which is always null.
        raise Misuse("`!` takes only the name after it; for a whole path write `!(…)`")
    return _BUILDERS[node["type"]](node)


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


def _texts_in_order(name: str, first: str, second: str, meter: Meter) -> bool:
    """By characters; two moments with different offsets by which is earlier."""
    meter.step(weigh(first))
    one, other = (first, second) if name in ("lt", "gte") else (second, first)
    earlier = comes_before(one, other, meter)
    if earlier is None:
        return _ORDER[name](first, second)
    return earlier is (name in ("lt", "gt"))


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
            return _texts_in_order(name, first, second, meter)
        if kind_of(first) == kind_of(second) == "number":
            return compare(first, second)
        return None

    return CompiledNode(run, weight)


@_builds("function_expression")
def _function(node: Node) -> CompiledNode:
    name, children = node["value"], node["children"]
    function = FUNCTIONS.get(name)
    if function is None:
        raise Misuse(no_function(name))
    problem = function.arity_problem(len(children))
    if problem is not None:
        raise Misuse(f"{name}() {problem}")
    arguments = [
        _argument(name, child, "expref" in function.kinds_of(position))
        for position, child in enumerate(children)
    ]
    runs = [argument.run for argument in arguments]
    if name == "now":
        return CompiledNode(lambda value, meter: function.run(meter, meter.names), FUNCTION_STEPS)

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


# --- Numbers and variables ------------------------------------------------------------------------


@_builds("arithmetic")
def _arithmetic(node: Node) -> CompiledNode:
    (first, *others), weight = _parts(node)
    steps = list(zip(node["operators"], others, strict=True))

    def run(value: Any, meter: Meter) -> Any:
        result = first(value, meter)
        for by, part in steps:
            result = calculated(by, result, part(value, meter))
        return result

    return CompiledNode(run, weight)


@_builds("sign")
def _sign(node: Node) -> CompiledNode:
    (part,), weight = _parts(node)
    by = node["value"]
    return CompiledNode(lambda value, meter: signed(by, part(value, meter)), weight)


@_builds("let")
def _let(node: Node) -> CompiledNode:
    (*values, body), weight = _parts(node)
    bound = list(zip(node["value"], values, strict=True))

    def run(value: Any, meter: Meter) -> Any:
        # The meter alone belongs to one evaluation; each variable has a number of its own.
        meter.variables.update([(number, part(value, meter)) for number, part in bound])
        return body(value, meter)

    return CompiledNode(run, weight)


@_builds("variable")
def _variable(node: Node) -> CompiledNode:
    number = node["value"]
    return CompiledNode(lambda value, meter: meter.variables[number], 1)
