"""Identifiers sort by the time they were made at."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from designs.rows.ids import first_id_at, new_id, new_ordered_id


@pytest.mark.parametrize("make", [new_id, new_ordered_id])
def test_an_id_is_a_version_7_of_now(make: object) -> None:
    before = datetime.now(UTC)
    found = make()  # type: ignore[operator]
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    milliseconds = found.int >> 80
    assert abs(milliseconds - before.timestamp() * 1000) < 5_000
    assert first_id_at(before - timedelta(milliseconds=2)) < found
    assert found < first_id_at(before + timedelta(minutes=1))


def test_processes_and_threads_make_different_ones() -> None:
    # What is random in them was fetched before the fork.
    new_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"".join(new_id().bytes for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    text = os.read(reader, 1600)
    os.close(reader)
    os.close(writer)
    theirs = {text[at : at + 16][8:] for at in range(0, 1600, 16)}
    with ThreadPoolExecutor(8) as pool:
        ours = [one.bytes[8:] for one in pool.map(lambda _: new_id(), range(2_000))]
    assert len(theirs) == 100
    assert len(set(ours)) == 2_000
    assert not theirs & set(ours)


def test_the_system_is_not_asked_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = os.urandom
    monkeypatch.setattr(os, "urandom", lambda size: asked.append(size) or real(size))
    for _ in range(1_000):
        new_id()
    assert len(asked) <= 6


def test_ordered_ones_are_in_order_within_a_millisecond() -> None:
    found = [new_ordered_id() for _ in range(2_000)]
    assert len(set(found)) == len(found)
    # Two of the same 4096th of a millisecond may change places; a row takes longer than that.
    places = [pk.int >> 64 for pk in found]
    assert places == sorted(places)
