"""Models and servers that call no tools, and what the stand-in calls."""

from __future__ import annotations

import pytest

from designs.patterns.base import Part
from executor.engine.llm.base import ModelError
from executor.engine.llm.offline import StandIn
from executor.engine.llm.tool_use import ToolSpec, ToolUse, Turn
from executor.engine.llm.workarounds import Lack
from tests.executor.engine.llm.conftest import asking_for
from tests.executor.engine.llm.test_tool_calls import MAIL, OBJECT, SEARCH, VERDICT, at, first
from tests.model_server import ModelServer, fails
from tests.tool_server import calls_tools


async def test_a_model_without_tool_calls_is_not_asked(server: ModelServer) -> None:
    model = at(server, "openai_compatible", lacks=frozenset({Lack.TOOLS}))
    with pytest.raises(ModelError) as caught:
        await first(model)
    assert "calls no tools" in caught.value.message
    assert server.calls == []


async def test_a_server_that_refuses_tools_says_what_to_do(server: ModelServer) -> None:
    server.usual = fails(400, "registry/gemma does not support tools")
    with pytest.raises(ModelError) as caught:
        await first(at(server, "ollama"))
    assert "name another one" in caught.value.message


async def test_a_server_that_cannot_be_forced_is_asked_without_force(server: ModelServer) -> None:
    server.then(fails(400, "tool_choice is not supported"))
    server.then(calls_tools(("final_answer", {"ok": True})))
    assert (await first(at(server, "openai_compatible"), schema=VERDICT)).value == {"ok": True}
    assert "tool_choice" not in server.calls[-1].body


async def test_the_stand_in_reads_once_with_each_tool_about_the_task() -> None:
    news = ToolSpec("web.news", "web__news", "Reads today's headlines.", OBJECT)
    parts = (Part("Task", "Find the customer Ada."),)
    use = ToolUse((SEARCH, MAIL, news))
    answer = await StandIn().complete(asking_for(parts=parts, tool_use=use))
    assert [call.name for call in answer.calls] == ["crm.search"]
    assert isinstance(answer.calls[0].arguments, dict)
    assert isinstance(answer.calls[0].arguments["q"], str)
    turn = Turn("offline:stand-in", "", answer.calls, [("Ada lives in Paris.", False)])
    again = await StandIn().complete(asking_for(parts=parts, tool_use=ToolUse(use.tools, (turn,))))
    assert again.calls == ()
    assert "Paris" in again.text


async def test_the_stand_in_calls_nothing_that_does_more_than_read() -> None:
    use = ToolUse((MAIL,))
    parts = (Part("Task", "Send a mail."),)
    answer = await StandIn().complete(asking_for(parts=parts, tool_use=use, schema=VERDICT))
    assert answer.calls == ()
    assert set(answer.value) == {"ok"}
