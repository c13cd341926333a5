"""The tools of a run: those of the installation, or none that is really called in a dry run."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from executor.engine.llm import offline
from executor.engine.tools import OfferedTool, ToolProvider, ToolResult
from executor.models import Execution

DRY = "This is a dry run: the tool was not called, and nothing is known of what it would answer."


class DryTools:
    """Tools of which the models are told, and that are never called."""

    def __init__(self, tools: ToolProvider) -> None:
        self._tools = tools

    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        return await self._tools.offered(names)

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        return ToolResult(DRY, False, "not_called")


class InstalledTools:
    """The tools of this installation; what calls them is imported with the first use."""

    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        return await _provider().offered(names)

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        return await _provider().call(
            tool, arguments, idempotency_key=idempotency_key, timeout=timeout
        )


@functools.cache
def _provider() -> ToolProvider:
    from executor.tool_connections.provider import Tools

    return Tools()


INSTALLED = InstalledTools()


def run_tools(execution: Execution) -> ToolProvider:
    tools = INSTALLED
    is_dry = execution.deployment_id is None and execution.model_override == offline.NAME
    return DryTools(tools) if is_dry else tools
