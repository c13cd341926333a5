"""Whatever comes, it costs no more than its budget and raises nothing but our own errors."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from designs.graph.expressions import Expression, ExpressionError, Template
from designs.graph.meter import MAX_CHARACTERS, MAX_ELEMENTS, MAX_STEPS, Allowance
from designs.strict_json import MAX_INTEGER, JsonUnreadable, read_strict_json
from tests.graphs import examples

PIECES = st.sampled_from([
    "input", ".x", "[*]", "[]", "[?x]", " | ", "length(@)", "map(&to_string(@), input.x)", "sum(",
    "sort(", "input.x", ")", "[@, @]", "{a: @}", "`9223372036854775807`", "'a'", " == ", " || ",
    "to_number('9e307')", "values(@)", "join('', ", "[::-1]", "{{ ", " }}", ", ", " + ", " * ",
    " // ", "-", "1e308", "let $a = ", " in ", "$a", "date_add(input.x, ", "'days'", "range(",
    "split(to_string(input.x), '')", "distinct(@)", "json(@)", "parse_json(", "format_number(",
    "round(@)", "items(input.x)", "group_by(@, &to_string(@))", "base64_decode(", "timestamp(@)",
])  # fmt: skip
SOURCES = st.lists(PIECES, max_size=12).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER - 1) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.just("x"), inner),
    max_leaves=15,
)  # fmt: skip


@examples(400)
@given(SOURCES, VALUES)
def test_expressions_stay_within_their_budget(source: str, value: Any) -> None:
    meter = Allowance.of_run().of_block().meter()
    for kind in (Expression, Template):
        with contextlib.suppress(ExpressionError):
            compiled = kind.compile(source)
            scope = {"input": {"x": value}}
            if isinstance(compiled, Expression):
                compiled.evaluate(scope, meter)
            else:
                compiled.render(scope, meter)
    spent = zip(meter.spent, (MAX_STEPS, MAX_ELEMENTS, MAX_CHARACTERS), strict=True)
    assert all(count <= most for count, most in spent)


JSON_PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"a"', '"', "\\", "1", "-0", "1e999", "9" * 30, "NaN", " "]
)


@examples(400)
@given(st.lists(JSON_PIECES, max_size=15).map("".join) | st.text(max_size=20))
def test_any_text_is_json_or_unreadable(text: str) -> None:
    with contextlib.suppress(JsonUnreadable):
        read_strict_json(text)
