"""A deployed design as an agent's tool: played inside the run, and no step is made again."""

from __future__ import annotations

from typing import Any

from designs.patterns.catalogue import check_document
from executor.engine.runner import CompiledGraph, compile_graph
from tests.fake_tools import FakeTools, tool
from tests.scripted import Played, agent, block, calls, design, play

NAME = "deployments.support.translate"
KEY = "main/ana/1/answer"
INSIDE = "main[ana/1/answer/tool.1]>main/tina/1/answer"


def compiled(document: dict[str, Any]) -> CompiledGraph:
    checked = check_document(document)
    assert checked.graph is not None, checked.problems
    return compile_graph(checked.graph)


def translating(**more: Any) -> dict[str, CompiledGraph]:
    inner = block("sequential", agent("tina"), task="Translate {{ input.text }}.")
    schema = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    more = {"input_schema": schema, "description": "Translates a text.", **more}
    return {"/support/translate": compiled(design(inner, **more))}


async def run(script: dict[str, Any], names: tuple[str, ...] = (NAME,), **more: Any) -> Played:
    more = {"nested": translating(), **more}
    return await play(design(block("sequential", agent("ana", tools=list(names)))), script, **more)


async def test_it_is_played_inside_the_run_beside_other_tools() -> None:
    search = FakeTools((tool("crm.search"),))
    played = await run(
        {
            "ana/answer": calls((NAME, {"text": "Hallo"}), ("crm.search", {})),
            "tina/answer": "Hello",
            "ana/answer.2": "It means Hello.",
        },
        (NAME, "crm.search"),
        tools=search,
    )
    assert played.result == "It means Hello."
    assert list(played.steps) == [
        KEY, f"{KEY}/tool.2", INSIDE, f"{KEY}/tool.1", f"{KEY}.2",
    ]  # fmt: skip
    assert played.steps[f"{KEY}/tool.1"].output["content"] == "Hello"
    request = played.model.requests[KEY].tool_use
    assert request is not None
    assert [(spec.name, spec.description) for spec in request.tools] == [
        (NAME, "Translates a text."), ("crm.search", "Does crm.search."),
    ]  # fmt: skip
    assert played.outcome.usage.model_calls == 3


async def test_arguments_that_do_not_fit_its_input_schema_are_not_played() -> None:
    played = await run({"ana/answer": calls((NAME, {"text": 1})), "ana/answer.2": "No."})
    output = played.steps[f"{KEY}/tool.1"].output
    assert (output["is_error"], output["outcome"]) == (True, "not_called")
    assert "text" in output["content"]


async def test_its_failure_is_a_result_that_the_model_reads() -> None:
    inner = block("transform", settings={"expression": "input.nothing"})
    inner.pop("task")
    inner.pop("agents")
    nested = {"/support/translate": compiled(design(inner))}
    played = await run(
        {"ana/answer": calls((NAME, {"text": "Hallo"})), "ana/answer.2": "Sorry."}, nested=nested
    )
    assert played.result == "Sorry."
    output = played.steps[f"{KEY}/tool.1"].output
    assert (output["is_error"], output["outcome"]) == (True, "error")
    assert "main" in output["content"]


async def test_taken_up_in_the_middle_it_repeats_no_step() -> None:
    script = {
        "ana/answer": calls((NAME, {"text": "Hallo"})),
        "tina/answer": "Hello",
        "ana/answer.2": "It means Hello.",
    }
    whole = await run(script)
    begun = {key: step for key, step in whole.steps.items() if key != f"{KEY}.2"}
    del begun[f"{KEY}/tool.1"]
    again = await run(script, steps=begun)
    assert again.result == "It means Hello."
    assert again.model.calls == [f"{KEY}.2"]


async def test_nothing_at_the_path_fails_the_agent_with_a_sentence() -> None:
    played = await run({}, nested={})
    assert "Nothing is deployed at /support/translate" in played.error


async def test_a_result_that_ends_like_a_cut_one_is_cut_all_the_same() -> None:
    long = "x" * 30_000 + "[cut: 9 of 9 characters]"
    tools = FakeTools((tool("crm.search", most_result_characters=1_000),), {"crm.search": long})
    played = await run(
        {"ana/answer": calls(("crm.search", {})), "ana/answer.2": "Done."},
        ("crm.search",),
        tools=tools,
    )
    content = played.steps[f"{KEY}/tool.1"].output["content"]
    assert content == f"{'x' * 1_000}\n[cut: 1,000 of 30,024 characters]"
