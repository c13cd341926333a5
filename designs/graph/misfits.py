"""Says why a value does not fit a JSON Schema: the first places, in sentences, at a bounded cost.

The library that judges builds all its errors before it gives the first, each with a copy of the
value. Here a value that was judged not to fit is walked beside its schema until enough is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from designs.graph.meter import MAX_STEPS, Meter, Overrun
from designs.graph.report import excerpt
from designs.graph.schema_parts import target_of
from designs.graph.schema_words import KEYWORDS, Judge

# Parts and values that are looked at before the walk ends with what was found.
MAX_WALK_STEPS = 10_000
UNNAMED = "This does not fit the schema."

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A place in a value, and a sentence about what must be there."""

    place: Place
    sentence: str


def first_misfits(schema: dict[str, Any], value: Any, most: int) -> list[Misfit]:
    """Up to `most` reasons why a value does not fit that was judged not to; at least one."""
    found: list[Misfit] = []
    walk = _Walk(schema)
    try:
        for misfit in walk.misfits(schema, value, ()):
            if misfit not in found:
                found.append(misfit)
            if len(found) >= most:
                break
    except (Overrun, RecursionError):
        pass
    return found or [Misfit((), UNNAMED)]


class _Walk(Judge):
    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__(Meter(MAX_STEPS // MAX_WALK_STEPS))
        self.schema = schema

    def misfits(self, part: Any, value: Any, place: Place) -> Iterator[Misfit]:
        """One after the other, found only when asked for."""
        self.meter.step(1)
        if part is False:
            yield Misfit(place, "Nothing may stand here. Remove it.")
        if not isinstance(part, dict):
            return
        for key, argument in part.items():
            self.meter.step(1 + _length(argument) // 8)
            if key in KEYWORDS:
                yield from (
                    Misfit((*place, *inner), text)
                    for inner, text in KEYWORDS[key](argument, value, self)
                )
            elif key in _PARTS:
                yield from _PARTS[key](self, part, value, place)

    def fits(self, part: Any, value: Any) -> bool:
        return next(self.misfits(part, value, ()), None) is None


def _length(argument: Any) -> int:
    return len(argument) if isinstance(argument, list | dict) else 0


Rule = Callable[[_Walk, Mapping[str, Any], Any, Place], Iterator[Misfit]]


# --- Schemas for the value itself -----------------------------------------------------------------


def _reference(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(part["$ref"], str):
        yield from walk.misfits(target_of(walk.schema, part["$ref"]), value, place)


def _all_of(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    for inner in part["allOf"]:
        yield from walk.misfits(inner, value, place)


def _any_of(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    options = part["anyOf"]
    if not any(walk.fits(inner, value) for inner in options):
        yield _no_option(walk, options, value, place)


def _one_of(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    fitting = sum(walk.fits(inner, value) for inner in part["oneOf"])
    if fitting == 0:
        yield _no_option(walk, part["oneOf"], value, place)
    elif fitting > 1:
        yield Misfit(place, f"This fits {fitting} of the forms of which it must fit exactly one.")


def _no_option(walk: _Walk, options: list[Any], value: Any, place: Place) -> Misfit:
    """The option that comes nearest says what is wrong: the one that is wrong deepest inside."""
    first = [next(walk.misfits(option, value, place), None) for option in options]
    found = [misfit for misfit in first if misfit is not None]
    if not found:
        return Misfit(place, "This fits none of the forms that are allowed here.")
    deepest = max(found, key=lambda misfit: len(misfit.place))
    if len(deepest.place) > len(place) or len(found) == 1:
        return deepest
    sentences = list(dict.fromkeys(misfit.sentence.rstrip(".") for misfit in found))[:5]
    return Misfit(place, ", or: ".join(sentences) + ".")


def _not(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if walk.fits(part["not"], value):
        yield Misfit(place, "This has a form that is not allowed here (`not`).")


def _if(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    branch = "then" if walk.fits(part["if"], value) else "else"
    yield from walk.misfits(part.get(branch, True), value, place)


def _dependent(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, dict):
        for name, inner in part["dependentSchemas"].items():
            if name in value:
                yield from walk.misfits(inner, value, place)


# --- Schemas for the values inside ----------------------------------------------------------------


def _properties(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, dict):
        for name, inner in part["properties"].items():
            walk.meter.step(1)
            if name in value:
                yield from walk.misfits(inner, value[name], (*place, name))


def _by_pattern(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        return
    for pattern, inner in part["patternProperties"].items():
        for name, item in value.items():
            walk.meter.step(2)
            if walk.passes("pattern", pattern, name):
                yield from walk.misfits(inner, item, (*place, name))


def _additional(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
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
            known = ", ".join(f"`{excerpt(key)}`" for key in list(part.get("properties", {}))[:20])
            hint = f" There are: {known}." if known else ""
            yield Misfit(place, f"Additional properties are not allowed: `{excerpt(name)}`.{hint}")
        else:
            yield from walk.misfits(inner, item, (*place, name))


def _names(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, dict):
        for name in value:
            for misfit in walk.misfits(part["propertyNames"], name, ()):
                text = f"The name `{excerpt(name)}` is not allowed here. {misfit.sentence}"
                yield Misfit(place, text)


def _prefix(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if isinstance(value, list):
        for index, (inner, item) in enumerate(zip(part["prefixItems"], value, strict=False)):
            yield from walk.misfits(inner, item, (*place, index))


def _items(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, list):
        return
    first = len(part.get("prefixItems", ()))
    if part["items"] is False and len(value) > first:
        yield Misfit(place, f"This may have at most {first:,} entries, not {len(value):,}.")
        return
    for index in range(first, len(value)):
        yield from walk.misfits(part["items"], value[index], (*place, index))


def _contains(walk: _Walk, part: Mapping[str, Any], value: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, list):
        return
    least, most = part.get("minContains", 1), part.get("maxContains")
    count = sum(walk.fits(part["contains"], item) for item in value)
    if count < least or (most is not None and count > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        yield Misfit(
            place, f"Of the form in `contains` it must have {bounds} entries, and has {count}."
        )


_PARTS: dict[str, Rule] = {
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
    "dependentSchemas": _dependent,
    "properties": _properties,
    "patternProperties": _by_pattern,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "prefixItems": _prefix,
    "items": _items,
    "contains": _contains,
}
