"""JMESPath's functions, each charging for its work."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.kinds import KINDS, kind_of
from designs.graph.meter import CHARACTERS_PER_STEP, Fault, Meter, equal, measure, weigh
from designs.graph.written import written

NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,307})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Each:
    """An argument `&expression`: evaluated on each element of a list, for `weight` steps."""

    run: Callable[[Any, Meter], Any]
    weight: int

    def over(self, items: Sequence[Any], meter: Meter) -> list[Any]:
        meter.step(len(items) * (self.weight + 1))
        meter.make(len(items))
        run = self.run
        return [run(item, meter) for item in items]


@dataclass(frozen=True, slots=True)
class Function:
    """`run(meter, *arguments)`; `takes` lists the allowed kinds of each argument.

    The last `optional` arguments may be left out; a `variadic` function takes more like its last.
    """

    run: Callable[..., Any]
    takes: tuple[tuple[str, ...], ...]
    variadic: bool = False
    optional: int = 0

    def arity_problem(self, count: int) -> str | None:
        most = len(self.takes)
        least = most - self.optional
        if least <= count and (self.variadic or count <= most):
            return None
        numbers = f"{least} or more" if self.variadic else _numbers(least, most)
        plural = "" if numbers == "1" else "s"
        return f"takes {numbers} argument{plural}, not {count}"

    def kinds_of(self, position: int) -> tuple[str, ...]:
        return self.takes[min(position, len(self.takes) - 1)]

    def call(self, name: str, arguments: Sequence[Any], meter: Meter) -> Any:
        """Raises Fault for arguments of the wrong kind, Overrun."""
        for position, argument in enumerate(arguments):
            meter.step(weigh(argument))
            kinds = self.kinds_of(position)
            if any(_is(argument, kind, meter) for kind in kinds):
                continue
            wanted = " or ".join(KINDS[kind] for kind in kinds)
            actual = kind_of(argument)
            is_other = actual == "array" and argument
            words = "a list of other things" if is_other else KINDS[actual]
            raise Fault(f"has no value: {name}() needs {wanted}, not {words}")
        return self.run(meter, *arguments)


def _numbers(least: int, most: int) -> str:
    if least == most:
        return str(most)
    return f"{least} {'or' if most == least + 1 else 'to'} {most}"


def _is(value: Any, kind: str, meter: Meter) -> bool:
    if kind in ("any", "expref"):
        return True
    if kind == "numbers":
        return isinstance(value, list) and set(map(type, value)) <= {int, float}
    if kind == "arrays":
        return isinstance(value, list) and set(map(type, value)) <= {list}
    if kind == "strings":
        if not isinstance(value, list) or not set(map(type, value)) <= {str}:
            return False
        meter.step(sum(map(len, value)) // CHARACTERS_PER_STEP)
        return True
    return kind_of(value) == kind


_NUMBERS_OR_STRINGS = (("numbers", "strings"),)
_ARRAY_AND_EXPRESSION = (("array",), ("expref",))

FUNCTIONS: dict[str, Function] = {
    "abs": Function(lambda meter, number: abs(number), (("number",),)),
    "avg": Function(
        lambda meter, numbers: sum(numbers) / len(numbers) if numbers else None, (("numbers",),)
    ),
    "ceil": Function(lambda meter, number: math.ceil(number), (("number",),)),
    "ends_with": Function(lambda meter, text, end: text.endswith(end), (("string",), ("string",))),
    "floor": Function(lambda meter, number: math.floor(number), (("number",),)),
    "length": Function(lambda meter, value: len(value), (("string", "array", "object"),)),
    "map": Function(lambda meter, each, items: each.over(items, meter), (("expref",), ("array",))),
    "max": Function(lambda meter, items: max(items, default=None), _NUMBERS_OR_STRINGS),
    "min": Function(lambda meter, items: min(items, default=None), _NUMBERS_OR_STRINGS),
    "not_null": Function(
        lambda meter, *values: next((value for value in values if value is not None), None),
        (("any",),),
        variadic=True,
    ),
    "starts_with": Function(
        lambda meter, text, start: text.startswith(start), (("string",), ("string",))
    ),
    "sum": Function(lambda meter, items: sum(items), (("numbers",),)),
    "to_array": Function(
        lambda meter, value: value if isinstance(value, list) else [value], (("any",),)
    ),
    "type": Function(lambda meter, value: kind_of(value), (("any",),)),
}


def function(
    name: str, *takes: tuple[str, ...], variadic: bool = False, optional: int = 0
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that takes more than one line."""

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[name] = Function(run, takes, variadic, optional)
        return run

    return register


