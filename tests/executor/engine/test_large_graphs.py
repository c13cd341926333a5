"""The largest designs: two hundred blocks, a hundred calls at once, and many runs of one graph."""

from __future__ import annotations

import asyncio

from executor.engine.limits import Limits
from tests.executor.engine.stage import Stage, compiled, play
from tests.graphs import Json, asking, chain, design, link, transform
from tests.virtual_time import use_virtual_time

NAMES = [f"b{number}" for number in range(200)]


def layered() -> Json:
    """Ten layers of twenty blocks, each joined with every one of the next."""
    ways = [
        link(NAMES[layer * 20 + source], NAMES[(layer + 1) * 20 + target])
        for layer in range(9)
        for source in range(20)
        for target in range(20)
    ]
    blocks = [transform(name, "length(keys(incoming || `{}`)) || `0`") for name in NAMES]
    return design(blocks, ways)


async def test_two_hundred_blocks_in_one_chain() -> None:
    played = await play(design([asking(name) for name in NAMES], chain(*NAMES)))
    assert played.stage.calls == [f"{name}/writer/1/answer" for name in NAMES]
    assert played.outcome.usage.model_calls == 200


async def test_two_hundred_blocks_side_by_side() -> None:
    use_virtual_time()
    stage = Stage(seconds=1)
    last = transform("b199", "length(keys(incoming))")
    ways = [link(name, "b199") for name in NAMES[:199]]
    raw = design([*(asking(name) for name in NAMES[:199]), last], ways)
    played = await play(raw, stage)
    assert played.result == 199
    assert stage.most_busy == 199


async def test_layers_that_are_wholly_connected() -> None:
    played = await play(compiled(layered()))
    assert list(played.result) == NAMES[180:]
    assert set(played.result.values()) == {20}


async def test_a_parallel_block_keeps_to_its_width() -> None:
    for width in (1, 8, 49):
        stage = Stage(seed=1)
        members = [f"m{number}" for number in range(49)]
        judge = {"id": "judge", "role": "moderator"}
        block = asking("p", *members, judge, kind="parallel", settings={"max_concurrency": width})
        played = await play(design([block]), stage)
        assert stage.most_busy == width
        assert len(played.stage.calls) == 50
        labels = [
            label for label in played.stage.prompt("p/judge/1/aggregate") if "Answer" in label
        ]
        assert labels == [f"Answer of {name}" for name in members]


async def test_a_hundred_calls_at_once_in_two_blocks() -> None:
    use_virtual_time()
    stage = Stage(seconds=1)
    members = [f"m{number}" for number in range(50)]
    blocks = [
        asking(name, *members, kind="parallel", settings={"max_concurrency": 100}) for name in "ab"
    ]
    played = await play(design(blocks), stage, limits=Limits(model_calls=100))
    assert stage.most_busy == 100
    assert [what for what, _ in stage.log] == ["start"] * 100 + ["end"] * 100
    assert {name: len(found) for name, found in played.result.items()} == {"a": 50, "b": 50}


async def test_one_compiled_graph_serves_many_runs_at_once() -> None:
    graph = compiled(
        design([asking("a", task="Say {{ input.n }}."), transform("b", "[input.n, incoming]")],
               chain("a", "b"))
    )  # fmt: skip
    runs = [play(graph, Stage(seed=n), given={"n": n}, execution_id=f"e{n}") for n in range(100)]
    for number, played in enumerate(await asyncio.gather(*runs)):
        assert played.result == [number, "a/writer/1/answer"]
        assert played.stage.prompt("a/writer/1/answer")["Task"] == f"Say {number}."


async def test_a_deep_task_group_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    await play(design([asking(name) for name in NAMES[:50]]), Stage(seed=2))
    assert asyncio.all_tasks() == before
