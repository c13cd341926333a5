"""Why a value does not fit a schema: named soon, in plain sentences, whatever schema and value."""

from __future__ import annotations

import resource
from typing import Any

import pytest

from designs.graph.misfits import UNNAMED, first_misfits
from designs.graph.schema_check import TOO_MUCH, SchemaCheck

Schema = dict[str, Any]


def told(schema: Schema, value: Any) -> list[tuple[str, str]]:
    return [("/".join(map(str, m.place)), m.sentence) for m in SchemaCheck(schema).misfits(value)]


@pytest.mark.parametrize(
    ("schema", "value", "place", "sentence"),
    [
        ({"type": "integer"}, "x", "", "This must be a whole number, not text."),
        ({"type": ["string", "null"]}, 1, "", "This must be text or null, not a number."),
        ({"type": "object", "required": ["n"]}, {}, "", '"n" is a required property. Add it.'),
        ({"properties": {"n": {"minimum": 3}}}, {"n": 2}, "n", "This must be at least 3, not 2."),
        ({"items": {"enum": ["a", "b"]}}, ["a", "c"], "1", '"c" is not one of "a", "b".'),
        ({"const": 1}, True, "", "This must be 1."),
        ({"minLength": 1}, "", "", "This must have at least 1 character, and has 0."),
        ({"maxItems": 1}, [1, 2], "", "This may have at most 1 entry, and has 2."),
        ({"pattern": "^a"}, "b", "", '"b" does not match the pattern `^a`.'),
        ({"multipleOf": 2}, 3, "", "This must be a multiple of 2, not 3."),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"b": 1},
            "",
            "Additional properties are not allowed: `b`. There are: `a`.",
        ),
        (
            {"propertyNames": {"pattern": "^[a-z]$"}},
            {"B": 1},
            "",
            'The name `B` is not allowed here. "B" does not match the pattern `^[a-z]$`.',
        ),
        (
            {"anyOf": [{"type": "null"}, {"properties": {"a": {"type": "integer"}}}]},
            {"a": "x"},
            "a",
            "This must be a whole number, not text.",
        ),
        (
            {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "x",
            "",
            "This must be null, not text, or: This must be a whole number, not text.",
        ),
        ({"oneOf": [{}, {}]}, 1, "", "This fits 2 of the forms of which it must fit exactly one."),
        ({"not": {"type": "null"}}, None, "", "This has a form that is not allowed here (`not`)."),
        ({"if": {"const": 1}, "then": False}, 1, "", "Nothing may stand here. Remove it."),
        ({"unevaluatedProperties": False}, {"a": 1}, "", UNNAMED),
    ],
)
def test_sentences(schema: Schema, value: Any, place: str, sentence: str) -> None:
    assert told(schema, value) == [(place, sentence)]


def test_at_most_fifty_and_the_first_of_a_long_list() -> None:
    schema = {"items": {"type": "integer"}}
    assert len(told(schema, ["x"] * 49_000)) == 50
    assert told(schema, [1] * 40_000) == []


def test_a_walk_that_takes_too_long_ends_with_what_it_found() -> None:
    schema = {"items": {"type": "integer"}}
    value = ["x", *[1] * 30_000, "y"]
    assert [misfit.place for misfit in first_misfits(schema, value, 50)] == [(0,)]
    assert [misfit.sentence for misfit in first_misfits(schema, value[1:], 50)] == [UNNAMED]


DOUBLING: Schema = {
    "$defs": {
        "a": {"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b", "minItems": 0}]},
        "b": {"type": "array", "items": {"$ref": "#/$defs/a"}},
    },
    "properties": {"x": {"$ref": "#/$defs/a"}},
}


def nested(depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


HOSTILE: list[tuple[Schema, Any]] = [
    ({"propertyNames": {"pattern": "^[a-z]{1,2}$"}}, {f"kkk{n}": 1 for n in range(20_000)}),
    (DOUBLING, {"x": nested(60, "s")}),
    (
        {
            "$defs": {"a": {"required": [f"a{n}" for n in range(3_000)]}},
            "anyOf": [{"$ref": "#/$defs/a"}] * 150,
        },
        {"x": "y" * 500_000},
    ),
    ({"items": {"enum": [{"a": n} for n in range(10_000)]}}, [{"a": 1}] * 24_000),
    (
        {
            "$defs": {"a": {"contains": {"const": 1}}},
            "allOf": [{"$ref": "#/$defs/a"}] * 500,
        },
        [*[0] * 48_000, 1],
    ),
    (
        {
            "$defs": {"t": {"anyOf": [{"type": "null"}, {"properties": {"x": {"$ref": "#/$defs/t"}},
                                                         "type": "object"}]}},
            "$ref": "#/$defs/t",
        },
        {"x": {"x": {"x": "y" * 900_000}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_pairs_take_little_memory(number: int) -> None:
    schema, value = HOSTILE[number]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = SchemaCheck(schema).misfits(value)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found
    assert len(found) <= 50
    assert sum(len(misfit.sentence) for misfit in found) < 50_000
    assert grown < 50 * 1024


def test_what_would_take_long_is_refused_before_it_is_judged() -> None:
    schema, value = HOSTILE[3]
    assert told(schema, value) == [("", TOO_MUCH)]
    assert told(schema, value[:1]) == []
    schema, value = HOSTILE[4]
    assert told(schema, value) == [("", TOO_MUCH)]
    assert told(schema, [0, 1]) == []


def test_a_schema_published_before_its_doubling_was_refused_judges_nothing() -> None:
    [(place, sentence)] = told(DOUBLING, {"x": nested(60, [])})
    assert place == ""
    assert "doubles the work" in sentence
