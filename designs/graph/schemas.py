"""JSON Schemas in designs: checks whether one is accepted, and compiles it without the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from designs.graph.pattern_cost import cost_of_pattern
from designs.graph.report import Report, excerpt, pointer
from designs.graph.same_values import own_keywords
from designs.graph.schema_parts import patterns_of, target_of, ways_round
from designs.graph.schema_words import PATTERNS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_NODES = 200
# Keys and list entries, not counting those of plain values.
MAX_ENTRIES = 4_000
MAX_DEPTH = 20
MAX_PATTERN = 200
# Characters that a pattern must be able to match, and their maximum cost (see pattern_cost).
USUAL_TEXT = 2_000
MAX_PATTERN_COST = 16_000_000
# How many schemas may be applied to one value when every local reference is followed.
MAX_UNFOLDED = 2_000

# Keywords with plain values, in which other keywords mean nothing.
_DATA = frozenset({"const", "enum", "default", "examples"})
# Keywords with an object of names, not of keywords.
_TABLES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DEFINITIONS = ("$defs", "definitions")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_FOREIGN = frozenset(
    {"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"}
)

# `(?=`, `(?!`, `(?<=`, `(?<!`, and `\1`, none of them after a backslash of its own.
_LOOK_AROUND = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?<?[=!]|\\[1-9])")

Part = dict[str, Any] | list[Any]


def compile_schema(schema: dict[str, Any] | bool) -> jsonschema_rs.Validator:
    """A validator that follows local references only.

    Raises ValueError for an invalid schema; one accepted by `check_schema` compiles.
    """
    return jsonschema_rs.validator_for(
        schema,
        retriever=_refuse,
        pattern_options=PATTERNS,
        keywords=own_keywords(schema) or None,
    )


def check_schema(schema: dict[str, Any], path: str, report: Report) -> None:
    """Report everything that is wrong with a schema. It must be plain JSON."""
    parts = list(_parts(schema, path))
    if sum(isinstance(part, dict) for part, _, _ in parts) > MAX_NODES:
        report.add(path, f"The schema has more than {MAX_NODES} parts. Make it simpler.")
        return
    if sum(len(part) for part, _, _ in parts) > MAX_ENTRIES:
        report.add(path, f"The schema has more than {MAX_ENTRIES:,} entries. Make it simpler.")
        return
    if any(depth > MAX_DEPTH for _, _, depth in parts):
        report.add(
            path, f"The schema is nested deeper than {MAX_DEPTH} levels. Use `$defs` and `$ref`."
        )
        return
    before = len(report)
    for part, place, _ in parts:
        if isinstance(part, dict):
            _check_part(schema, part, place, report)
    _check_dialect(schema, path, report)
    if len(report) == before:
        check_references(schema, path, report)
        try:
            compile_schema(schema)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            place = path + pointer(*getattr(error, "instance_path", ()))
            message = excerpt(getattr(error, "message", str(error)))
            report.add(place, f"This is not a JSON Schema that can be used: {message}.")


def _check_dialect(schema: dict[str, Any], path: str, report: Report) -> None:
    for error in _dialect().iter_errors(schema):
        place = path + pointer(*error.instance_path)
        # Our own checks have better words for the same error.
        if report.has(place):
            continue
        if error.kind.name == "anyOf" and error.instance_path[-1:] == ["type"]:
            report.add(place, f"`type` is one of {', '.join(_TYPES)}, or a list of these.")
        else:
            report.add(place, f"This is not JSON Schema: {excerpt(error.message)}.")


def _parts(
    value: Any, path: str, depth: int = 1, named: bool = False
) -> Iterator[tuple[Part, str, int]]:
    """The objects and lists of a schema with path and depth, without plain data."""
    if isinstance(value, dict | list) and depth <= MAX_DEPTH + 1:
        yield value, path, depth
        for key, item, names in _inner(value, named):
            yield from _parts(item, path + pointer(key), depth + 1, names)


def _inner(part: Part, named: bool) -> Iterator[tuple[str | int, Any, bool]]:
    """The contents of a part: key, value, and whether that is an object of names, not a schema."""
    if isinstance(part, list):
        yield from ((index, item, False) for index, item in enumerate(part))
        return
    for key, item in part.items():
        if named:
            yield key, item, False
        elif key not in _DATA:
            yield key, item, key in _TABLES


def _check_part(schema: dict[str, Any], part: dict[str, Any], path: str, report: Report) -> None:
    reference, dialect = part.get("$ref"), part.get("$schema", DIALECT)
    if isinstance(reference, str) and target_of(schema, reference) is None:
        report.add(
            f"{path}/$ref",
            "This reference leads nowhere. Point to a part of this schema, as in `#/$defs/item`.",
        )
    if isinstance(dialect, str) and dialect.rstrip("#") != DIALECT:
        report.add(f"{path}/$schema", f"Only JSON Schema 2020-12 is known here. Write `{DIALECT}`.")
    for key in _FOREIGN & part.keys():
        if isinstance(part[key], str):
            report.add(path + pointer(key), f"`{key}` cannot be used here. Use `$ref` with `#/…`.")
    for key in ("pattern", "patternProperties"):
        for pattern in patterns_of({key: part.get(key)}):
            if problem := _pattern_problem(pattern):
                report.add(f"{path}/{key}", problem)


def _pattern_problem(pattern: str) -> str | None:
    if _LOOK_AROUND.search(pattern):
        return (
            "Look-ahead, look-behind and back references are not known here. "
            "Write the pattern without them, or several patterns in `allOf`."
        )
    if len(pattern) > MAX_PATTERN:
        return f"A pattern may have at most {MAX_PATTERN} characters."
    if cost_of_pattern(pattern).of_text(USUAL_TEXT) > MAX_PATTERN_COST:
        return (
            "This pattern would take too long: its counted repeats, as in `{1,500}`, follow "
            "parts of free length. Count less, begin it with `^`, or use `maxLength`."
        )
    return None


# --- The cost of following references -------------------------------------------------------------


def check_references(schema: dict[str, Any], path: str, report: Report) -> None:
    """Without this check, a small schema could apply millions of schemas to each value."""
    back: dict[int, dict[str, Any]] = {}
    count = _unfolded(schema, _Unfolding(schema, {}, [], back))
    if len(back) > 1:
        report.add(
            path, "The schema refers to itself in several places. Let it do so in one place only."
        )
    elif any(ways_round(schema, start, end) > 1 for end, start in back.items()):
        report.add(
            path,
            "The schema refers to itself through parts that judge the same value more than once, "
            "so that each level of a value doubles the work. Let one way only lead back.",
        )
    elif count > MAX_UNFOLDED:
        report.add(
            path,
            f"With its references followed, the schema has more than {MAX_UNFOLDED:,} parts. "
            "Use fewer references.",
        )


@dataclass(frozen=True, slots=True)
class _Unfolding:
    """`counts` has the finished parts by identity; `back` the open parts that references lead back
    to, by the identity of the referring part.
    """

    schema: dict[str, Any]
    counts: dict[int, int]
    open_parts: list[int]
    back: dict[int, dict[str, Any]]


def _unfolded(part: Any, state: _Unfolding, named: bool = False) -> int:
    """The number of schemas in a part when its references are followed."""
    if not isinstance(part, dict | list):
        return 0
    if id(part) in state.counts:
        return state.counts[id(part)]
    state.open_parts.append(id(part))
    count = 1 + sum(
        _unfolded(item, state, names)
        for key, item, names in _inner(part, named)
        # A definition counts where it is referenced, not where it is defined.
        if named or key not in _DEFINITIONS
    )
    reference = part.get("$ref") if isinstance(part, dict) and not named else None
    if isinstance(reference, str):
        target = target_of(state.schema, reference)
        if id(target) in state.open_parts:
            state.back[id(part)] = target
        else:
            count += _unfolded(target, state)
    state.open_parts.pop()
    state.counts[id(part)] = count
    return count


# --- jsonschema-rs --------------------------------------------------------------------------------


@cache
def _dialect() -> jsonschema_rs.Validator:
    return compile_schema({"$ref": DIALECT})


def _refuse(uri: str) -> Any:
    # The library would fetch http and file URLs: an author could reach our network and files.
    raise ValueError(f"References to {uri} are not followed.")
