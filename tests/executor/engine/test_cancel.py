"""Cancelling a run: the calls in flight stop, and it waits until they have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from executor.engine.context import Timing
from executor.engine.journal import StepResult
from executor.engine.llm.base import ModelRequest
from tests.executor.engine.stage import Played, Stage, down, play
from tests.graphs import asking, chain, design
from tests.memory_journal import MemoryJournal


async def cancelled_after(run: Any, ready: Any) -> None:
    """Cancel the run when `ready` holds; it ends by being cancelled."""
    task: asyncio.Task[Played] = asyncio.create_task(run)
    while not ready():
        assert not task.done()
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_calls_in_flight_are_stopped() -> None:
    stage = Stage(seconds=60)
    raw = design([asking("a"), asking("p", "x", "y", kind="parallel")])
    await cancelled_after(play(raw, stage), lambda: len(stage.calls) == 3)
    assert [what for what, _ in stage.log] == ["start"] * 3 + ["stopped"] * 3
    assert stage.busy == 0


async def test_it_waits_for_calls_that_take_time_to_stop() -> None:
    stage = Stage({"a": lambda request: stubborn()})
    ended: list[str] = []

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            for _ in range(50):
                await asyncio.sleep(0)
            ended.append("closed")
            raise
        return "never"

    await cancelled_after(play(design([asking("a")]), stage), lambda: stage.calls)
    assert ended == ["closed"]


async def test_cancelling_twice_still_waits() -> None:
    stage = Stage({"a": lambda request: stubborn()})
    ended: list[str] = []

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            ended.append("closed")
        return "never"

    task = asyncio.create_task(play(design([asking("a")]), stage))
    while not stage.calls:
        await asyncio.sleep(0)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["closed"]


async def test_nothing_new_is_started() -> None:
    stage = Stage()
    raw = design([asking(name) for name in "abc"], chain("a", "b", "c"))
    await cancelled_after(play(raw, stage), lambda: len(stage.calls) == 2)
    await asyncio.sleep(0.01)
    assert stage.calls == ["a/writer/1/answer", "b/writer/1/answer"]


async def test_a_wait_between_tries_is_cut_short() -> None:
    waiting: list[float] = []

    async def wait(seconds: float) -> None:
        waiting.append(seconds)
        await asyncio.sleep(60)

    run = play(design([asking("a")]), {"a": down()}, timing=Timing(sleep=wait))
    await cancelled_after(run, lambda: waiting)


class SlowJournal(MemoryJournal):
    """Takes some time to write a step."""

    def __init__(self) -> None:
        super().__init__()
        self.writing: list[str] = []

    def record(self, step: StepResult) -> Awaitable[None]:  # type: ignore[override]
        self.writing.append(step.key)

        async def write() -> None:
            await asyncio.sleep(0.05)
            self.steps[step.key] = step

        return write()


async def test_an_answer_that_is_being_recorded_is_not_lost() -> None:
    journal = SlowJournal()
    run = play(design([asking("a")]), journal=journal)
    await cancelled_after(run, lambda: journal.writing)
    assert list(journal.steps) == ["a/writer/1/answer"]


async def test_what_was_finished_before_is_not_asked_again() -> None:
    raw = design([asking(name) for name in "abc"], chain("a", "b", "c"))
    journal = MemoryJournal()
    asked: list[str] = []

    async def hang(request: ModelRequest) -> str:
        asked.append(request.call_key)
        await asyncio.sleep(60)
        return "never"

    await cancelled_after(play(raw, {"c": hang}, journal=journal), lambda: asked)
    again = await play(raw, journal=journal)
    assert again.stage.calls == ["c/writer/1/answer"]
    assert again.result == "c/writer/1/answer"


async def test_a_run_may_be_cancelled_before_it_begins() -> None:
    stage = Stage()
    task = asyncio.create_task(play(design([asking("a")]), stage))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stage.calls == []
