"""Answers of the tests' model server that call tools, in three protocols."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from tests.model_server import (
    Answer,
    Exchange,
    _anthropic,
    _anthropic_events,
    _events,
    _google,
    _openai,
)


def calls_tools(
    *calls: tuple[str, Any],
    text: str = "",
    thoughts: str = "",
    signature: str = "signed",
    ids: Sequence[str] | None = None,
    tokens: tuple[int, int] = (10, 5),
) -> Answer:
    """Calls of tools in whichever of three protocols was spoken; arguments may be a text that is
    no JSON. The thoughts come with what the provider wants back of them.
    """
    names = ids or [f"call{number}" for number in range(len(calls))]

    def answer(exchange: Exchange) -> None:
        if exchange.is_google:
            exchange.send_google(_google_calls(calls, text, signature, tokens))
        elif exchange.is_anthropic:
            message = _anthropic(exchange.call.body["model"], text, tokens, "tool_use")
            message["content"] = _anthropic_calls(calls, names, text, thoughts, signature)
            exchange.send_either(message, _anthropic_call_events(message))
        else:
            message = _openai(exchange.call.body["model"], text, tokens, "tool_calls")
            message["choices"][0]["message"] |= _openai_calls(calls, names, thoughts)
            exchange.send_either(message, _openai_call_events(message))

    return answer


def _openai_calls(
    calls: Sequence[tuple[str, Any]], ids: Sequence[str], thoughts: str
) -> dict[str, Any]:
    made = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": _text(given)}}
        for (name, given), call_id in zip(calls, ids, strict=True)
    ]
    return {"tool_calls": made, **({"reasoning_content": thoughts} if thoughts else {})}


def _openai_call_events(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Each call in three pieces: its head, and its arguments in two."""
    plain = _events(message)
    (choice,) = message["choices"]
    shell, found = {**plain[0], "choices": []}, []
    for index, call in enumerate(choice["message"]["tool_calls"]):
        function, arguments = call["function"], call["function"]["arguments"]
        half = len(arguments) // 2
        head = {**call, "index": index, "function": {**function, "arguments": ""}}
        rest = [
            {"index": index, "function": {"arguments": piece}}
            for piece in (arguments[:half], arguments[half:])
        ]
        found += [{"tool_calls": [piece]} for piece in (head, *rest)]
    if "reasoning_content" in choice["message"]:
        found.insert(0, {"reasoning_content": choice["message"]["reasoning_content"]})
    pieces = [{**shell, "choices": [{"index": 0, "delta": one}]} for one in found]
    return [*plain[:-2], *pieces, *plain[-2:]]


def _anthropic_calls(
    calls: Sequence[tuple[str, Any]], ids: Sequence[str], text: str, thoughts: str, signature: str
) -> list[dict[str, Any]]:
    thought = {"type": "thinking", "thinking": thoughts, "signature": signature}
    said = {"type": "text", "text": text}
    made = [
        {"type": "tool_use", "id": call_id, "name": name, "input": given}
        for (name, given), call_id in zip(calls, ids, strict=True)
    ]
    return [*([thought] if thoughts else []), *([said] if text else []), *made]


def _anthropic_call_events(message: dict[str, Any]) -> list[dict[str, Any]]:
    start, *_, delta, stop = _anthropic_events({**message, "content": [{"text": ""}]})
    found = []
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        if kind == "tool_use":
            empty = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        elif kind == "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        else:
            empty = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": block["text"]}]
        found.append({"type": "content_block_start", "index": index, "content_block": empty})
        found += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        found.append({"type": "content_block_stop", "index": index})
    return [start, *found, delta, stop]


def _google_calls(
    calls: Sequence[tuple[str, Any]], text: str, signature: str, tokens: tuple[int, int]
) -> dict[str, Any]:
    signed = base64.b64encode(signature.encode()).decode()
    made: list[dict[str, Any]] = [{"text": text}] if text else []
    for number, (name, given) in enumerate(calls):
        call: dict[str, Any] = {"functionCall": {"name": name, "args": given}}
        made.append(call if number else {**call, "thoughtSignature": signed})
    return _google(made, tokens)


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)
