"""Random JMESPath expressions and data over a small set of names, for comparing interpreters."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from("abc")

# No 0 and 1: the library takes them for false and true inside lists, and we do not.
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from([2, 3, -4, 2.5, 10])
    | st.sampled_from(["", "a", "b", "ab", "2", "x y"])
)
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=20,
)
scopes = st.dictionaries(NAMES, data, min_size=1, max_size=3)

literals = data.map(lambda value: f"`{json.dumps(value)}`")
indexes = st.integers(-3, 3)
slices = st.sampled_from(["[:2]", "[1:]", "[::-1]", "[::2]", "[-2:]", "[2:0:-1]"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    step = (
        NAMES.map(lambda name: f".{name}")
        | indexes.map(lambda index: f"[{index}]")
        | slices
        | st.sampled_from(["[*]", "[]", ".*"])
        | inner.map(lambda condition: f"[?{condition}]")
        | st.lists(inner, min_size=1, max_size=2).map(lambda parts: f".[{', '.join(parts)}]")
        | st.tuples(inner, inner).map(lambda pair: f".{{x: {pair[0]}, y: {pair[1]}}}")
    )
    return st.one_of(
        st.builds(str.__add__, inner, step),
        st.builds("({}){}".format, inner, step),
        st.builds("{} {} {}".format, inner, _OPERATORS, inner),
        st.builds("!{}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{}({})".format, _UNARY, inner),
        st.builds("{}({}, {})".format, _BINARY, inner, inner),
        st.builds("map(&({}), {})".format, inner, inner),
        st.builds("{}({}, &({}))".format, _BY, inner, inner),
    )


_OPERATORS = st.sampled_from(["||", "&&", "|", "==", "!=", "<", "<=", ">", ">="])
_UNARY = st.sampled_from(
    ["abs", "avg", "ceil", "floor", "keys", "length", "max", "min", "not_null", "reverse", "sort",
     "sum", "to_array", "to_number", "to_string", "type", "values"]
)  # fmt: skip
_BINARY = st.sampled_from(["contains", "ends_with", "starts_with", "join", "merge", "not_null"])
_BY = st.sampled_from(["sort_by", "min_by", "max_by"])

expressions = st.recursive(
    NAMES | literals | st.just("@") | st.just("'ab'"), _grow, max_leaves=8
)  # fmt: skip


def same(left: Any, right: Any) -> bool:
    """Equality of JSON, in which `true` is no number."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
