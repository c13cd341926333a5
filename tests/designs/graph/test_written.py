"""Large values are written as small ones are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph import written as module
from designs.graph.written import written
from tests.graphs import examples

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=30,
)


@examples(300)
@given(VALUES)
def test_it_is_the_same_json_in_pieces(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "MAX_AT_ONCE", 2)
        found = written(value)
    assert found == json.dumps(value, ensure_ascii=False, separators=(",", ":"))
