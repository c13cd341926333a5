"""Expressions that cannot be read, used, or evaluated, each told in a sentence."""

from __future__ import annotations

import pytest

from designs.graph.expressions import Expression, ExpressionError, ExpressionLimit


def error_of(source: str, scope: object = None) -> str:
    with pytest.raises(ExpressionError) as caught:
        Expression.compile(source).evaluate({"input": scope})
    assert caught.value.source == source
    return caught.value.message


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "An expression is empty. Write what it reads: `input.text`."),
        ("  ", "An expression is empty."),
        ("input.", "`input.` cannot be read: something is missing at its end."),
        ("input..x", "`input..x` cannot be read: `.` at character 7 does not belong there."),
        ("a b", "`b` at character 3 does not belong there."),
        ("a = b", "`=` at character 3 does not belong there; compare with `==`."),
        ("'open", "the quote that opens at character 1 is not closed."),
        ("a $ b", "`$` at character 3 does not belong there."),
        ('"\\x"', "the text in quotes at character 1 is not valid."),
        ("a[", "cannot be read"),
        ("a[?", "cannot be read"),
        ("foo(", "cannot be read"),
        ("{}", "cannot be read"),
    ],
)
def test_what_cannot_be_read(source: str, sentence: str) -> None:
    assert sentence in error_of(source)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "uper('x')",
            "`uper('x')` cannot be used: there is no function uper(); similar: upper()",
        ),
        ("length()", "length() takes 1 argument, not 0."),
        ("length(a, b)", "length() takes 1 argument, not 2."),
        ("merge()", "merge() takes 1 or more arguments, not 0."),
        ("sort_by(input, name)", "sort_by() needs an expression after `&` in that place."),
        ("length(&a)", "length() takes no expression after `&` in that place."),
        ("&a", "`&` stands only before an argument of a function"),
        ("!input.x", "`!` takes only the name after it; for a whole path write `!(…)`."),
        ("!input.*", "`!` takes only the name after it"),
        ("!input[?x]", "`!` takes only the name after it"),
        ("input[::0]", "the step of a slice cannot be 0."),
        ("ceil(`NaN`)", "a literal in it is nested too deep, or holds text or a number"),
        ("`[1e999]`", "a literal in it"),
        ('`"\\u0000"`', "a literal in it"),
        ('`"\\ud800"`', "a literal in it"),
        ('{"\\u0000": input}', "a literal in it"),
        (f"`{'[' * 40}{']' * 40}`", "a literal in it"),
    ],
)
def test_what_can_never_be_evaluated(source: str, sentence: str) -> None:
    assert sentence in error_of(source)


@pytest.mark.parametrize(
    ("source", "scope", "sentence"),
    [
        ("length(input)", 5, "`length(input)` has no value: length() needs text or a list or an "
                             "object, not a number."),
        ("sum(input)", ["a"], "sum() needs a list of numbers, not a list of other things."),
        ("sum(input)", [True], "sum() needs a list of numbers"),
        ("join(',', input)", None, "join() needs a list of texts, not null (nothing)."),
        ("abs(input)", True, "abs() needs a number, not true or false."),
        ("sort_by(input, &@)", [1, "a"], "sort_by() needs a number for each element, or text"),
        ("sum(input)", [1e308, 1e308], "is a number too large to be written."),
        ("ceil(sum(input))", [1e308, 1e308], "a number is too large."),
        ("avg(input)", [10**400], "a number is too large."),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind(source: str, scope: object, sentence: str) -> None:
    assert sentence in error_of(source, scope)


def test_long_and_deep_expressions() -> None:
    for source in ("x" * 2_001, "(" * 3_000 + "x" + ")" * 3_000, "(" * 900 + "x" + ")" * 900,
                   "!" * 60 + "x", "[" * 60 + "x" + "]" * 60):  # fmt: skip
        with pytest.raises(ExpressionLimit) as caught:
            Expression.compile(source)
        assert caught.value.message.endswith("Split it over several blocks.")
        assert len(caught.value.message) < 250


@pytest.mark.parametrize("operator", ["||", "&&", "|"])
def test_a_chain_of_one_operator_may_be_long(operator: str) -> None:
    source = operator.join(["input"] + ["@"] * 600)
    scope = {"input": {"a": 1}}
    assert Expression.compile(source).evaluate(scope) == (
        scope if operator == "&&" else scope["input"]
    )
