"""Applies the JSON Schema keywords that contain no schemas, and explains errors in sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs

from designs.graph.meter import ELEMENTS_PER_STEP, Meter, equal, weigh
from designs.graph.report import excerpt
from designs.graph.same_values import is_unique, size

# Characters of a sentence that lists the allowed values.
MAX_OPTIONS = 1_000
# Expressions without look-around or back references always take time linear in the text.
PATTERNS = jsonschema_rs.RegexOptions(size_limit=1_000_000)

# Places inside a value, and a sentence about each.
Errors = Iterator[tuple[tuple[str | int, ...], str]]

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
    """Validates values by single keywords, and counts the total cost."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def passes(self, keyword: str, argument: Any, value: Any) -> bool:
        """Ask the library that validates whole schemas. Raises Overrun."""
        self.meter.step(1 + weigh(value))
        return _validator(json.dumps({keyword: argument})).is_valid(value)

    def same(self, option: Any, value: Any) -> bool:
        """Raises Overrun."""
        return bool(option == value) and equal(option, value, self.meter)


@lru_cache(maxsize=256)
def _validator(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(schema), pattern_options=PATTERNS)


def kind_named(value: Any) -> str:
    """The type of a value, in the words of the sentences here."""
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
    """A value as JSON for a sentence; large ones are described by their type."""
    if isinstance(value, str):
        value = value if len(value) <= most else f"{value[:most]}…"
    if isinstance(value, list | dict):
        inner = value.values() if isinstance(value, dict) else value
        if len(value) > 20 or any(
            isinstance(item, list | dict) or (isinstance(item, str) and len(item) >= 1_000)
            for item in inner
        ):
            return kind_named(value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most + 3 else f"{text[:most]}…"


Check = Callable[[Any, Any, Judge], Errors]
KEYWORDS: dict[str, Check] = {}


def _keyword(name: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        KEYWORDS[name] = check
        return check

    return register


@_keyword("type")
def _type(argument: Any, value: Any, judge: Judge) -> Errors:
    if not judge.passes("type", argument, _bare(value)):
        names = argument if isinstance(argument, list) else [argument]
        wanted = " or ".join(_TYPES.get(name, str(name)) for name in names)
        yield (), f"This must be {wanted}, not {kind_named(value)}."


def _bare(value: Any) -> Any:
    """An empty value of the same type: the library would copy all contents."""
    if isinstance(value, str | list | dict):
        return type(value)()
    return value


@_keyword("enum")
def _enum(argument: Any, value: Any, judge: Judge) -> Errors:
    judge.meter.step(len(argument))
    if any(judge.same(option, value) for option in argument):
        return
    options: list[str] = []
    length = 0
    for option in argument:
        text = quoted(option, 200)
        length += len(text)
        if length > MAX_OPTIONS:
            break
        options.append(text)
    listed = ", ".join(options)
    if len(options) < len(argument):
        listed += f" and {len(argument) - len(options):,} more"
    yield (), f"{quoted(value)} is not one of {listed}."


@_keyword("const")
def _const(argument: Any, value: Any, judge: Judge) -> Errors:
    if not judge.same(argument, value):
        yield (), f"This must be {quoted(argument, 200)}."


@_keyword("required")
def _required(argument: Any, value: Any, judge: Judge) -> Errors:
    if isinstance(value, dict):
        for name in argument:
            if name not in value:
                yield (), f"{quoted(name)} is a required property. Add it."


@_keyword("dependentRequired")
def _dependent_required(argument: Any, value: Any, judge: Judge) -> Errors:
    if not isinstance(value, dict):
        return
    for name, others in argument.items():
        for other in others if name in value else ():
            if other not in value:
                yield (), f"{quoted(other)} is required beside {quoted(name)}. Add it."


@_keyword("pattern")
def _pattern(argument: Any, value: Any, judge: Judge) -> Errors:
    if isinstance(value, str) and not judge.passes("pattern", argument, value):
        yield (), f"{quoted(value)} does not match the pattern `{excerpt(argument)}`."


@_keyword("uniqueItems")
def _unique(argument: Any, value: Any, judge: Judge) -> Errors:
    if not argument or not isinstance(value, list):
        return
    judge.meter.step(1 + size(value) // ELEMENTS_PER_STEP)
    if not is_unique(value):
        yield (), "Every entry may stand here once only. Remove those that stand twice."


def _bound(keyword: str, words: str) -> Check:
    def check(argument: Any, value: Any, judge: Judge) -> Errors:
        if not judge.passes(keyword, argument, _bare(value)):
            yield (), f"This must be {words} {argument}, not {value}."

    return check


def _size(kind: type, least: bool, noun: str) -> Check:
    def check(argument: Any, value: Any, judge: Judge) -> Errors:
        if not isinstance(value, kind):
            return
        size = len(value)  # type: ignore[arg-type]
        if size < argument if least else size > argument:
            limit = f"must have at least {argument}" if least else f"may have at most {argument}"
            plural = noun if argument == 1 else {"entry": "entries"}.get(noun, f"{noun}s")
            yield (), f"This {limit} {plural}, and has {size}."

    return check


KEYWORDS |= {
    "multipleOf": _bound("multipleOf", "a multiple of"),
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
