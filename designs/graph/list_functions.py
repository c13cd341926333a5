"""Functions of expressions for lists and objects, as JMESPath Community has them, and more."""

from __future__ import annotations

from typing import Any

from designs.graph.functions import Each, function
from designs.graph.meter import Fault, Meter, measure
from designs.graph.same_values import key_of
from designs.graph.text_functions import whole

_LIST, _OBJECT, _NUMBER = ("array",), ("object",), ("number",)
_EACH = ("expref",)
_FAR = 10**15


@function("items", _OBJECT)
def _items(meter: Meter, value: dict[str, Any]) -> list[list[Any]]:
    meter.make(3 * len(value))
    meter.step(len(value))
    return [[name, item] for name, item in value.items()]


@function("from_items", ("arrays",))
def _from_items(meter: Meter, pairs: list[list[Any]]) -> dict[str, Any]:
    meter.make(len(pairs))
    meter.step(len(pairs))
    if not all(len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
        raise Fault("has no value: from_items() needs pairs of a name (text) and a value")
    return {pair[0]: pair[1] for pair in pairs}


@function("zip", _LIST, variadic=True)
def _zip(meter: Meter, *lists: list[Any]) -> list[list[Any]]:
    count = min(map(len, lists))
    meter.make(count * (len(lists) + 1))
    meter.step(count)
    return [list(group) for group in zip(*(items[:count] for items in lists), strict=True)]


@function("group_by", _LIST, _EACH)
def _group_by(meter: Meter, items: list[Any], each: Each) -> dict[str, list[Any]]:
    keys = each.over(items, meter)
    meter.make(2 * len(items))
    groups: dict[str, list[Any]] = {}
    for key, item in zip(keys, items, strict=True):
        if key is None:
            continue
        if not isinstance(key, str):
            raise Fault("has no value: group_by() needs text for each element. Use to_string()")
        groups.setdefault(key, []).append(item)
    return groups


@function("distinct", _LIST)
def _distinct(meter: Meter, items: list[Any]) -> list[Any]:
    return _first_of_each(meter, items, items)


@function("distinct_by", _LIST, _EACH)
def _distinct_by(meter: Meter, items: list[Any], each: Each) -> list[Any]:
    return _first_of_each(meter, items, each.over(items, meter))


def _first_of_each(meter: Meter, items: list[Any], keys: list[Any]) -> list[Any]:
    meter.make(len(items))
    meter.step(len(items) + measure(keys, meter))
    found: dict[Any, Any] = {}
    for key, item in zip(keys, items, strict=True):
        found.setdefault(key_of(key), item)
    return list(found.values())


@function("flatten", _LIST)
def _flatten(meter: Meter, items: list[Any]) -> list[Any]:
    flat: list[Any] = []
    open_lists = [iter(items)]
    meter.step(len(items))
    while open_lists:
        for item in open_lists[-1]:
            if isinstance(item, list):
                meter.step(1 + len(item))
                open_lists.append(iter(item))
                break
            meter.make(1)
            flat.append(item)
        else:
            open_lists.pop()
    return flat


@function("range", _NUMBER, _NUMBER, _NUMBER, optional=2)
def _range(
    meter: Meter, first: int | float, second: int | float | None = None, step: int | float = 1
) -> list[int]:
    start, end = (0, first) if second is None else (first, second)
    stride = whole("range", step, -_FAR, _FAR)
    if stride == 0:
        raise Fault("has no value: the step of range() cannot be 0")
    numbers = range(whole("range", start, -_FAR, _FAR), whole("range", end, -_FAR, _FAR), stride)
    meter.make(len(numbers))
    meter.step(len(numbers) // 8)
    return list(numbers)
