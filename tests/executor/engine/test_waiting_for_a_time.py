"""A time is waited for once: its end is recorded, and an attempt that goes on finds the same."""

from __future__ import annotations

from typing import Any

from tests.executor.engine.stage import Stage
from tests.executor.engine.waiting_blocks import NOW, clock, members, play_waiting
from tests.graphs import link
from tests.memory_journal import MemoryJournal
from tests.virtual_time import use_virtual_time


def steps_of(played: Any) -> Any:
    assert isinstance(played.journal, MemoryJournal)
    return played.journal.steps


async def test_the_run_is_let_go_and_goes_on_when_the_time_has_come() -> None:
    use_virtual_time()
    first = await play_waiting([members("a", "sleeps_60")], timing=clock())
    assert first.outcome.status == "waiting"
    assert [need.due_at for need in first.outcome.needs] == [NOW + 60]
    second = await play_waiting(
        [members("a", "sleeps_60")], steps=steps_of(first), timing=clock(40)
    )
    assert [need.due_at for need in second.outcome.needs] == [NOW + 60]
    third = await play_waiting([members("a", "sleeps_60")], steps=steps_of(first), timing=clock(62))
    assert third.result == {"sleeps_60": {"waited_seconds": 62.0}}


async def test_less_than_five_seconds_are_slept_in_place() -> None:
    use_virtual_time()
    first = await play_waiting([members("a", "sleeps_4")], timing=clock())
    assert first.result == {"sleeps_4": {"waited_seconds": 4.0}}
    assert steps_of(first) == {}
    first = await play_waiting([members("a", "sleeps_60")], timing=clock())
    rest = await play_waiting([members("a", "sleeps_60")], steps=steps_of(first), timing=clock(56))
    assert rest.result == {"sleeps_60": {"waited_seconds": 60.0}}


async def test_it_goes_on_in_place_while_other_blocks_are_at_work() -> None:
    use_virtual_time()
    blocks = [members("a", "sleeps_60", timeout_seconds=10), members("b", "writer")]
    blocks.append(members("c", "writer"))
    stage = Stage(seconds=100)
    played = await play_waiting(blocks, [link("a", "c")], stage, timing=clock())
    assert played.outcome.status == "completed"
    assert stage.log == [
        ("start", "b/writer/1/work"), ("start", "c/writer/1/work"),
        ("end", "b/writer/1/work"), ("end", "c/writer/1/work"),
    ]  # fmt: skip


async def test_the_rest_of_the_time_of_a_block_holds_after_it_has_waited() -> None:
    use_virtual_time()
    blocks = [members("a", "sleeps_60", "writer", timeout_seconds=70), members("b", "writer")]
    played = await play_waiting(blocks, stage=Stage(seconds=200), timing=clock())
    assert played.error == ("timeout", "Block 'a': it took longer than its limit of 70 seconds.")


async def test_a_time_too_far_away_is_a_failure() -> None:
    days = 31 * 86_400
    played = await play_waiting([members("a", f"sleeps_{days}")], timing=clock())
    kind, sentence = played.error
    assert (kind, sentence) == (
        "block",
        "Block 'a': it would wait for more than 30 days, which is the longest wait there is.",
    )
