"""Each pattern with agents that call tools, also where it wants answers by a schema."""

from __future__ import annotations

from typing import Any

import pytest

from executor.engine.llm.base import ErrorKind, ModelError, ModelRequest
from executor.engine.llm.tool_use import FINAL_ANSWER
from tests.designs.random_designs import Anything
from tests.fake_tools import FakeTools, tool
from tests.scripted import agent, block, calls, design, play, tries

SEARCH = tool("crm.search")


def tooled(name: str, role: str = "worker") -> dict[str, Any]:
    return agent(name, role, tools=["crm.search"])


class Curious(Anything):
    """Each question is answered after one call of the tool; by `final_answer` where there is a
    schema. `structured` are the purposes of those.
    """

    def __init__(self) -> None:
        super().__init__(7)
        self.structured: set[str] = set()

    def _answer(self, request: ModelRequest) -> Any:
        use = request.tool_use
        assert use is not None
        if not use.turns:
            return calls(("crm.search", {"about": request.purpose}))
        assert use.turns[0].results == [("crm.search is done.", False)]
        if request.schema is None:
            return f"{request.purpose} by {request.agent_name}"
        assert FINAL_ANSWER in [one.name for one in request.offered()]
        self.structured.add(request.purpose)
        return calls((FINAL_ANSWER, self._value(request.schema)))


TEAM = (tooled("ana"), tooled("ben"))
CASES = {
    "sequential": (block("sequential", *TEAM), set()),
    "parallel": (block("parallel", *TEAM, tooled("cem", "moderator")), set()),
    "hierarchical": (block("hierarchical", tooled("boss", "manager"), *TEAM), {"plan"}),
    "routing": (
        block("routing", tooled("router", "moderator"), tooled("ana", "specialist"),
              tooled("ben", "specialist")),
        {"route"},
    ),
    "debate": (
        block("debate", *TEAM, tooled("head", "moderator"), settings={"rounds": 1}),
        {"verdict"},
    ),
    "reflection": (
        block("reflection", tooled("writer"), tooled("critic", "reflector")),
        {"critique"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(CASES))
async def test_a_pattern_whose_agents_search_before_each_answer(kind: str) -> None:
    part, structured = CASES[kind]
    script, tools = Curious(), FakeTools((SEARCH,))
    played = await play(design(part), script, tools=tools)
    assert played.outcome.status == "completed", played.outcome.error
    assert not any("tool" in reason for reason in played.outcome.degraded)
    assert structured <= script.structured
    # Each answer took two requests and a call; no equal one was made a third time.
    usage = played.outcome.usage
    made = [step for step in played.steps.values() if step.tool is not None]
    assert usage.model_calls == 2 * len(made)
    assert tools.count("crm.search") == usage.tool_calls == len(made)


@pytest.mark.parametrize("kind", list(CASES))
async def test_a_pattern_that_is_taken_up_asks_and_calls_nothing_again(kind: str) -> None:
    part, _ = CASES[kind]
    first = await play(design(part), Curious(), tools=FakeTools((SEARCH,)))
    tools = FakeTools((SEARCH,))
    again = await play(design(part), Curious(), tools=tools, steps=first.steps)
    assert (again.model.calls, tools.calls) == ([], [])
    assert again.result == first.result


async def test_an_answer_that_does_not_fit_is_corrected_after_the_turns() -> None:
    script = {
        "route": calls(("crm.search", {})),
        "route.2": tries(
            calls((FINAL_ANSWER, {"route": "nobody"})),
            calls((FINAL_ANSWER, {"reason": "Hers.", "route": "ana"})),
        ),
        "answer": "Done.",
    }
    played = await play(design(CASES["routing"][0]), script, tools=FakeTools((SEARCH,)))
    assert played.outcome.status == "completed", played.outcome.error
    request = played.model.requests["main/router/1/route.2"]
    assert request.tool_use is not None
    assert "does not fit" in request.tool_use.remarks[-1]
    assert "nobody" in request.tool_use.remarks[0]


async def test_a_final_answer_beside_calls_is_asked_for_again() -> None:
    answer = {"reason": "Hers.", "route": "ana"}
    script = {
        "route": calls(("crm.search", {}), (FINAL_ANSWER, answer)),
        "route.2": calls((FINAL_ANSWER, answer)),
        "answer": "Done.",
    }
    played = await play(design(CASES["routing"][0]), script, tools=FakeTools((SEARCH,)))
    step = played.steps["main/router/1/route/tool.2"]
    assert step.output["content"].startswith("Not taken as the answer")
    assert played.outcome.status == "completed"


async def test_a_fallback_between_turns_gets_the_conversation_so_far() -> None:
    down = ModelError(ErrorKind.REQUEST, "it is gone.")
    part = block("sequential", {**tooled("ana"), "model": ["one:model", "two:model"]})
    script = {"answer": calls(("crm.search", {})), "answer.2": tries(down, "Done.")}
    played = await play(design(part), script, tools=FakeTools((SEARCH,)))
    assert played.result == "Done."
    use = played.model.requests["main/ana/1/answer.2"].tool_use
    assert use is not None
    assert [list(turn.results) for turn in use.turns] == [[("crm.search is done.", False)]]
    assert played.outcome.usage.tool_calls == 1
