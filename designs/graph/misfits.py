"""Explains why a value does not fit a JSON Schema: the first errors, at a bounded cost.

The validating library builds all errors, each with a copy of the value, before it returns the
first. Here a value that failed is walked along with its schema until there are enough errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from designs.graph.meter import MAX_STEPS, Meter, Overrun
from designs.graph.report import excerpt
from designs.graph.schema_parts import target_of
from designs.graph.schema_words import KEYWORDS, Judge

# Parts and values that are visited before the walk ends with the errors so far.
MAX_WALK_STEPS = 10_000
UNNAMED = "This does not fit the schema."

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A place in a value, and a sentence about its error."""

    place: Place
    sentence: str


def first_misfits(schema: dict[str, Any], value: Any, most: int) -> list[Misfit]:
    """Up to `most` errors, and at least one, of a value that failed the validation."""
    misfits: list[Misfit] = []
    walk = _Walk(schema)
    try:
        for misfit in walk.misfits(schema, value, ()):
            if misfit not in misfits:
                misfits.append(misfit)
            if len(misfits) >= most:
                break
    except (Overrun, RecursionError):
        pass
    return misfits or [Misfit((), UNNAMED)]


class _Walk(Judge):
    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__(Meter(MAX_STEPS // MAX_WALK_STEPS))
        self.schema = schema

    def misfits(self, part: Any, value: Any, place: Place) -> Iterator[Misfit]:
        self.meter.step(1)
        if part is False:
            yield Misfit(place, "Nothing may stand here. Remove it.")
        if not isinstance(part, dict):
            return
        for key, argument in part.items():
            length = len(argument) if isinstance(argument, list | dict) else 0
            self.meter.step(1 + length // 8)
            if key in KEYWORDS:
                yield from (
                    Misfit((*place, *inner), text)
                    for inner, text in KEYWORDS[key](argument, value, self)
                )
            elif key in _PARTS:
                yield from _PARTS[key](self, part, value, place)

    def fits(self, part: Any, value: Any) -> bool:
        return next(self.misfits(part, value, ()), None) is None


Part = Mapping[str, Any]
Rule = Callable[[_Walk, Part, Any, Place], Iterator[Misfit]]
_PARTS: dict[str, Rule] = {}


def _keyword(name: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _PARTS[name] = rule
        return rule

    return register


# --- Schemas for the value itself -----------------------------------------------------------------


@_keyword("$ref")
def _reference(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(part["$ref"], str):
        yield from walk.misfits(target_of(walk.schema, part["$ref"]), value, place)


@_keyword("allOf")
def _all_of(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    for inner in part["allOf"]:
        yield from walk.misfits(inner, value, place)


@_keyword("anyOf")
def _any_of(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    options = part["anyOf"]
    if not any(walk.fits(inner, value) for inner in options):
        yield _no_option(walk, options, value, place)


@_keyword("oneOf")
def _one_of(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    fitting = sum(walk.fits(inner, value) for inner in part["oneOf"])
    if fitting == 0:
        yield _no_option(walk, part["oneOf"], value, place)
    elif fitting > 1:
        yield Misfit(place, f"This fits {fitting} of the forms of which it must fit exactly one.")


def _no_option(walk: _Walk, options: list[Any], value: Any, place: Place) -> Misfit:
    """The error of the closest option: the one that fails deepest inside the value."""
    first = [next(walk.misfits(option, value, place), None) for option in options]
    misfits = [misfit for misfit in first if misfit is not None]
    if not misfits:
        return Misfit(place, "This fits none of the forms that are allowed here.")
    deepest = max(misfits, key=lambda misfit: len(misfit.place))
    if len(deepest.place) > len(place) or len(misfits) == 1:
        return deepest
    sentences = list(dict.fromkeys(misfit.sentence.rstrip(".") for misfit in misfits))[:5]
    return Misfit(place, ", or: ".join(sentences) + ".")


@_keyword("not")
def _not(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if walk.fits(part["not"], value):
        yield Misfit(place, "This has a form that is not allowed here (`not`).")


@_keyword("if")
def _if(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    branch = "then" if walk.fits(part["if"], value) else "else"
    yield from walk.misfits(part.get(branch, True), value, place)


@_keyword("dependentSchemas")
def _dependent(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, dict):
        for name, inner in part["dependentSchemas"].items():
            if name in value:
                yield from walk.misfits(inner, value, place)


# --- Schemas for the values inside ----------------------------------------------------------------


@_keyword("properties")
def _properties(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, dict):
        for name, inner in part["properties"].items():
            walk.meter.step(1)
            if name in value:
                yield from walk.misfits(inner, value[name], (*place, name))


@_keyword("patternProperties")
def _by_pattern(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        return
    for pattern, inner in part["patternProperties"].items():
        for name, item in value.items():
            walk.meter.step(2)
            if walk.passes("pattern", pattern, name):
                yield from walk.misfits(inner, item, (*place, name))


@_keyword("additionalProperties")
def _additional(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        return
    inner = part["additionalProperties"]
    patterns = list(part.get("patternProperties", {}))
    for name, item in value.items():
        walk.meter.step(1 + 2 * len(patterns))
        if name in part.get("properties", {}):
            continue
        if any(walk.passes("pattern", pattern, name) for pattern in patterns):
            continue
        if inner is False:
            names = ", ".join(f"`{excerpt(key)}`" for key in list(part.get("properties", {}))[:20])
            hint = f" There are: {names}." if names else ""
            yield Misfit(place, f"Additional properties are not allowed: `{excerpt(name)}`.{hint}")
        else:
            yield from walk.misfits(inner, item, (*place, name))


@_keyword("propertyNames")
def _names(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, dict):
        for name in value:
            for misfit in walk.misfits(part["propertyNames"], name, ()):
                text = f"The name `{excerpt(name)}` is not allowed here. {misfit.sentence}"
                yield Misfit(place, text)


@_keyword("prefixItems")
def _prefix(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, list):
        for index, (inner, item) in enumerate(zip(part["prefixItems"], value, strict=False)):
            yield from walk.misfits(inner, item, (*place, index))


@_keyword("items")
def _items(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, list):
        return
    first = len(part.get("prefixItems", ()))
    if part["items"] is False and len(value) > first:
        yield Misfit(place, f"This may have at most {first:,} entries, not {len(value):,}.")
        return
    for index in range(first, len(value)):
        yield from walk.misfits(part["items"], value[index], (*place, index))


@_keyword("contains")
def _contains(walk: _Walk, part: Part, value: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, list):
        return
    least, most = part.get("minContains", 1), part.get("maxContains")
    count = sum(walk.fits(part["contains"], item) for item in value)
    if count < least or (most is not None and count > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        yield Misfit(
            place, f"Of the form in `contains` it must have {bounds} entries, and has {count}."
        )
