"""One block alone, as if the blocks upstream of it had delivered what is given."""

from __future__ import annotations

from typing import Any

import pytest

from designs.patterns.base import BlockOutput
from executor.engine.events import BlockChanged
from executor.engine.part import find_block, is_reached, outputs_read, part_of, reads_run_input
from tests.executor.engine.stage import Played, Stage, compiled, play
from tests.graphs import agent, asking, chain, design, link, transform

FLOW = design(
    [asking("a", "x", "y"), asking("b", task="Use {{ blocks.a.output }}."),
     transform("c", "incoming")],
    chain("a", "b", "c"),
    output="blocks.c.output",
)  # fmt: skip


async def part(raw: Any, only: str, outputs: dict[str, Any], *args: Any, **more: Any) -> Played:
    given = {
        name: value if isinstance(value, BlockOutput) else BlockOutput(value)
        for name, value in outputs.items()
    }
    return await play(part_of(compiled(raw), only, given), *args, **more)


async def test_only_that_block_runs_and_its_output_is_the_result() -> None:
    stage = Stage({"b": "B"})
    played = await part(FLOW, "b", {"a": "A"}, stage)
    assert played.result == "B"
    assert played.statuses == {"b": "completed"}
    assert stage.calls == ["b/writer/1/answer"]
    assert stage.prompt("b/writer/1/answer")["Task"] == "Use A."
    assert "A" in stage.prompt("b/writer/1/answer").values()


async def test_the_whole_graph_is_unchanged() -> None:
    graph = compiled(FLOW)
    part_of(graph, "b", {"a": BlockOutput("A")})
    played = await play(graph)
    assert played.statuses == dict.fromkeys("abc", "completed")


async def test_the_output_schema_and_the_output_are_those_of_the_whole() -> None:
    raw = {**FLOW, "output_schema": {"type": "object"}, "output": "{ c: blocks.c.output }"}
    assert (await part(raw, "b", {"a": "A"}, {"b": "B"})).result == "B"


async def test_a_first_block_needs_nothing() -> None:
    played = await part(FLOW, "a", {}, {"y": "Y"}, given={"name": "Ada"})
    assert (played.result, played.statuses) == ("Y", {"a": "completed"})


async def test_connections_of_agents_bring_their_outputs() -> None:
    raw = design(
        [asking("a", "x", "y", kind="parallel"), asking("b", "p", "q")],
        [
            link("a", "b", source_agent="x", target_agent="q"),
            link("a", "b", source_agent="y", target_agent="p") | {"id": "second"},
        ],
    )
    stage = Stage()
    given = {"a": BlockOutput("whole", {"x": "from x", "y": "from y"})}
    await part(raw, "b", given, stage)
    assert "from y" in stage.prompt("b/p/1/answer").values()
    assert "from x" in stage.prompt("b/q/1/answer").values()
    silent = await part(raw, "b", {"a": BlockOutput("whole", {"x": "from x"})}, stage)
    (begun,) = [e for e in silent.events if isinstance(e, BlockChanged) and e.status == "running"]
    assert begun.taken == ("a_b",)


async def test_routes_and_conditions_into_the_block_count_as_taken() -> None:
    router = asking("route", agent("r", role="manager"), kind="routing")
    raw = design(
        [router, transform("one", "incoming"), transform("other", "incoming")],
        [link("route", "one", route="one"), link("route", "other", when="input.never")],
    )
    for name in ("one", "other"):
        played = await part(raw, name, {"route": {"input": "text"}})
        assert (played.result, played.statuses) == ({"input": "text"}, {name: "completed"})


async def test_a_router_alone_chooses_among_its_routes() -> None:
    router = asking("route", agent("r", role="manager"), kind="routing")
    raw = design(
        [asking("before"), router, asking("one"), asking("other")],
        [link("before", "route"), link("route", "one", route="one"),
         link("route", "other", route="other")],
    )  # fmt: skip
    answer = '{"route": "other", "reason": "It fits."}'
    played = await part(raw, "route", {"before": "text"}, {"route": answer})
    assert played.result == {"input": "text", "route": "other", "reason": "It fits."}
    assert played.statuses == {"route": "completed"}


async def test_a_failure_is_that_of_the_run() -> None:
    raw = design([transform("a"), transform("b", "sum(incoming)")], chain("a", "b"))
    kind, sentence = (await part(raw, "b", {"a": "no list"})).error
    assert kind == "expression"
    assert "sum" in sentence


async def test_what_was_finished_is_replayed() -> None:
    first = await part(FLOW, "b", {"a": "A"})
    again = Stage()
    second = await part(FLOW, "b", {"a": "A"}, again, journal=first.journal)
    assert (second.result, again.calls) == (first.result, [])


def test_what_a_block_reads() -> None:
    raw = design(
        [asking("a", "x", "y"), asking("b"), asking("c"), asking("far"),
         asking("d", task="{{ blocks.c.output }} {{ input.name || 'nobody' }}")],
        [link("far", "a"), link("a", "d", source_agent="x"), link("b", "d"), link("c", "b")],
    )  # fmt: skip
    graph = compiled(raw)
    block = find_block(graph, "d")
    assert outputs_read(block) == [("a", "x"), ("b", None), ("c", None)]
    assert reads_run_input(block)
    assert not reads_run_input(find_block(graph, "b"))
    assert reads_run_input(find_block(graph, "far"))
    given = {"a": BlockOutput("A")}
    assert not is_reached(block, given)
    assert is_reached(block, {"a": BlockOutput("A", {"x": "X"})})
    with pytest.raises(KeyError):
        find_block(graph, "nowhere")


async def test_a_block_says_which_connections_were_taken() -> None:
    raw = design(
        [transform("a"), transform("b"), transform("c", "incoming"), transform("d", "incoming")],
        [link("a", "c", when="`false`"), link("b", "c"), link("c", "d")],
    )
    played = await play(raw)
    begun = {
        e.block_id: e.taken
        for e in played.events
        if isinstance(e, BlockChanged) and e.status == "running"
    }
    assert begun == {"a": None, "b": None, "c": ("b_c",), "d": None}
