"""The run's input reaches blocks without incoming connections: once, and only where it is used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.executor.engine.stage import play
from tests.graphs import agent, asking, chain, design, transform

GIVEN = {"request": "Build it."}


async def prompt_of(raw: dict[str, Any], key: str = "a/writer/1/answer", **more: Any) -> Any:
    return (await play(raw, **{"given": GIVEN, **more})).stage.prompt(key)


async def test_a_root_gets_the_input_as_one_labelled_part() -> None:
    prompt = await prompt_of(design([asking("a")]))
    assert list(prompt) == ["system", "Task", "Input"]
    assert prompt["Input"] == GIVEN


@pytest.mark.parametrize(
    "task", ["Do {{ input.request }}", "{{ incoming || 'x' }}", "{{ keys(input) }}"]
)
async def test_a_task_that_reads_it_has_it_already(task: str) -> None:
    assert "Input" not in await prompt_of(design([asking("a", task=task)]))


async def test_a_prompt_that_reads_it_stands_for_the_whole_block() -> None:
    one = agent("writer")
    two = agent("editor", system_prompt="Edit {{ input.request }}.")
    raw = design([asking("a", one, two)])
    for key in ("a/writer/1/answer", "a/editor/1/answer"):
        assert "Input" not in await prompt_of(raw, key)


@pytest.mark.parametrize("task", ["Do it.", "Do \\{{ input.request }}", "{{ execution.id }}"])
async def test_what_only_looks_like_reading_is_none(task: str) -> None:
    assert (await prompt_of(design([asking("a", task=task)])))["Input"] == GIVEN


async def test_an_empty_input_is_no_part() -> None:
    assert "Input" not in await prompt_of(design([asking("a")]), given={})


async def test_blocks_further_down_get_what_their_connections_bring() -> None:
    raw = design([asking("a"), asking("b")], chain("a", "b"))
    assert list(await prompt_of(raw, "b/writer/1/answer")) == ["system", "Task", "From a"]


@pytest.mark.parametrize(
    ("kind", "agents", "keys"),
    [
        ("parallel", ["x", "y"], ["a/x/1/answer", "a/y/1/answer"]),
        ("debate", ["x", "y"], ["a/x/1/opening", "a/y/2/reply"]),
        ("reflection", ["x"], ["a/x/1/draft", "a/x/1/critique"]),
        ("hierarchical", [agent("x", "manager"), "y"], ["a/x/1/plan"]),
        ("routing", [agent("x", "moderator"), "y"], ["a/x/1/route"]),
    ],
)
async def test_every_pattern_hands_it_to_its_agents(
    kind: str, agents: list[Any], keys: list[str]
) -> None:
    played = await play(design([asking("a", *agents, kind=kind)]), given=GIVEN)
    for key in keys:
        assert played.stage.prompt(key)["Input"] == GIVEN


async def test_what_computes_is_left_alone() -> None:
    played = await play(design([transform("a", "incoming == `null`")]), given=GIVEN)
    assert played.result is True
