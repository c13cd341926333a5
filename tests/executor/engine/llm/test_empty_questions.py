"""Empty messages, which servers refuse, are never sent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from designs.patterns.base import Part
from executor.engine.llm.providers import ProviderModel
from tests.executor.engine.llm.conftest import asking_for
from tests.model_server import ModelServer


@pytest.mark.parametrize("parts", [[], [Part("Task", "")], [Part("Task", " \n")]])
async def test_an_agent_without_a_task_is_asked_to_follow_its_instructions(
    model: ProviderModel, server: ModelServer, parts: Sequence[Part]
) -> None:
    assert (await model.complete(asking_for(parts=parts))).text == "Hello."
    assert server.calls[0].prompt == "Do what your instructions say."


@pytest.mark.parametrize("system", ["", " \n"])
async def test_without_instructions_there_is_no_system_message(
    model: ProviderModel, server: ModelServer, system: str
) -> None:
    assert (await model.complete(asking_for(system=system))).text == "Hello."
    body = server.calls[0].body
    assert "system" not in body
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert server.calls[0].prompt == "Say hello."
