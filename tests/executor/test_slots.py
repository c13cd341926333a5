"""Slots of a process: a caller holds at most its share, so a flood leaves room for others."""

from __future__ import annotations

from executor.running.slots import Slots


def never() -> bool:
    return False


def test_three_hundred_of_one_caller_leave_room_for_another() -> None:
    slots = Slots(64, 0.5)
    taken = [slots.take("key:flood", stop=never) for _ in range(300)]
    assert sum(taken) == 32
    assert slots.take("key:other", stop=never)
    slots.free("key:flood")
    assert slots.take("key:flood", stop=never)
    assert not slots.take("key:flood", stop=never)


def test_the_only_slot_is_anybodys() -> None:
    assert Slots(1, 0.5).take("key:one", stop=never)


def test_reserved_slots_are_nobody_elses_until_they_are_settled() -> None:
    slots = Slots(3, 1.0)
    assert slots.reserve() == 3
    assert not slots.take("key:one", stop=never)
    slots.settle(3, ["key:one"])
    assert (slots.held(), slots.reserve()) == ({"key:one": 1}, 2)
