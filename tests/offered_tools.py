"""A provider that offers every tool that is named, and answers each call with the same text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from executor.engine.tools import OfferedTool, ToolResult


class AnyTools:
    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        schema = {"type": "object"}
        return {name: OfferedTool(name, f"The tool {name}.", schema) for name in names}

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        return ToolResult("Nothing was found.")
