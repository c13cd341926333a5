"""Identifiers sort by the time they were made at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from designs.ids import first_id_at, new_id, new_ordered_id


@pytest.mark.parametrize("make", [new_id, new_ordered_id])
def test_an_id_is_a_version_7_of_now(make: object) -> None:
    before = datetime.now(UTC)
    found = make()  # type: ignore[operator]
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    milliseconds = found.int >> 80
    assert abs(milliseconds - before.timestamp() * 1000) < 5_000
    assert first_id_at(before - timedelta(milliseconds=2)) < found
    assert found < first_id_at(before + timedelta(minutes=1))


def test_ordered_ones_are_in_order_within_a_millisecond() -> None:
    found = [new_ordered_id() for _ in range(2_000)]
    assert len(set(found)) == len(found)
    # Two of the same 4096th of a millisecond may change places; a row takes longer than that.
    places = [pk.int >> 64 for pk in found]
    assert places == sorted(places)
