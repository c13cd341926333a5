"""Values are compared as JSON Schema does it, at a cost that no number and no option raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designs.graph.same_values import own_keywords
from designs.graph.schema_check import TOO_MUCH, SchemaCheck
from designs.graph.schemas import compile_schema

scalars = st.sampled_from(
    [0, 0.0, 1, 1.0, True, False, None, "", "1", 1.5, 2**53, 2.0**53, 2**53 + 1, -1, 1e300, 1e-300]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(values, min_size=1, max_size=4), values)
def test_all_is_compared_as_the_library_does(options: list[Any], value: Any) -> None:
    for schema, judged in (
        ({"enum": options}, value),
        ({"const": options[0]}, value),
        ({"enum": options}, options[-1]),
        ({"uniqueItems": True}, options),
        ({"uniqueItems": False}, options),
    ):
        theirs = jsonschema_rs.validator_for(schema)
        assert compile_schema(schema).is_valid(judged) is theirs.is_valid(judged)


# By the library alone each of these takes from one second to an hour.
FRACTIONS = [number + 0.35 for number in range(20_000)]
CLOSE = [2**62 + number for number in range(49_000)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"not": {"enum": [n + 0.55 for n in range(3_900)]}}}, FRACTIONS),
        ({"items": {"not": {"enum": ["a", *range(30_000)]}}}, FRACTIONS),
        ({"items": {"not": {"enum": [[n + 0.5] for n in range(5_000)]}}}, [[9e9]] * 8_000),
        ({"items": {"not": {"const": 0.7}}}, FRACTIONS),
        ({"uniqueItems": True}, CLOSE),
        ({"uniqueItems": True}, [[number] for number in CLOSE[:20_000]]),
        ({"uniqueItems": True}, [{"a": number} for number in CLOSE[:20_000]]),
    ],
)
def test_many_numbers_are_compared_at_once(schema: dict[str, Any], value: Any) -> None:
    assert SchemaCheck(schema).misfits(value) == []


def test_entries_that_are_compared_at_each_of_many_levels_are_refused() -> None:
    check = SchemaCheck({"uniqueItems": True, "items": {"$ref": "#"}})
    value: list[Any] = list(range(20_000))
    assert check.misfits([value]) == []
    for _ in range(60):
        value = [value, *range(15)]
    assert [misfit.sentence for misfit in check.misfits(value)] == [TOO_MUCH]
    text: list[Any] = ["x" * 500_000]
    for _ in range(60):
        text = [text]
    assert [misfit.sentence for misfit in check.misfits(text)] == [TOO_MUCH]


@pytest.mark.parametrize(
    "entry",
    [lambda n: [n], lambda n: {"a": n}, lambda n: {str(n): [n]}],
    ids=["lists", "objects", "both"],
)
def test_containers_cost_more_to_compare_than_plain_values(entry: Callable[[int], Any]) -> None:
    check = SchemaCheck({"uniqueItems": True})
    assert check.misfits(list(range(60_000))) == []
    assert check.misfits([entry(number) for number in range(5_000)]) == []
    many = [entry(number) for number in range(60_000)]
    assert [misfit.sentence for misfit in check.misfits(many)] == [TOO_MUCH]


def test_tiny_numbers_are_held_against_a_bound_in_small_numbers_only() -> None:
    check = SchemaCheck({"items": {"minimum": -1}})
    tiny = [1e-300 * number for number in range(1, 30_001)]
    assert check.misfits(tiny[:2_000]) == []
    assert [misfit.sentence for misfit in check.misfits(tiny)] == [TOO_MUCH]


def test_an_entry_that_stands_twice_is_told_of_whatever_is_around_it() -> None:
    check = SchemaCheck({"uniqueItems": True})
    for twice in ([1, 1.0], [{"a": [1]}, {"a": [1.0]}], CLOSE + CLOSE[:1]):
        assert "once only" in check.misfits(twice)[0].sentence
    assert check.misfits([1, True, "1", None, [1], [True], {"a": 1}]) == []


def test_words_are_left_to_the_library() -> None:
    assert own_keywords({"enum": ["a", "b"], "items": {"const": None}}) == {}
    assert own_keywords({"items": [{"const": True}, {"enum": ["a"]}]}) == {}
    assert set(own_keywords({"items": {"enum": ["a", None]}})) == {"enum"}
    assert set(own_keywords({"not": {"const": 1, "uniqueItems": True}})) == {"const", "uniqueItems"}
