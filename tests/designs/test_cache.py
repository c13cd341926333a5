"""Values that are remembered for a moment."""

from __future__ import annotations

import pytest

from designs.runtime import cache
from designs.runtime.cache import TextCache, TimedCache


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(cache, "time", made)
    return made


def test_a_value_is_there_for_its_time(clock: Clock) -> None:
    values: TimedCache[str, int] = TimedCache(seconds=10, max_entries=5)
    values.put("a", 1, values.generation())
    clock.now += 9.9
    entry = values.get("a")
    assert entry is not None
    assert entry.value == 1
    clock.now += 0.2
    assert values.get("a") is None


def test_nothing_is_entry_for_longer_than_usual(clock: Clock) -> None:
    values: TimedCache[str, int] = TimedCache(seconds=10, max_entries=5)
    values.put("a", 1, values.generation(), 2.0)
    values.put("b", 2, values.generation(), 2000.0)
    clock.now += 3
    assert values.get("a") is None
    clock.now += 7
    assert values.get("b") is None


def test_what_was_read_before_a_change_is_not_entry(clock: Clock) -> None:
    values: TimedCache[str, int] = TimedCache(seconds=10, max_entries=5)
    generation = values.generation()
    values.clear()
    values.put("a", 1, generation)
    assert values.get("a") is None
    values.put("a", 2, values.generation())
    values.clear()
    assert values.get("a") is None


def test_one_who_asks_late_reads_it_anew(clock: Clock) -> None:
    """The others go on with what is there; its end is not put off by that."""
    values: TimedCache[str, int] = TimedCache(seconds=10, max_entries=5)
    values.put("a", 1, values.generation())
    entry = values.get("a")
    assert entry is not None
    assert not entry.take_refresh()
    clock.now += 8
    assert [entry.take_refresh() for _ in range(3)] == [True, False, False]
    values.put("a", 2, values.generation())
    renewed = values.get("a")
    assert renewed is not None
    assert renewed.value == 2
    assert not renewed.take_refresh()
    clock.now += 7.5
    assert values.get("a") is renewed
    assert renewed.take_refresh()
    clock.now += 3
    assert values.get("a") is None


def test_there_are_no_more_than_so_many(clock: Clock) -> None:
    values: TimedCache[int, int] = TimedCache(seconds=10, max_entries=5)
    for number in range(100):
        values.put(number, number, values.generation())
        assert sum(values.get(one) is not None for one in range(100)) <= 5
    assert values.get(99) is not None


def test_texts_beyond_the_room_go_by_their_last_use() -> None:
    texts: TextCache[str] = TextCache(max_characters=10)
    texts.put("a", "xxxx")
    texts.put("b", "xxxx")
    assert texts.get("a") == "xxxx"
    texts.put("c", "xxxx")
    assert texts.get("b") is None
    assert texts.get("a") == texts.get("c") == "xxxx"
    texts.put("a", "y" * 20)
    assert texts.get("a") is None
    texts.put("d", "x" * 10)
    assert texts.get("d") == "x" * 10
