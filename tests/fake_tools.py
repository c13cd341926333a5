"""Tools of the tests' own, which do what a test wrote for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.engine.tools import OfferedTool, ToolResult, ToolsMissing

# A text, a result, an error, or a function of the arguments.
Does = Any
OPEN = {"type": "object"}


def tool(name: str, effect: Any = "read", **more: Any) -> OfferedTool:
    usual: dict[str, Any] = {"description": f"Does {name}.", "input_schema": OPEN, **more}
    return OfferedTool(name, effect=effect, **usual)


@dataclass
class Called:
    name: str
    arguments: dict[str, Any]
    key: str


@dataclass
class FakeTools:
    """`does` has by tool what comes of a call, `calls` what was called, `most_busy` how many at
    once.
    """

    tools: Sequence[OfferedTool]
    does: Mapping[str, Does] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    asked: int = 0
    busy: int = 0
    most_busy: int = 0

    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        self.asked += 1
        await asyncio.sleep(0)
        known = {one.name: one for one in self.tools}
        if missing := [name for name in names if name not in known]:
            raise ToolsMissing(f"The tool {missing[0]} is not offered any more.")
        return {name: known[name] for name in names}

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        self.calls.append(Called(tool.name, arguments, idempotency_key))
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            found = self.does.get(tool.name, f"{tool.name} is done.")
            if isinstance(found, list):
                made = sum(call.name == tool.name for call in self.calls)
                found = found[min(made, len(found)) - 1]
            if isinstance(found, Callable):  # type: ignore[arg-type]
                found = found(arguments)
            if asyncio.iscoroutine(found):
                found = await found
        finally:
            self.busy -= 1
        if isinstance(found, BaseException):
            raise found
        return found if isinstance(found, ToolResult) else ToolResult(str(found))

    def count(self, name: str) -> int:
        return sum(call.name == name for call in self.calls)
