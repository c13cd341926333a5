"""What differs between two documents, place by place."""

from __future__ import annotations

from typing import Any

import pytest

from designs.rows.changes import differences
from tests.documents import greeting


def found(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    return {path: (old, new) for path, old, new in differences(before, after, "draft")}


def test_one_changed_place_is_one_line() -> None:
    before, after = greeting(), greeting()
    after["blocks"][0]["agents"][1]["system_prompt"] = "You lengthen greetings."
    assert found(before, after) == {
        "draft/blocks/greet/agents/editor/system_prompt": (
            "You shorten greetings.",
            "You lengthen greetings.",
        )
    }


def test_things_with_ids_are_told_by_them() -> None:
    a, b, c = ({"id": name, "task": name} for name in "abc")
    assert found([a, b], [c, a, b]) == {"draft/c": (None, c)}
    assert found([a, b], [b]) == {"draft/a": (a, None)}
    assert found([a, b], [b, a]) == {"draft/order": (["a", "b"], ["b", "a"])}
    assert found([a], [{**a, "task": "z"}]) == {"draft/a/task": ("a", "z")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1, 2], [1, 3]),
        ([], [{"id": "a"}]),
        ([{"id": "a"}, {"id": "a"}], [{"id": "a"}]),
        ([{"id": 1}], [{"id": 2}]),
        ({}, []),
        (1, True),
        ("a", None),
    ],
)
def test_all_else_is_compared_as_a_whole(before: Any, after: Any) -> None:
    assert found(before, after) == {"draft": (before, after)}


def test_the_same_differs_nowhere() -> None:
    assert found(greeting(), greeting()) == {}
    assert found({"a": None}, {}) == {}
