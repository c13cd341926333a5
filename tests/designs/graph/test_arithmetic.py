"""Numbers in expressions: what operators give, in which order, and what they refuse."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.expressions import Expression, ExpressionError
from designs.strict_json import MAX_INTEGER
from tests.graphs import examples

SCOPE: dict[str, Any] = {
    "input": {
        "a": 5,
        "b": 2.5,
        "zero": 0,
        "text": "5",
        "rows": [{"p": 2, "n": 3}, {"p": 4, "n": 1}],
    }
}


def value(source: str, scope: Any = SCOPE) -> Any:
    return Expression.compile(source).evaluate(scope)


def error_of(source: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        value(source)
    return caught.value.message


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("input.a + 1", 6),
        ("input.a -1", 4),
        ("input.a-1", 4),
        ("input.a * 2 + 3 * 4", 22),
        ("(input.a + 1) * 2", 12),
        ("8 / 2 / 2", 2),
        ("8 / 2 * 4", 16),
        ("2 - 3 - 4", -5),
        ("10 / 4", 2.5),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7.5 // 2", 3),
        ("input.b + input.b", 5),
        ("-input.a * -2", 10),
        ("+input.a", 5),
        ("`1` + `2`", 3),
        ("input.a × 2 ÷ 4 − 1", 1.5),
        ("1 + 1 == 2 && 3 * 2 > 5", True),
        ("sum(map(&p * n, input.rows))", 10),
        ("input.rows[?p * n > 5].p", [2]),
        ("input.rows[*].p | [0] * 3", 6),
        ("length(input.rows[*].p) * 2", 4),
        ("input.{total: a + b, half: a / 2}", {"total": 7.5, "half": 2.5}),
        ("{low: -1.5, list: [1, 2 + 1]}", {"low": -1.5, "list": [1, 3]}),
        ("-9223372036854775808", -MAX_INTEGER),
        ("1e3 + 0.5", 1000.5),
        ("5e-324 / 2", 0),
        ("0 * -1.5", 0),
    ],
)
def test_what_arithmetic_gives(source: str, expected: Any) -> None:
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)
    assert "-0" not in json.dumps(found)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("input.a / 0", "has no value: `/` at character 9 divides by zero."),
        ("input.a % input.zero", "`%` at character 9 divides by zero."),
        ("input.a // 0.0", "divides by zero."),
        (
            "input.missing + 1",
            "`+` at character 15 needs numbers, not null (nothing). Give a default",
        ),
        ("'5' + 1", "needs numbers, not text. Make it a number with to_number(), or join texts"),
        ("input.rows[*].p * 2", "needs numbers, not a list."),
        ("1 + true", "needs numbers, not null"),
        ("-input.text", "`-` at character 1 needs numbers, not text"),
        ("9223372036854775807 + 1", "`+` at character 21 gives a number that is too large."),
        ("1e308 * 10", "`*` at character 7 gives a number that is too large."),
        ("1 / 5e-324", "gives a number that is too large."),
        ("1e999", "cannot be used: a literal in it"),
        ("1 +", "cannot be read: something is missing at its end."),
        ("input.a 5", "`5` at character 9 does not belong there."),
    ],
)
def test_what_has_no_value_is_told_with_its_place(source: str, sentence: str) -> None:
    assert sentence in error_of(source)


numbers = st.integers(-MAX_INTEGER, MAX_INTEGER - 1) | st.floats(
    allow_nan=False, allow_infinity=False
)
operators = st.sampled_from(["+", "-", "*", "/", "%", "//"])


@examples(500)
@given(st.lists(numbers, min_size=2, max_size=6), st.lists(operators, min_size=5, max_size=5))
def test_no_numbers_give_anything_but_a_number_of_json(values: list[Any], signs: list[str]) -> None:
    names = [f"input.v{number}" for number in range(len(values))]
    source = names[0] + "".join(
        f" {sign} {name}" for sign, name in zip(signs, names[1:], strict=False)
    )
    scope = {"input": {f"v{number}": value for number, value in enumerate(values)}}
    try:
        found = value(source, scope)
    except ExpressionError as error:
        assert re.search("zero|too large", error.message)  # noqa: PT017
        return
    assert math.isfinite(found)
    assert isinstance(found, float) or -MAX_INTEGER <= found < MAX_INTEGER
    json.dumps(found, allow_nan=False)


@examples(300)
@given(
    st.lists(st.integers(1, 99), min_size=6, max_size=6),
    st.lists(st.sampled_from(["+", "-", "*", "%", "//"]), min_size=5, max_size=5),
)
def test_operators_bind_as_everywhere(values: list[int], signs: list[str]) -> None:
    source = str(values[0]) + "".join(
        f" {sign} {number}" for sign, number in zip(signs, values[1:], strict=True)
    )
    try:
        expected = eval(source)  # noqa: S307
    except ZeroDivisionError:
        assert "divides by zero" in error_of(source)
    else:
        assert value(source) == expected


def test_a_long_sum_is_no_deep_expression() -> None:
    assert value(" + ".join(["1"] * 400)) == 400
