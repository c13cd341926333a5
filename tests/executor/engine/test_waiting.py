"""A run that can only wait is let go; what was paid for is recorded first, and nothing is asked
again.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from executor.engine.context import Timing
from executor.engine.limits import Limits
from executor.engine.llm.base import ErrorKind
from tests.executor.engine.stage import Played, Stage, down, play
from tests.executor.engine.waiting_blocks import (
    NOW,
    compiled,
    key,
    members,
    play_waiting,
    waited_for,
)
from tests.graphs import design, link, transform
from tests.memory_journal import MemoryJournal
from tests.virtual_time import use_virtual_time

APPROVED = {"decision": "approved", "by": "ana"}


def steps_of(played: Played) -> Any:
    assert isinstance(played.journal, MemoryJournal)
    return played.journal.steps


async def test_a_call_under_way_is_finished_and_recorded_before_the_run_is_let_go() -> None:
    use_virtual_time()
    stage = Stage(seconds=30)
    played = await play_waiting([members("a", "waits_1", "waits_2", "writer")], stage=stage)
    assert played.outcome.status == "waiting"
    assert waited_for(played.outcome) == [key("a", "waits_1"), key("a", "waits_2")]
    assert stage.log == [("start", "a/writer/1/work"), ("end", "a/writer/1/work")]
    assert list(steps_of(played)) == ["a/writer/1/work"]
    assert played.outcome.usage.model_calls == 1
    assert played.statuses == {"a": "waiting"}


async def test_other_blocks_go_on_to_their_ends() -> None:
    use_virtual_time()
    blocks = [
        members("a", "waits"), members("b", "writer"), members("c", "writer"), transform("d", "'x'")
    ]  # fmt: skip
    links = [link("b", "c"), link("c", "d")]
    played = await play_waiting(blocks, links, Stage(seconds=10))
    assert played.outcome.status == "waiting"
    assert played.statuses == {"a": "waiting", **dict.fromkeys("bcd", "completed")}


async def test_an_attempt_with_the_decisions_goes_on_and_pays_nothing_again() -> None:
    blocks = [members("a", "waits_1", "waits_2", "writer"), members("b", "writer")]
    first = await play_waiting(blocks, [link("a", "b")])
    some = {key("a", "waits_1"): APPROVED}
    second = await play_waiting(blocks, [link("a", "b")], steps=steps_of(first), decisions=some)
    assert (second.outcome.status, second.stage.calls) == ("waiting", [])
    assert waited_for(second.outcome) == [key("a", "waits_2")]
    both = {**some, key("a", "waits_2"): {"decision": "rejected", "by": "ben"}}
    third = await play_waiting(blocks, [link("a", "b")], steps=steps_of(second), decisions=both)
    assert third.stage.calls == ["b/writer/1/work"]
    assert third.outcome.block_outputs["a"]["waits_2"]["decision"] == "rejected"
    assert third.outcome.usage.model_calls == 2


async def test_a_block_that_fails_meanwhile_ends_the_run() -> None:
    use_virtual_time()

    async def later(request: Any) -> str:
        await asyncio.sleep(60)
        raise RuntimeError

    stage = Stage({"b": later})
    played = await play_waiting([members("a", "waits"), members("b", "writer")], stage=stage)
    assert (played.error[0], played.outcome.needs) == ("internal", ())
    assert played.statuses == {"a": "failed", "b": "failed"}


async def test_a_run_is_cancelled_while_something_is_parked() -> None:
    use_virtual_time()
    stage = Stage(seconds=1_000)
    work = play_waiting([members("a", "waits"), members("b", "writer")], stage=stage)
    task = asyncio.create_task(work)
    await asyncio.sleep(10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stage.log[-1] == ("stopped", "b/writer/1/work")


async def test_the_deadline_of_the_run_holds_while_others_go_on() -> None:
    use_virtual_time()
    blocks = [members("a", "waits"), members("b", "writer")]
    limits = Limits(seconds=20)
    played = await play_waiting(blocks, stage=Stage(seconds=100), limits=limits)
    assert (played.outcome.status, played.outcome.needs) == ("timed_out", ())


async def test_the_time_of_a_block_stands_still_while_it_waits() -> None:
    use_virtual_time()
    blocks = [members("a", "waits", timeout_seconds=5), members("b", "writer")]
    played = await play_waiting(blocks, stage=Stage(seconds=60))
    assert played.statuses == {"a": "waiting", "b": "completed"}


async def test_a_pause_between_tries_is_no_end() -> None:
    use_virtual_time()
    stage = Stage({"b": [down(ErrorKind.TRANSIENT, after=25), "good"]})
    timing = Timing(now=lambda: NOW)
    blocks = [members("a", "waits"), members("b", "writer", retries=2)]
    played = await play_waiting(blocks, stage=stage, timing=timing)
    assert (played.statuses, played.outcome.needs != ()) == (
        {"a": "waiting", "b": "completed"}, True,
    )  # fmt: skip


async def test_a_record_that_is_being_written_is_waited_for() -> None:
    use_virtual_time()
    written: list[str] = []

    class Slow(MemoryJournal):
        def record(self, step: Any) -> Any:
            async def write() -> None:
                await asyncio.sleep(40)
                self.steps[step.key] = step
                written.append(step.key)

            return write()

    graph = compiled(design([members("a", "waits"), members("b", "writer"), transform("c", "'x'")]))
    played = await play(graph, journal=Slow())
    assert played.outcome.status == "waiting"
    assert sorted(written) == ["b/writer/1/work", "c/-/1/transform"]


async def test_what_computes_in_a_thread_is_waited_for() -> None:
    heavy = transform("b", "length(sort(map(&to_string(@), input.many)))")
    given = {"many": list(range(5_000))}
    played = await play_waiting([members("a", "waits"), heavy], given=given)
    assert played.statuses == {"a": "waiting", "b": "completed"}


async def test_only_instant_blocks_beside_it() -> None:
    blocks = [members("a", "waits"), *(transform(f"t{n}", "'x'") for n in range(50))]
    links = [link(f"t{n}", f"t{n + 1}") for n in range(49)]
    played = await play_waiting(blocks, links)
    assert played.outcome.status == "waiting"
    assert sum(status == "completed" for status in played.statuses.values()) == 50
