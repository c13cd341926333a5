"""Runs of an agent with tools, with a model and tools that do what a test wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from executor.engine.llm import offline
from executor.models import Execution, ToolConnection
from executor.running import attempt
from executor.tool_connections import naming
from tests.fake_tools import FakeTools
from tests.performing import perform_execution
from tests.scripted import Scripted, agent, block, design


@dataclass
class ToolRuns:
    """`perform` runs a queued execution as a worker does; the row as it is then. Designs may name
    any tool.
    """

    queue: Callable[..., Execution]
    version_of: Callable[..., Any]
    patch: pytest.MonkeyPatch

    def start(self, script: dict[str, Any], tools: FakeTools, **fields: Any) -> Execution:
        self.play(script, tools)
        offer(tools)
        named = [tool.name for tool in tools.tools]
        document = design(block("sequential", agent("ana", tools=named)))
        return self.perform(self.queue(self.version_of(document), **fields))

    def play(self, script: dict[str, Any], tools: FakeTools) -> Scripted:
        """From now on, the model says this and the tools do that."""
        model = Scripted(script)

        async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
            return await model.complete(request, on_delta)

        self.patch.setattr(offline.StandIn, "complete", complete)
        self.patch.setattr(attempt, "run_tools", lambda execution: tools)
        return model

    def perform(self, execution: Execution) -> Execution:
        future = perform_execution(execution.pk)
        assert future is not None
        future.result(timeout=60)
        return Execution.objects.get(pk=execution.pk)


def offer(tools: FakeTools) -> None:
    """Rows of these tools, so that designs may name them."""
    for one in tools.tools:
        connection, _, name = one.name.partition(".")
        row, _ = ToolConnection.objects.get_or_create(
            name=connection, defaults={"url": f"https://{connection}.example/mcp"}
        )
        row.tools.update_or_create(name=name, defaults={"effect": one.effect, "is_offered": True})


@pytest.fixture
def tool_runs(
    queue: Callable[..., Execution],
    version_of: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> ToolRuns:
    monkeypatch.setattr(naming, "tool_problems", lambda document, caller=None: ())
    return ToolRuns(queue, version_of, monkeypatch)
