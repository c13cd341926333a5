"""A conversation with tools as messages of OpenAI's chat protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from executor.engine.json_text import json_text
from executor.engine.llm.tool_use import (
    ToolSpec,
    ToolUse,
    Turn,
    ids_are_unique,
    own_id,
    sent_arguments,
    wire_of,
)

Message = dict[str, Any]


def turn_messages(use: ToolUse, model: str) -> list[Message]:
    """The turns so far and the remarks. Thoughts go back only to the model that had them."""
    keeps_ids = ids_are_unique(use.turns)
    messages: list[Message] = []
    for number, turn in enumerate(use.turns):
        messages += _turn(turn, number, use, is_own=turn.model == model, keeps_ids=keeps_ids)
    return [*messages, *({"role": "user", "content": remark} for remark in use.remarks)]


def _turn(
    turn: Turn, number: int, use: ToolUse, *, is_own: bool, keeps_ids: bool
) -> Iterator[Message]:
    kept = turn.said if is_own and isinstance(turn.said, dict) else {}
    extras = kept.get("extras") or [None] * len(turn.calls)
    ids = [
        call.id if is_own and keeps_ids else own_id(number, place)
        for place, call in enumerate(turn.calls)
    ]
    calls = []
    for call, call_id, extra in zip(turn.calls, ids, extras, strict=True):
        function = {"name": wire_of(call, use.tools), "arguments": json_text(sent_arguments(call))}
        sent: Message = {"id": call_id, "type": "function", "function": function}
        calls.append(sent if extra is None else {**sent, "extra_content": extra})
    thoughts = kept.get("thoughts") or {}
    yield {"role": "assistant", "content": turn.text or None, "tool_calls": calls, **thoughts}
    for call_id, (content, _) in zip(ids, turn.results, strict=True):
        yield {"role": "tool", "tool_call_id": call_id, "content": content}


def tool_fields(offered: list[ToolSpec], *, forces_call: bool) -> Message:
    """The fields of a request that offer the tools; none without tools."""
    if not offered:
        return {}
    functions = [
        {"name": tool.wire, "description": tool.description, "parameters": tool.schema}
        for tool in offered
    ]
    fields: Message = {"tools": [{"type": "function", "function": one} for one in functions]}
    return {**fields, "tool_choice": "required"} if forces_call else fields
