"""The stand-in's use of tools: it reads, once with each tool that is about the task."""

from __future__ import annotations

from dataclasses import replace

from designs.patterns.base import Part
from executor.engine.json_text import json_text
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.invention import invent
from executor.engine.llm.structured import SchemaUnusable, problems
from executor.engine.llm.tool_use import ToolCall, ToolSpec, ToolUse
from executor.engine.llm.wording import stems


def wanted_calls(request: ModelRequest, use: ToolUse) -> tuple[ToolCall, ...]:
    """A call of each tool that only reads and shares a word with the task, with invented
    arguments; none after the first turn.
    """
    if use.turns or not use.may_call:
        return ()
    said = set(stems(" ".join(json_text(part.value) for part in request.parts)))
    calls: list[ToolCall] = []
    for tool in use.tools:
        about = stems(f"{tool.name.replace('.', ' ').replace('_', ' ')} {tool.description}")
        if tool.effect == "read" and said & set(about):
            arguments = _arguments(tool, request)
            if arguments is not None:
                calls.append(ToolCall(f"call{len(calls)}", tool.name, arguments))
    return tuple(calls)


def _arguments(tool: ToolSpec, request: ModelRequest) -> dict[str, object] | None:
    """None if nothing that fits can be made up."""
    value = invent(tool.schema, request)
    try:
        fits = isinstance(value, dict) and not problems(value, tool.schema)
    except SchemaUnusable:
        return None
    return value if fits else None


def with_results(request: ModelRequest, use: ToolUse) -> ModelRequest:
    """The request with what the tools answered as further material."""
    found = [
        Part(f"Answer of {call.name}", content)
        for turn in use.turns
        for call, (content, is_error) in zip(turn.calls, turn.results, strict=True)
        if not is_error
    ]
    return replace(request, parts=(*request.parts, *found), tool_use=None)
