"""Designs inside designs: one budget, one journal, one end; nothing inside outlives the run."""

from __future__ import annotations

import asyncio
import random

import pytest

from executor.engine.journal import MAX_KEY, inside
from executor.engine.limits import Limits
from tests.executor.engine.stage import Stage, compiled, down, play
from tests.graphs import asking, design, link, transform
from tests.memory_journal import MemoryJournal


def each(inner, **settings):
    given = {"items": "input.items", "block": inner, "on_item_error": "keep", **settings}
    return {"id": "each", "type": "map", "settings": given}


def sub(path, block_id="sub"):
    return {"id": block_id, "type": "subdesign", "settings": {"path": path, "input": "input"}}


def chain_of(depth):
    """Designs that play each other, and the graphs inside the first."""
    last = compiled(design([asking("answer")]))
    graphs = {f"/{depth}": last}
    for number in range(depth - 1, 1, -1):
        graphs[f"/{number}"] = compiled(design([sub(f"/{number + 1}")]))
    return design([sub("/2")]), graphs


async def test_designs_run_eight_deep():
    document, graphs = chain_of(8)

    played = await play(document, nested=graphs)

    assert played.result == "sub>sub>sub>sub>sub>sub>sub>answer/writer/1/answer"


async def test_a_limit_of_the_run_that_is_reached_in_an_item_ends_the_run():
    graph = design([each(asking("step"))])

    played = await play(graph, given={"items": [1, 2, 3, 4]}, limits=Limits(model_calls=2))

    assert played.outcome.status == "failed"
    assert played.outcome.error.kind == "limit"
    assert played.outcome.error.block_id == "each"
    assert played.outcome.usage.model_calls == 2


async def test_a_record_that_fails_in_an_item_ends_the_run():
    class Full(MemoryJournal):
        def record(self, step):
            if "[2]" in step.key:
                raise OSError("The disk is full.")
            super().record(step)

    graph = design([each(asking("step"))])

    played = await play(graph, given={"items": [1, 2, 3, 4]}, journal=Full())

    assert played.outcome.error.kind == "journal"
    assert played.outcome.error.step_key == "each[2]>step/writer/1/answer"


async def test_the_time_limit_of_a_block_ends_what_it_plays():
    stage = Stage(seconds=60)
    graph = design([{**each(asking("step")), "timeout_seconds": 0.01}])

    played = await play(graph, stage, given={"items": [1, 2]})

    assert played.outcome.error.kind == "timeout"
    assert {word for word, _ in stage.log} == {"start", "stopped"}


async def test_the_runs_own_deadline_ends_what_is_played():
    stage = Stage(seconds=60)

    played = await play(
        design([each(asking("step"))]), stage, given={"items": [1]}, limits=Limits(seconds=0.05)
    )

    assert played.outcome.status == "timed_out"
    assert stage.busy == 0


async def test_cancelling_stops_every_call_inside():
    stage = Stage(seconds=60)
    graph = design([each(each(asking("step"), items="input.item"))])
    given = {"items": [[1, 2], [3, 4]]}
    run = asyncio.create_task(play(graph, stage, given=given))
    while stage.busy < 4:
        await asyncio.sleep(0)

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert stage.busy == 0
    assert sum(word == "stopped" for word, _ in stage.log) == 4


async def test_one_failed_item_without_keep_stops_the_others():
    async def never(request):
        await asyncio.sleep(60)

    says = {"each[0]>step/writer": down(), "step": never}
    graph = design([each({**asking("step"), "retries": 0}, on_item_error="fail")])
    says = {0: down(), 1: never, 2: never}
    stage = Stage({f"each[{n}]>step/writer/1/answer": line for n, line in says.items()})

    played = await play(graph, stage, given={"items": [1, 2, 3]})

    assert played.outcome.error.block_id == "each"
    assert stage.busy == 0


async def test_cut_at_random_and_taken_up_again_only_what_was_under_way_is_asked_again():
    inner = each(asking("step"), items="input.item")
    graph = compiled(
        design([each(inner), transform("end", "incoming.total")], [link("each", "end")])
    )
    given = {"items": [[1, 2, 3], [4, 5], [], [6]]}
    whole = await play(graph, given=given)
    asked = set(whole.stage.calls)
    for seed in range(40):
        journal, chance = MemoryJournal(), random.Random(seed)
        calls: list[str] = []
        for _ in range(50):
            stage = Stage(seed=chance.randrange(1_000))
            steps = journal.steps.values()
            known = {step.key for step in steps if step.status == "completed"}
            run = asyncio.create_task(play(graph, stage, given=given, journal=journal))
            for _ in range(chance.randrange(1, 60)):
                await asyncio.sleep(0)
            if not run.done():
                run.cancel()
            await asyncio.wait([run])
            calls += stage.calls
            # Nothing that was recorded is asked again.
            assert not known & set(stage.calls)
            if not run.cancelled():
                break
        again = await play(graph, given=given, journal=journal)

        assert again.outcome.result == whole.outcome.result
        assert again.outcome.block_outputs == whole.outcome.block_outputs
        assert set(calls) | set(again.stage.calls) == asked


async def test_a_thousand_items_leave_the_loop_its_turns():
    inner = transform("step", "input.index")
    graph = compiled(design([each(inner, most_items=10_000)]))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    played = await play(graph, given={"items": [0] * 10_000})
    counting.cancel()

    assert played.result["results"] == list(range(10_000))
    assert turns > 10


def test_keys_that_are_too_long_keep_their_block_and_stay_apart():
    prefix = "each[17]>" + "middle>" * 60
    first, second = inside(prefix, "step/a/1/answer"), inside(prefix, "step/b/1/answer")

    assert len(first) == len(second) == MAX_KEY
    assert first != second
    assert first.startswith("each[17]>")
    assert first.endswith("step/a/1/answer")
    assert inside("each[17]>", "step/a/1/answer") == "each[17]>step/a/1/answer"


async def test_a_block_in_place_has_the_model_of_its_design():
    graph = design([each(each(asking("step"), items="input.item"))], model="big:model")

    played = await play(graph, given={"items": [[1]]})

    assert played.stage.asked == [("big:model", "each[0]>each[0]>step/writer/1/answer")]
