"""OpenAI's chat protocol, as OpenAI and servers that are nearly compatible speak it."""

from __future__ import annotations

from typing import Any

from executor.engine.llm.reply import MAX_TEXT, Reply
from executor.engine.llm.server_errors import (
    AnswerUnreadable,
    ServerRefused,
    error_in,
    words_in,
)

_PATHS = ("/chat/completions", "/completions", "/chat")
# Where servers put the thoughts of a model.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_KEPT_THOUGHTS = ("reasoning_content", "reasoning_details")


def chat_address(base_url: str) -> str:
    """The address for requests, also of a base address that was pasted with the path."""
    return f"{without_path(base_url)}/chat/completions"


def without_path(base_url: str) -> str:
    url = base_url.rstrip("/")
    for path in _PATHS:
        url = url.removesuffix(path).rstrip("/")
    return url


def take(reply: Reply, value: Any) -> None:
    """Add a whole answer or an event of a stream. Raises ServerRefused for an error, and
    AnswerUnreadable.
    """
    if not isinstance(value, dict):
        raise AnswerUnreadable
    if (refusal := error_in(value)) is not None:
        raise ServerRefused(refusal)
    reply.add_usage(value.get("usage"))
    if isinstance(groq := value.get("x_groq"), dict):
        reply.add_usage(groq.get("usage"))
    choices = value.get("choices")
    if choices is None or choices == []:
        reply.complaint = reply.complaint or words_in(value)
        return
    choice = choices[0] if isinstance(choices, list) else choices
    if not isinstance(choice, dict):
        raise AnswerUnreadable
    if (refusal := error_in(choice)) is not None:
        raise ServerRefused(refusal)
    # Some servers put the usage here.
    reply.add_usage(choice.get("usage"))
    if reply.is_of(choice.get("index")):
        _take_choice(reply, choice)


def _take_choice(reply: Reply, choice: dict[str, Any]) -> None:
    message = choice.get("message")
    if reply.has_text and choice.get("delta") is not None:
        # Some servers repeat the whole text so far along with each delta.
        message = None
    content = choice.get("delta") or message or {}
    if isinstance(content, str):
        content = {"content": content}
    if not isinstance(content, dict):
        raise AnswerUnreadable
    if content or "text" in choice:
        reply.has_choice = True
    if "message" in choice and choice.get("delta") is None:
        # A message is complete, with or without a finish reason.
        reply.is_ended = True
    text = content.get("content")
    reply.add_text(choice.get("text") if text is None else text)
    reply.add_refusal(content.get("refusal"))
    reply.has_thought = reply.has_thought or any(map(content.get, _THOUGHTS))
    _take_thoughts(reply, content)
    calls = content.get("tool_calls")
    for place, call in enumerate(calls if isinstance(calls, list) else ()):
        _take_call(reply, call, place)
    _take_call(reply, {"index": -1, "function": content.get("function_call")}, -1)
    if reason := choice.get("finish_reason"):
        reply.has_choice = True
        reply.add_reason(reason)


def _take_call(reply: Reply, call: Any, place: int) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return
    arguments = function.get("arguments")
    key = call.get("index", place)
    draft = reply.add_call(key, call.get("id"), function.get("name"), arguments)
    if draft is not None and call.get("extra_content") is not None:
        # Signatures of thoughts, which have to come back with the call.
        draft.extra = call["extra_content"]


def _take_thoughts(reply: Reply, content: dict[str, Any]) -> None:
    """Keep the thoughts that a server wants back with the calls that followed them."""
    for key in _KEPT_THOUGHTS:
        piece: Any = content.get(key)
        if not piece or type(piece) not in (str, list):
            continue
        kept = reply.said if isinstance(reply.said, dict) else {}
        before: Any = kept.get(key)
        kept[key] = piece if type(before) is not type(piece) else before + piece
        reply.said = kept if len(kept[key]) <= MAX_TEXT else None
