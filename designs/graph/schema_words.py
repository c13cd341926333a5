"""What the keywords of JSON Schema that hold no schemas ask of a value, in sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs

from designs.graph.meter import ELEMENTS_PER_STEP, Meter, equal, weigh
from designs.graph.report import excerpt
from designs.graph.same_values import is_unique, size

# Characters of a sentence that names what is allowed.
MAX_OPTIONS = 1_000
# Expressions without look-around or back references take time in proportion to the text, always.
PATTERNS = jsonschema_rs.RegexOptions(size_limit=1_000_000)

# Where inside a value, and what is wrong.
Found = Iterator[tuple[tuple[str | int, ...], str]]

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "text",
}


class Judge:
    """Judges values by one keyword that holds no schema, and counts what all of it costs."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def passes(self, keyword: str, argument: Any, value: Any) -> bool:
        """As the library that judges whole schemas says. Raises Overrun."""
        self.meter.step(1 + weigh(value))
        return _judge(json.dumps({keyword: argument})).is_valid(value)

    def same(self, option: Any, value: Any) -> bool:
        """Raises Overrun."""
        return bool(option == value) and equal(option, value, self.meter)


@lru_cache(maxsize=256)
def _judge(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(schema), pattern_options=PATTERNS)


def kind_named(value: Any) -> str:
    """What a value is, in the words of the sentences here."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def quoted(value: Any, most: int = 80) -> str:
    """A value as JSON that can stand in a sentence; large ones are named by their kind."""
    if isinstance(value, list | dict) and len(value) > 20:
        return kind_named(value)
    if isinstance(value, str):
        value = value if len(value) <= most else f"{value[:most]}…"
    text = json.dumps(value, ensure_ascii=False, default=str) if _is_small(value) else ""
    if not text:
        return kind_named(value)
    return text if len(text) <= most + 3 else f"{text[:most]}…"


def _is_small(value: Any) -> bool:
    if isinstance(value, list | dict):
        inner = value.values() if isinstance(value, dict) else value
        return all(
            not isinstance(item, list | dict) and (not isinstance(item, str) or len(item) < 1_000)
            for item in inner
        )
    return True


def _type(argument: Any, value: Any, judge: Judge) -> Found:
    if not judge.passes("type", argument, _bare(value)):
        names = argument if isinstance(argument, list) else [argument]
        wanted = " or ".join(_TYPES.get(name, str(name)) for name in names)
        yield (), f"This must be {wanted}, not {kind_named(value)}."


def _bare(value: Any) -> Any:
    """A value of the same type, without what it holds: it would be read whole."""
    if isinstance(value, str | list | dict):
        return type(value)()
    return value


def _enum(argument: Any, value: Any, judge: Judge) -> Found:
    judge.meter.step(len(argument))
    if not any(judge.same(option, value) for option in argument):
        yield (), f"{quoted(value)} is not one of {_listed(argument)}."


def _listed(options: list[Any]) -> str:
    told: list[str] = []
    for option in options:
        text = quoted(option, 200)
        if sum(map(len, told)) + len(text) > MAX_OPTIONS:
            return f"{', '.join(told)} and {len(options) - len(told):,} more"
        told.append(text)
    return ", ".join(told)


def _const(argument: Any, value: Any, judge: Judge) -> Found:
    if not judge.same(argument, value):
        yield (), f"This must be {quoted(argument, 200)}."


def _required(argument: Any, value: Any, judge: Judge) -> Found:
    if isinstance(value, dict):
        for name in argument:
            if name not in value:
                yield (), f"{quoted(name)} is a required property. Add it."


def _dependent_required(argument: Any, value: Any, judge: Judge) -> Found:
    if not isinstance(value, dict):
        return
    for name, others in argument.items():
        for other in others if name in value else ():
            if other not in value:
                yield (), f"{quoted(other)} is required beside {quoted(name)}. Add it."


def _pattern(argument: Any, value: Any, judge: Judge) -> Found:
    if isinstance(value, str) and not judge.passes("pattern", argument, value):
        yield (), f"{quoted(value)} does not match the pattern `{excerpt(argument)}`."


def _unique(argument: Any, value: Any, judge: Judge) -> Found:
    if not argument or not isinstance(value, list):
        return
    judge.meter.step(1 + size(value) // ELEMENTS_PER_STEP)
    if not is_unique(value):
        yield (), "Every entry may stand here once only. Remove those that stand twice."


def _multiple(argument: Any, value: Any, judge: Judge) -> Found:
    if not judge.passes("multipleOf", argument, _bare(value)):
        yield (), f"This must be a multiple of {argument}, not {value}."


def _bound(keyword: str, words: str) -> Callable[[Any, Any, Judge], Found]:
    def check(argument: Any, value: Any, judge: Judge) -> Found:
        if not judge.passes(keyword, argument, _bare(value)):
            yield (), f"This must be {words} {argument}, not {value}."

    return check


def _size(kind: type, least: bool, noun: str) -> Callable[[Any, Any, Judge], Found]:
    def check(argument: Any, value: Any, judge: Judge) -> Found:
        if not isinstance(value, kind):
            return
        size = len(value)  # type: ignore[arg-type]
        if size < argument if least else size > argument:
            limit = f"must have at least {argument}" if least else f"may have at most {argument}"
            plural = noun if argument == 1 else {"entry": "entries"}.get(noun, f"{noun}s")
            yield (), f"This {limit} {plural}, and has {size}."

    return check


KEYWORDS: dict[str, Callable[[Any, Any, Judge], Found]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "dependentRequired": _dependent_required,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "multipleOf": _multiple,
    "minimum": _bound("minimum", "at least"),
    "maximum": _bound("maximum", "at most"),
    "exclusiveMinimum": _bound("exclusiveMinimum", "greater than"),
    "exclusiveMaximum": _bound("exclusiveMaximum", "less than"),
    "minLength": _size(str, True, "character"),
    "maxLength": _size(str, False, "character"),
    "minItems": _size(list, True, "entry"),
    "maxItems": _size(list, False, "entry"),
    "minProperties": _size(dict, True, "property"),
    "maxProperties": _size(dict, False, "property"),
}
