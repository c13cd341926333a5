"""Turns a server's reply into the engine's answer: masked, checked, with its cost, or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from executor.engine.json_text import json_text, storable
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.reply import Reply
from executor.engine.llm.schemas import unwrapped, wrapped
from executor.engine.llm.structured import parsed_value
from executor.engine.llm.tool_use import FINAL_ANSWER, ToolCall, named

# Longer texts are masked and parsed in a thread.
MAX_CHARACTERS_ON_LOOP = 32_768


async def answer_of(
    reply: Reply,
    request: ModelRequest,
    *,
    name: str,
    mask: Callable[[str], str],
    cost_usd: Decimal | None,
) -> ModelAnswer:
    """The answer to the request. Raises ModelError, with the answer as `spent`."""
    if len(reply.text) <= MAX_CHARACTERS_ON_LOOP:
        return _answer(reply, request, name, mask, cost_usd)
    return await asyncio.to_thread(_answer, reply, request, name, mask, cost_usd)


def _answer(
    reply: Reply,
    request: ModelRequest,
    name: str,
    mask: Callable[[str], str],
    cost_usd: Decimal | None,
) -> ModelAnswer:
    answer = ModelAnswer(
        text=mask(storable(reply.text)),
        model=name,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        cost_usd=cost_usd,
        finish_reason=reply.finish_reason,
        has_usage=reply.has_usage,
    )
    calls = _calls(reply, request, mask) if request.tool_use is not None else ()
    _refuse_unusable(answer, reply, mask, has_calls=bool(calls))
    if calls and not is_final(calls, request):
        return replace(answer, calls=calls, said=reply.said)
    if calls:
        # The structured answer, which is then read as if it had been said.
        answer = replace(answer, text=mask(storable(json_text(calls[0].arguments))))
    if request.schema is None:
        return answer
    if reply.finish_reason == "length":
        raise ModelError(ErrorKind.CONTENT, "it was cut off; be shorter.", spent=answer)
    value: Any = parsed_value(answer, wrapped(request.schema))
    return replace(answer, value=unwrapped(value, request.schema))


def _calls(reply: Reply, request: ModelRequest, mask: Callable[[str], str]) -> tuple[ToolCall, ...]:
    """As they are recorded, so that a run that is taken up makes the same calls."""
    found = named(reply.calls, request.offered())
    if request.tool_use is not None and not request.tool_use.may_call:
        found = tuple(call for call in found if call.name == FINAL_ANSWER)[:1]
    return tuple(
        ToolCall(call.id, mask(call.name), _cleaned(call.arguments, mask)) for call in found
    )


def _cleaned(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(storable(value))
    if isinstance(value, dict):
        return {_cleaned(key, mask): _cleaned(item, mask) for key, item in value.items()}
    return [_cleaned(item, mask) for item in value] if isinstance(value, list) else value


def is_final(calls: Sequence[ToolCall], request: ModelRequest) -> bool:
    """Whether the model gave the structured answer that it was asked for, and called nothing."""
    return request.schema is not None and [call.name for call in calls] == [FINAL_ANSWER]


def _refuse_unusable(
    answer: ModelAnswer, reply: Reply, mask: Callable[[str], str], *, has_calls: bool
) -> None:
    """Raises ModelError for an answer that is empty or was stopped."""
    name, is_empty = answer.model, not answer.text.strip() and not has_calls
    kind = ErrorKind.CONTENT
    if is_empty and reply.refusal:
        kind = ErrorKind.REQUEST
        sentence = f"{name}: the model refused: {mask(storable(reply.refusal))}"
    elif reply.finish_reason == "content_filter":
        kind = ErrorKind.REQUEST
        sentence = f"{name}: the provider's content filter stopped the answer."
    elif reply.finish_reason == "error":
        kind = ErrorKind.TRANSIENT
        sentence = f"{name}: the server broke the answer off with an error."
    elif not is_empty:
        return
    elif reply.tools:
        tools = ", ".join(map(storable, reply.tools))
        sentence = f"{name} called a tool ({tools}) instead of answering."
    elif reply.finish_reason == "length":
        spent = f"{answer.output_tokens:,} tokens" if answer.output_tokens else "tokens"
        sentence = (
            f"{name} spent its {spent} before it said anything: it was cut off at its limit. "
            "Let it say more, or name a model that thinks less."
        )
    elif reply.has_thought:
        sentence = f"{name} thought, and then said nothing."
    else:
        sentence = f"the answer of {name} is empty."
    raise ModelError(kind, sentence, spent=answer)
