"""Any JSON values can be compared as documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.patterns.comparison import compare_designs
from tests.documents import doubling


def test_true_is_not_one() -> None:
    before, after = {"blocks": [], "x": [1]}, {"blocks": [], "x": [True]}
    assert [part.id for part in compare_designs(before, after).changes] == ["x"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "", "two words"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "blocks",
                    "connections",
                    "agents",
                    "settings",
                    "type",
                    "source",
                    "label",
                    "x/~",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(VALUES, VALUES)
def test_any_values_can_be_compared(before: Any, after: Any) -> None:
    comparison = compare_designs(before, after)
    assert compare_designs(before, before).changes == ()
    assert sum(comparison.summary().values()) <= len(comparison.changes)


@pytest.mark.parametrize("document", [None, 5, "text", [], {"blocks": {}}, {"blocks": [1, [], ""]}])
def test_what_is_no_document_is_compared_too(document: Any) -> None:
    assert compare_designs(document, document).changes == ()
    changes = compare_designs(document, doubling()).changes
    assert {part.change for part in changes if part.kind == "block"} >= {"added"}
    assert compare_designs(doubling(), document).changes
