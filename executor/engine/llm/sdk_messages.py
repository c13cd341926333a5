"""A conversation with tools as messages of the SDKs of Anthropic and Google."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as SdkRequest
from pydantic_ai.tools import ToolDefinition

from executor.engine.llm.tool_use import (
    ToolSpec,
    ToolUse,
    Turn,
    ids_are_unique,
    own_id,
    sent_arguments,
    wire_of,
)


def turn_messages(use: ToolUse, model: str) -> list[ModelMessage]:
    """The turns so far and the remarks. A message with its thoughts goes back only to the model
    that wrote it; for any other it is built again from its text and calls.
    """
    keeps_ids = ids_are_unique(use.turns)
    messages: list[ModelMessage] = []
    for number, turn in enumerate(use.turns):
        response = _own(turn) if turn.model == model and keeps_ids else None
        if response is None:
            response = _built(turn, number, use)
        calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
        returns = [
            ToolReturnPart(
                tool_name=call.tool_name,
                content=content,
                tool_call_id=call.tool_call_id,
                outcome="failed" if is_error else "success",
            )
            for call, (content, is_error) in zip(calls, turn.results, strict=True)
        ]
        messages += [response, SdkRequest(parts=returns)]
    if use.remarks:
        messages.append(SdkRequest(parts=[UserPromptPart(content=one) for one in use.remarks]))
    return messages


def _own(turn: Turn) -> ModelResponse | None:
    """The provider's own message; None if it is not there or not whole."""
    if turn.said is None:
        return None
    try:
        (message,) = ModelMessagesTypeAdapter.validate_python([turn.said])
    except ValidationError:
        return None
    if not isinstance(message, ModelResponse):
        return None
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    return message if len(calls) == len(turn.calls) else None


def _built(turn: Turn, number: int, use: ToolUse) -> ModelResponse:
    parts: list[Any] = [TextPart(content=turn.text)] if turn.text.strip() else []
    for place, call in enumerate(turn.calls):
        name, call_id = wire_of(call, use.tools), own_id(number, place)
        parts.append(ToolCallPart(tool_name=name, args=sent_arguments(call), tool_call_id=call_id))
    return ModelResponse(parts=parts)


def said(response: ModelResponse) -> Any:
    """The message as JSON, as `Turn.said` keeps it."""
    return ModelMessagesTypeAdapter.dump_python([response], mode="json")[0]


def definitions(tools: Sequence[ToolSpec]) -> list[ToolDefinition]:
    return [
        ToolDefinition(
            name=tool.wire, description=tool.description, parameters_json_schema=tool.schema
        )
        for tool in tools
    ]
