"""The walk that names misfits agrees with the library that judges."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from designs.graph.misfits import first_misfits
from designs.graph.schemas import compile_schema

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "bb", 1.5])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=8,
)
LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({"type": st.sampled_from(["object", "array", "integer", "string"])}),
    st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": VALUES}),
    st.fixed_dictionaries({"minimum": st.integers(-2, 2)}),
    st.fixed_dictionaries({"exclusiveMaximum": st.integers(-2, 2)}),
    st.fixed_dictionaries({"multipleOf": st.integers(1, 2)}),
    st.fixed_dictionaries({"minLength": st.integers(0, 2), "pattern": st.just("^[ab]*$")}),
    st.fixed_dictionaries({"maxItems": st.integers(0, 2), "uniqueItems": st.booleans()}),
    st.fixed_dictionaries({"minProperties": st.integers(0, 2)}),
    st.fixed_dictionaries({"required": st.lists(st.sampled_from("abc"), unique=True)}),
    st.just({"dependentRequired": {"a": ["b"]}}),
    st.just({"$ref": "#/$defs/leaf"}),
)


def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    many = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "allOf": many, "anyOf": many, "oneOf": many, "not": inner, "if": inner, "then": inner,
            "else": inner, "properties": named, "additionalProperties": inner,
            "patternProperties": named, "propertyNames": inner, "prefixItems": many,
            "items": inner, "contains": inner, "maxContains": st.integers(1, 2),
            "dependentSchemas": named,
        },
    )  # fmt: skip


@settings(max_examples=400)
@given(st.recursive(LEAVES, wider, max_leaves=8), VALUES)
def test_the_walk_finds_a_reason_exactly_where_the_library_refuses(part: Any, value: Any) -> None:
    schema = {"$defs": {"leaf": {"type": ["integer", "array"]}}, "allOf": [part]}
    found = first_misfits(schema, value, 50)
    fits = compile_schema(schema).is_valid(value)
    assert (found == [first_misfits({}, value, 1)[0]]) is fits