@function("contains", ("array", "string"), ("any",))
def _contains(meter: Meter, subject: Any, search: Any) -> bool:
    if isinstance(subject, str):
        return isinstance(search, str) and search in subject
    meter.step(len(subject))
    return any(equal(item, search, meter) for item in subject)


@function("join", ("string",), ("strings",))
def _join(meter: Meter, separator: str, texts: list[str]) -> str:
    meter.write(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


@function("reverse", ("array", "string"))
def _reverse(meter: Meter, value: Any) -> Any:
    if isinstance(value, str):
        meter.write(len(value))
    else:
        meter.make(len(value))
    return value[::-1]


@function("to_string", ("any",))
def _to_string(meter: Meter, value: Any) -> str:
    if isinstance(value, str):
        return value
    meter.step(measure(value, meter))
    text = written(value)
    meter.write(len(text))
    return text


@function("to_number", ("any",))
def _to_number(meter: Meter, value: Any) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        return value
    if not NUMBER.fullmatch(value):
        return None
    number = json.loads(value)
    return number if math.isfinite(number) else None


@function("merge", ("object",), variadic=True)
def _merge(meter: Meter, *objects: dict[str, Any]) -> dict[str, Any]:
    meter.make(sum(map(len, objects)))
    merged: dict[str, Any] = {}
    for item in objects:
        merged.update(item)
    return merged


@function("keys", ("object",))
def _keys(meter: Meter, value: dict[str, Any]) -> list[Any]:
    meter.make(len(value))
    return list(value)


@function("values", ("object",))
def _values(meter: Meter, value: dict[str, Any]) -> list[Any]:
    meter.make(len(value))
    return list(value.values())


@function("sort", *_NUMBERS_OR_STRINGS)
def _sort(meter: Meter, items: list[Any]) -> list[Any]:
    meter.make(len(items))
    _charge_sort(items, meter)
    return sorted(items)


def _charge_sort(keys: list[Any], meter: Meter) -> None:
    rounds = len(keys).bit_length()
    meter.step(len(keys) * rounds // 4)
    if keys and isinstance(keys[0], str):
        meter.step(sum(map(len, keys)) * rounds // CHARACTERS_PER_STEP)


def _keys_by(name: str, items: list[Any], each: Each, meter: Meter) -> Callable[[int], Any]:
    keys = each.over(items, meter)
    kinds = set(map(type, keys))
    if not (kinds <= {int, float} or kinds <= {str}):
        raise Fault(f"has no value: {name}() needs a number for each element, or text for each")
    _charge_sort(keys, meter)
    return keys.__getitem__


@function("sort_by", *_ARRAY_AND_EXPRESSION)
def _sort_by(meter: Meter, items: list[Any], each: Each) -> list[Any]:
    key = _keys_by("sort_by", items, each, meter)
    return [items[index] for index in sorted(range(len(items)), key=key)]


@function("max_by", *_ARRAY_AND_EXPRESSION)
def _max_by(meter: Meter, items: list[Any], each: Each) -> Any:
    key = _keys_by("max_by", items, each, meter)
    return items[max(range(len(items)), key=key)] if items else None


@function("min_by", *_ARRAY_AND_EXPRESSION)
def _min_by(meter: Meter, items: list[Any], each: Each) -> Any:
    key = _keys_by("min_by", items, each, meter)
    return items[min(range(len(items)), key=key)] if items else None
