"""What a loop keeps is made once for each loop, and closed when that loop ends."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync

from designs.runtime.loops import PerLoop, close_loop


class Thing:
    def __init__(self, story: list[str], name: str) -> None:
        self.story, self.name = story, name
        story.append(f"{name} made")

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.story.append(f"{self.name} closed")


def holder(story: list[str], name: str = "it") -> PerLoop[Thing]:
    return PerLoop(lambda: Thing(story, name), Thing.close)


def test_each_loop_has_its_own_and_closes_it_at_its_end() -> None:
    story: list[str] = []
    kept = holder(story)

    async def use() -> Thing:
        assert kept.get() is kept.get()
        assert [loop for loop, _ in kept.everywhere()] == [asyncio.get_running_loop()]
        return kept.get()

    assert asyncio.run(use()) is not asyncio.run(use())
    assert async_to_sync(use)()
    assert story == ["it made", "it closed"] * 3
    assert kept.everywhere() == []


def test_what_was_made_last_is_closed_first_also_after_an_error() -> None:
    story: list[str] = []

    async def use() -> None:
        holder(story, "a").get()
        holder(story, "b").get()
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(use())
    assert story == ["a made", "b made", "b closed", "a closed"]


async def test_a_loop_that_nobody_ends_is_closed_by_hand() -> None:
    story: list[str] = []
    kept = holder(story)
    kept.get()
    await close_loop()
    await close_loop()
    assert story == ["it made", "it closed"]
    kept.get()
    await kept.close()
    await kept.close()
    assert story == ["it made", "it closed"] * 2


async def test_what_cannot_be_closed_leaves_the_others_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(thing: Thing) -> None:
        raise OSError("It is gone.")

    story: list[str] = []
    holder(story, "a").get()
    PerLoop(lambda: Thing(story, "b"), fail).get()
    await close_loop()
    assert story == ["a made", "b made", "a closed"]
    assert "It is gone." in caplog.text
