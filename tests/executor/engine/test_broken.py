"""Faults inside Orchestra end the run as internal errors, without hangs or leaks."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from designs.graph.spec import Block, Graph
from designs.patterns.base import BlockFailed, BlockOutput, Part, Pattern, RunContext, Settings
from designs.patterns.catalogue import PALETTE, check_document
from executor.engine.failures import INTERNAL
from executor.engine.runner import compile_graph
from tests.executor.engine.stage import Stage, down, play
from tests.graphs import asking, chain, design, transform
from tests.waiting import PATIENCE_SECONDS

SECRET = "internal detail 4711"


class Own(Pattern[Settings]):
    """A pattern that does what a test says."""

    type = "sequential"
    settings_type = Settings

    def __init__(self, behaviour: Any) -> None:
        self.behaviour = behaviour

    def most_calls(self, block: Block, settings: Settings) -> tuple[()]:
        return ()

    async def run(self, block: Block, settings: Settings, context: RunContext) -> BlockOutput:
        return BlockOutput(await self.behaviour(block, context))


def graph_of(raw: dict[str, Any]) -> Graph:
    graph = check_document(raw).graph
    assert graph is not None
    return graph


async def with_pattern(behaviour: Any, raw: dict[str, Any] | None = None, **more: Any) -> Any:
    graph = graph_of(raw or design([asking("a"), asking("b")]))
    return await play(compile_graph(graph, {**PALETTE, "sequential": Own(behaviour)}), **more)


async def test_a_fault_of_a_pattern_is_ours_and_tells_no_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(block: Block, context: RunContext) -> str:
        raise KeyError(SECRET)

    with caplog.at_level(logging.ERROR):
        played = await with_pattern(broken)
    assert played.error == ("internal", f"Block 'a': {INTERNAL}")
    assert SECRET in caplog.text


async def test_a_fault_of_a_model_is_ours_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        played = await play(design([asking("a")]), {"a": RuntimeError(SECRET)})
    assert played.error == ("internal", f"Block 'a': {INTERNAL}")


async def test_a_call_that_is_cancelled_from_inside_does_not_hang_the_run() -> None:
    played = await asyncio.wait_for(
        play(design([asking("a"), asking("b")], chain("a", "b")), {"a": asyncio.CancelledError()}),
        PATIENCE_SECONDS,
    )
    assert played.outcome.status == "failed"
    assert played.error[0] == "internal"
    assert "b" not in played.statuses


@pytest.mark.parametrize("kind", ["sequential", "parallel"])
async def test_a_stray_timeout_is_not_the_blocks_own(kind: str) -> None:
    raw = design([asking("a", "x", "y", kind=kind, timeout_seconds=60)])
    played = await play(raw, {"x": TimeoutError("stray")})
    assert played.error == ("internal", f"Block 'a': {INTERNAL}")


async def test_a_pattern_that_gives_up_says_why() -> None:
    async def gives_up(block: Block, context: RunContext) -> str:
        raise BlockFailed("nobody agreed.")

    assert (await with_pattern(gives_up)).error == ("block", "Block 'a': nobody agreed.")


async def test_failures_inside_a_task_group_are_told_by_the_first() -> None:
    async def grouped(block: Block, context: RunContext) -> str:
        async with asyncio.TaskGroup() as group:
            for one in block.agents:
                group.create_task(context.ask(one, [Part("Task", "x")], purpose="answer"))
        return "never"

    raw = design([asking("a", "x", "y", retries=0)])
    played = await with_pattern(grouped, raw, stage=Stage({"x": down(), "y": down()}))
    assert played.error == ("transient", "Block 'a': agent 'x' got no answer: it is down.")


async def test_the_same_question_is_answered_once() -> None:
    async def twice(block: Block, context: RunContext) -> str:
        one, other = [
            await context.ask(block.agents[0], [Part("Task", text)], purpose="answer")
            for text in ("first", "second")
        ]
        return f"{one.text} {other.text}"

    played = await with_pattern(twice, design([asking("a")]))
    assert played.result == "a/writer/1/answer a/writer/1/answer"
    assert played.stage.calls == ["a/writer/1/answer"]


async def test_the_same_question_twice_at_once_is_a_fault() -> None:
    async def both(block: Block, context: RunContext) -> Any:
        asks = [context.ask(block.agents[0], [], purpose="answer") for _ in range(2)]
        return await asyncio.gather(*asks)

    assert (await with_pattern(both, design([asking("a")]))).error[0] == "internal"


async def test_an_output_that_is_no_json_is_a_fault() -> None:
    async def odd(block: Block, context: RunContext) -> Any:
        return {"x": object()}

    played = await asyncio.wait_for(with_pattern(odd, design([asking("a")])), PATIENCE_SECONDS)
    assert played.error[0] == "internal"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"connections": chain("a", "b") + chain("b", "a")}, "has a cycle"),
        ({"connections": chain("a", "x")}, "Connection 'a_x': there is no block 'x'."),
        ({"blocks": [{**transform("a"), "type": "magic"}]}, "there is no block type 'magic'"),
        ({"blocks": [{**transform("a"), "settings": {"speed": 1}}]}, "speed"),
    ],
)
def test_a_graph_that_was_not_checked_is_refused(change: dict[str, Any], sentence: str) -> None:
    raw = {**design([transform("a"), transform("b", "incoming")]), **change}
    with pytest.raises(ValueError, match=sentence):
        compile_graph(Graph.model_validate(raw))
