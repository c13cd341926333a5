"""Values that are remembered for a moment."""

from __future__ import annotations

import pytest

from designs.runtime import remembered
from designs.runtime.remembered import Remembered


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(remembered, "time", made)
    return made


def test_a_value_is_there_for_its_time(clock: Clock) -> None:
    values: Remembered[str, int] = Remembered(seconds=10, most=5)
    values.keep("a", 1, values.begin())
    clock.now += 9.9
    kept = values.find("a")
    assert kept is not None
    assert kept.value == 1
    clock.now += 0.2
    assert values.find("a") is None


def test_nothing_is_kept_for_longer_than_usual(clock: Clock) -> None:
    values: Remembered[str, int] = Remembered(seconds=10, most=5)
    values.keep("a", 1, values.begin(), 2.0)
    values.keep("b", 2, values.begin(), 2000.0)
    clock.now += 3
    assert values.find("a") is None
    clock.now += 7
    assert values.find("b") is None


def test_what_was_read_before_a_change_is_not_kept(clock: Clock) -> None:
    values: Remembered[str, int] = Remembered(seconds=10, most=5)
    begun = values.begin()
    values.forget()
    values.keep("a", 1, begun)
    assert values.find("a") is None
    values.keep("a", 2, values.begin())
    values.forget()
    assert values.find("a") is None


def test_one_who_asks_late_reads_it_anew(clock: Clock) -> None:
    """The others go on with what is there; its end is not put off by that."""
    values: Remembered[str, int] = Remembered(seconds=10, most=5)
    values.keep("a", 1, values.begin())
    kept = values.find("a")
    assert kept is not None
    assert not kept.take_renewal()
    clock.now += 8
    assert [kept.take_renewal() for _ in range(3)] == [True, False, False]
    values.keep("a", 2, values.begin())
    renewed = values.find("a")
    assert renewed is not None
    assert renewed.value == 2
    assert not renewed.take_renewal()
    clock.now += 7.5
    assert values.find("a") is renewed
    assert renewed.take_renewal()
    clock.now += 3
    assert values.find("a") is None


def test_there_are_no_more_than_so_many(clock: Clock) -> None:
    values: Remembered[int, int] = Remembered(seconds=10, most=5)
    for number in range(100):
        values.keep(number, number, values.begin())
        assert sum(values.find(one) is not None for one in range(100)) <= 5
    assert values.find(99) is not None
