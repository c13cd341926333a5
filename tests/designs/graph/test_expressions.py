"""What expressions mean: as the JMESPath library says, where both give a value."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import assume, given
from jmespath.exceptions import JMESPathError

from designs.graph.expressions import Expression, ExpressionError, is_truthy
from tests.designs.graph.jmespath_cases import expressions, same, scopes
from tests.graphs import examples

SCOPE = {
    "input": {
        "text": "two words", "zero": 0, "one": 1, "yes": True, "no": False, "none": None,
        "list": [3, 1, 2], "empty": [], "risk": 0.9,
        "people": [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 7}],
    },
    "blocks": {"score": {"output": {"risk": 0.81}}},
}  # fmt: skip


def value(source: str, scope: Any = SCOPE) -> Any:
    return Expression.compile(source).evaluate(scope)


def outcome(source: str, scope: Any) -> tuple[Any, str]:
    """The value, or the sentence that says why there is none."""
    try:
        return value(source, scope), ""
    except ExpressionError as error:
        return None, error.message


@examples(400)
@given(expressions, scopes)
def test_the_library_says_the_same(source: str, scope: dict[str, Any]) -> None:
    try:
        expected = jmespath.search(source, scope)
    except (JMESPathError, TypeError, ValueError, AttributeError):
        assume(False)
    found, problem = outcome(source, scope)
    # The library compares, sorts and adds what is no number and no text, and takes `!a.b`.
    assert "needs" in problem or "`!`" in problem or same(found, expected), problem


@examples(200)
@given(expressions, scopes)
def test_an_expression_gives_json_or_its_own_error(source: str, scope: dict[str, Any]) -> None:
    found, problem = outcome(source, scope)
    if problem:
        assert problem.startswith("`")
        assert problem.endswith(".")
    else:
        assert same(found, found)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("input.people[?age > `18`].name | [0]", "Ada"),
        ("blocks.score.output.risk > `0.8`", True),
        ("sort_by(input.people, &age)[*].name", ["Bo", "Ada"]),
        ("input.list[::-1]", [2, 1, 3]),
        ("input.{n: one, l: length(list)}", {"n": 1, "l": 3}),
        ("to_string(input.list)", "[3,1,2]"),
        ("to_string('ä')", "ä"),
        ("to_number('12')", 12),
        ("to_number(' 12')", None),
        ("to_number('1_000')", None),
        ("to_number('NaN')", None),
        ("join(', ', input.people[*].name)", "Ada, Bo"),
        ("max(input.empty)", None),
        ("input.people[*].missing", []),
        ("missing.deeper[0].still", None),
        ("!(input.yes)", False),
        ("!missing", True),
        ("!input[0]", True),
    ],
)
def test_values(source: str, expected: Any) -> None:
    assert same(value(source), expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("input.missing || 'x'", "x"),
        ("input.no || 'x'", "x"),
        ("input.empty || 'x'", "x"),
        ("'' || 'x'", "x"),
        ("`{}` || 'x'", "x"),
        # Nought is a value like any other.
        ("input.zero || 'x'", 0),
        ("input.missing || input.none || input.text", "two words"),
        ("input.missing || input.none", None),
    ],
)
def test_defaults(source: str, expected: Any) -> None:
    assert same(value(source), expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("input.one == `1`", True),
        ("input.one == `1.0`", True),
        ("input.one == `true`", False),
        ("input.zero == `false`", False),
        ("input.yes == `true`", True),
        ("[input.one] == [`true`]", False),
        ("input.one == '1'", False),
        ("input.none == `null`", True),
        ("input.missing == `null`", True),
        ('`{"a": 1, "b": [2]}` == `{"b": [2], "a": 1}`', True),
        ("contains(`[1]`, `true`)", False),
        ("'b' > 'a'", True),
        ("'1' > `0`", None),
        ("input.yes > `0`", None),
        ("input.missing > `0`", None),
    ],
)
def test_comparisons(source: str, expected: Any) -> None:
    assert same(value(source), expected)


def test_truth() -> None:
    assert [is_truthy(found) for found in (0, 0.0, "0", [None], {"a": None}, True)] == [True] * 6
    assert [is_truthy(found) for found in (None, False, "", [], {})] == [False] * 5
