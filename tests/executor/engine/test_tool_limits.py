"""Limits of tools: turns, calls, equal calls, and the run's own; then an answer without tools."""

from __future__ import annotations

from typing import Any

from executor.engine.limits import Limits
from tests.fake_tools import FakeTools, tool
from tests.scripted import Played, agent, block, calls, design, play

SEARCH = tool("crm.search")
KEY = "main/ana/1/answer"


class Endless(dict[str, Any]):
    """A model that always has one more call, with other arguments each time."""

    def __init__(self, most: int = 1) -> None:
        super().__init__({"x": None})
        self.count = 0
        self.most = most

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return self._said

    def _said(self, request: Any) -> Any:
        if request.tool_use is None or not request.tool_use.may_call:
            return "As far as I know."
        made = []
        for _ in range(self.most):
            self.count += 1
            made.append(("crm.search", {"n": self.count}))
        return calls(*made)


async def run(script: Any, *, named: Any = "crm.search", **more: Any) -> tuple[Played, FakeTools]:
    tools = FakeTools((SEARCH,))
    limits = more.pop("tool_limits", {})
    document = design(block("sequential", agent("ana", tools=[named], tool_limits=limits)))
    return await play(document, script, tools=tools, **more), tools


def contents(played: Played) -> list[str]:
    """Of all calls, in their order."""
    steps = [step for step in played.steps.values() if step.tool is not None]
    steps.sort(key=lambda step: (len(step.key), step.key))
    return [step.output["content"] for step in steps]


async def test_after_its_turns_the_agent_answers_without_tools_and_the_run_is_degraded() -> None:
    played, tools = await run(Endless(), tool_limits={"turns": 3})
    assert played.result == "As far as I know."
    assert tools.count("crm.search") == 3
    assert played.outcome.usage.model_calls == 4
    assert played.outcome.degraded == ("ana could call no more tools: it used its 3 turns.",)
    last = played.model.requests[f"{KEY}.4"]
    assert last.offered() == []
    assert last.tool_use is not None
    assert last.tool_use.remarks == ("You can call no more tools. Answer now, with what there is.",)
    assert played.steps[f"{KEY}.4"].prompt["limit"]


async def test_calls_beyond_the_limit_are_not_made_and_the_next_request_is_the_last() -> None:
    played, tools = await run(Endless(5), tool_limits={"calls": 7})
    assert tools.count("crm.search") == 7
    assert contents(played)[-3:] == ["Not called: 7 tool calls may be made, and were."] * 3
    assert played.outcome.degraded == ("ana could call no more tools: it used its 7 tool calls.",)


async def test_the_limit_of_the_run_holds_over_all_its_agents() -> None:
    agents = [agent(name, tools=["crm.search"]) for name in ("ana", "ben", "cem")]
    document = design(block("parallel", *agents))
    tools = FakeTools((SEARCH,))
    played = await play(document, Endless(), tools=tools, limits=Limits(tool_calls=5))
    assert tools.count("crm.search") == 5
    assert played.outcome.status == "completed"
    assert played.outcome.usage.tool_calls == 5
    assert len(played.outcome.degraded) == 3
    assert "the run has made its 5 tool calls" in played.outcome.degraded[0]


async def test_a_run_that_replays_keeps_its_reasons() -> None:
    played, _ = await run(Endless(), tool_limits={"turns": 3})
    again, tools = await run({}, tool_limits={"turns": 3}, steps=played.steps)
    assert again.model.calls == []
    assert tools.calls == []
    # Not even the list of tools is read.
    assert tools.asked == 0
    assert again.outcome.degraded == played.outcome.degraded
    assert again.outcome.usage == played.outcome.usage


async def test_the_third_equal_call_is_not_made_and_the_model_is_told() -> None:
    equal = ("crm.search", {"a": 1, "b": 2})
    other = ("crm.search", {"b": 2, "a": 1})
    script = {"answer": calls(equal, other, equal), "answer.2": calls(equal), "answer.3": "Done."}
    played, tools = await run(script)
    assert tools.count("crm.search") == 2
    earlier = "Not called again: this call was made before, and gave:\ncrm.search is done."
    assert contents(played)[2:] == [earlier, earlier]
    assert played.result == "Done."
    assert played.outcome.degraded == ()


async def test_a_tool_has_a_limit_of_its_own() -> None:
    named = {"name": "crm.search", "most_calls": 2}
    made = [("crm.search", {"n": number}) for number in range(3)]
    played, tools = await run({"answer": calls(*made), "answer.2": "Done."}, named=named)
    assert tools.count("crm.search") == 2
    assert contents(played)[2] == "Not called: crm.search may be called 2 times, and was."
    assert played.outcome.degraded == ()


async def test_an_agent_without_calls_left_in_the_run_is_asked_without_tools_at_once() -> None:
    played, tools = await run(Endless(), limits=Limits(tool_calls=0))
    assert tools.calls == []
    assert played.result == "As far as I know."
    assert "its 0 tool calls" in played.outcome.degraded[0]
