"""What would give a test another name in each process is refused before tests are handed out."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from tests.steady_names import name_of_value, unsteady

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [repr(object()), str(uuid.uuid4()), "2026-03-01T11:59", "2026-02-28", "x" * 300],
    ids=["an address", "an id", "today", "yesterday", "long"],
)
def test_names_that_change_are_found(value: str) -> None:
    assert unsteady([f"tests/test_a.py::test_b[{value}]", "tests/test_a.py::test_c[1]"], NOW) == [
        f"tests/test_a.py::test_b[{value}]"
    ]


def test_names_that_stay_are_left_alone() -> None:
    assert not unsteady(
        ["test_a[0x7f.1]", "test_a[2025-10-25T12]", f"test_a[{uuid.UUID(int=1)}]"], NOW
    )


def test_values_that_are_long_or_cannot_be_typed_are_named_by_what_they_hold() -> None:
    assert name_of_value("GET /") is None
    assert name_of_value(7) is None
    for value in (10**100, "x" * 10_000, b"\x00\xff" * 9, "\ud800", "a\r\nb", "ü"):
        name = name_of_value(value)
        assert name == name_of_value(value)
        assert name.isascii()
        assert name.isprintable()
        assert len(name) < 60
    assert name_of_value("x" * 10_000) != name_of_value("x" * 10_001)
