"""An agent with tools: turns, calls side by side, their record, and what goes back to the model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from executor.engine.events import ToolChanged
from executor.engine.limits import Limits
from executor.engine.tools import OfferedTool, ToolCallError, ToolResult
from tests.fake_tools import FakeTools, tool
from tests.scripted import Played, agent, block, calls, design, play

SEARCH, MAIL = tool("crm.search"), tool("crm.mail", "once")
FORM = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}


async def run(
    script: dict[str, Any],
    tools: FakeTools,
    *,
    rules: dict[str, Any] | None = None,
    **more: Any,
) -> Played:
    named = [(rules or {}).get(one.name, one.name) for one in tools.tools]
    limits = more.pop("tool_limits", {})
    document = design(block("sequential", agent("ana", tools=named, tool_limits=limits)))
    return await play(document, script, tools=tools, **more)


def told(played: Played, number: int) -> list[tuple[str, bool]]:
    """What the model was told of the calls before its request of this turn."""
    use = played.model.requests[f"main/ana/1/answer.{number}"].tool_use
    assert use is not None
    return list(use.turns[-1].results)


async def test_two_calls_at_once_then_a_third_then_the_answer() -> None:
    tools = FakeTools((SEARCH, MAIL), {"crm.search": lambda given: f"Found {given['q']}."})
    played = await run(
        {
            "answer": calls(("crm.search", {"q": "Ada"}), ("crm.search", {"q": "Bob"})),
            "answer.2": calls(("crm.mail", {"to": "Ada"}), text="I write."),
            "answer.3": "Done.",
        },
        tools,
    )
    assert played.result == "Done."
    key = "main/ana/1/answer"
    assert list(played.steps) == [
        key, f"{key}/tool.1", f"{key}/tool.2", f"{key}.2", f"{key}.2/tool.1", f"{key}.3",
    ]  # fmt: skip
    first = played.steps[f"{key}/tool.1"]
    assert (first.model, first.purpose, first.tool, first.prompt, first.tries) == (
        None, "tool", "crm.search", {"q": "Ada"}, 1,
    )  # fmt: skip
    assert first.output == {"content": "Found Ada.", "is_error": False, "outcome": "done",
                            "bytes": 10}  # fmt: skip
    assert played.steps[key].calls == [
        {"id": "c0", "name": "crm.search", "arguments": {"q": "Ada"}},
        {"id": "c1", "name": "crm.search", "arguments": {"q": "Bob"}},
    ]
    assert told(played, 2) == [("Found Ada.", False), ("Found Bob.", False)]
    assert played.outcome.usage.tool_calls == 3
    assert played.outcome.usage.model_calls == 3
    assert played.outcome.degraded == ()
    events = [event for event in played.events if isinstance(event, ToolChanged)]
    assert [(event.tool, event.status) for event in events if event.key.startswith(f"{key}.2")] == [
        ("crm.mail", "started"), ("crm.mail", "finished"),
    ]  # fmt: skip


async def test_calls_of_a_turn_run_side_by_side_at_most_eight_and_keep_their_order() -> None:
    async def slow(given: dict[str, Any]) -> str:
        for _ in range(20 - given["n"]):
            await asyncio.sleep(0)
        return str(given["n"])

    tools = FakeTools((SEARCH,), {"crm.search": slow})
    made = [("crm.search", {"n": number}) for number in range(12)]
    played = await run({"answer": calls(*made), "answer.2": "x"}, tools)
    assert tools.most_busy == 8
    assert [content for content, _ in told(played, 2)] == [str(number) for number in range(12)]


async def test_one_failed_call_loses_none_of_the_others() -> None:
    broken = ToolCallError("crm is not reachable.", was_sent=False)
    tools = FakeTools((SEARCH, MAIL), {"crm.search": broken})
    played = await run(
        {"answer": calls(("crm.search", {}), ("crm.mail", {})), "answer.2": "x"}, tools
    )
    assert told(played, 2) == [("crm is not reachable.", True), ("crm.mail is done.", False)]
    step = played.steps["main/ana/1/answer/tool.1"]
    assert (step.tries, len(step.failures)) == (3, 3)
    assert step.output["outcome"] == "not_called"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("crm.delete", {}), "There is no tool crm.delete: crm.search."),
        (("crm.search", "{oops"), "the arguments are no JSON object"),
        (("crm.search", {"q": 7}), "the arguments do not fit: at q"),
        (("crm.search", {}), "the arguments do not fit"),
    ],
)
async def test_what_cannot_be_called_is_said_and_not_called(call: Any, words: str) -> None:
    tools = FakeTools((tool("crm.search", input_schema=FORM),))
    played = await run({"answer": calls(call), "answer.2": "x"}, tools)
    ((content, is_error),) = told(played, 2)
    assert words in content
    assert is_error
    assert tools.calls == []
    step = played.steps["main/ana/1/answer/tool.1"]
    assert (step.tool, step.prompt, step.tries) == (*call, 0)
    assert step.output["outcome"] == "not_called"
    assert played.outcome.usage.tool_calls == 0


async def test_an_error_of_the_tool_is_a_finished_step_that_the_agent_reads() -> None:
    tools = FakeTools((SEARCH,), {"crm.search": ToolResult("No such customer.", True, "error")})
    played = await run({"answer": calls(("crm.search", {})), "answer.2": "I do not know."}, tools)
    assert told(played, 2) == [("No such customer.", True)]
    assert played.result == "I do not know."
    assert played.outcome.status == "completed"


async def test_a_tool_that_hangs_is_given_up_after_its_time() -> None:
    async def hang() -> str:
        await asyncio.sleep(3600)
        return ""

    slow: OfferedTool = replace(SEARCH, timeout_seconds=0.01)
    tools = FakeTools((slow,), {"crm.search": lambda _: hang()})
    played = await run({"answer": calls(("crm.search", {})), "answer.2": "x"}, tools)
    assert told(played, 2) == [("crm.search gave no answer within 0.01 seconds.", True)]


async def test_a_library_that_cancels_itself_is_a_broken_call() -> None:
    tools = FakeTools((SEARCH,), {"crm.search": asyncio.CancelledError()})
    played = await run({"answer": calls(("crm.search", {})), "answer.2": "x"}, tools)
    assert told(played, 2) == [("The call of crm.search was broken off.", True)]


async def test_long_answers_are_cut_with_a_mark() -> None:
    tools = FakeTools((replace(SEARCH, most_result_characters=20),), {"crm.search": "x" * 50_000})
    played = await run({"answer": calls(("crm.search", {})), "answer.2": "x"}, tools)
    ((content, _),) = told(played, 2)
    assert content == "x" * 20 + "\n[cut: 20 of 50,000 characters]"
    assert played.steps["main/ana/1/answer/tool.1"].output["bytes"] == 50_000


async def test_secrets_in_answers_are_masked() -> None:
    tools = FakeTools((SEARCH,), {"crm.search": "The key is s3cret."})

    def mask(text: str) -> str:
        return text.replace("s3cret", "(secret)")

    played = await run({"answer": calls(("crm.search", {})), "answer.2": "x"}, tools, mask=mask)
    assert told(played, 2) == [("The key is (secret).", False)]
    assert "s3cret" not in str(played.steps)


async def test_a_tool_that_is_gone_fails_the_agent_with_a_sentence() -> None:
    tools = FakeTools(())
    document = design(block("sequential", agent("ana", tools=["crm.search"])))
    played = await play(document, tools=tools)
    assert played.outcome.status == "failed"
    assert "The tool crm.search is not offered any more." in played.error


async def test_a_limit_of_the_run_is_no_failure_of_a_call() -> None:
    limited = Limits(model_calls=1)
    played = await run({"answer": calls(("crm.search", {}))}, FakeTools((SEARCH,)), limits=limited)
    assert played.outcome.status == "failed"
    assert "limit of 1 model call" in played.error
