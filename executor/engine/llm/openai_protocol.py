"""The chat protocol of OpenAI, as OpenAI and all who are nearly OpenAI speak it."""

from __future__ import annotations

from typing import Any

from executor.engine.llm.reply import Reply
from executor.engine.llm.server_errors import (
    AnswerUnreadable,
    ServerRefused,
    error_in,
    words_in,
)

_PATHS = ("/chat/completions", "/completions", "/chat")
# Where servers put what a model thinks beside what it says.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


def chat_address(base_url: str) -> str:
    """Where questions go; of an address that was pasted with the path, the path counts once."""
    return f"{without_path(base_url)}/chat/completions"


def without_path(base_url: str) -> str:
    """The base address, without the path of a single kind of call."""
    url = base_url.rstrip("/")
    for path in _PATHS:
        url = url.removesuffix(path).rstrip("/")
    return url


def question(model: str, system: str, user: str, *, has_system_role: bool) -> dict[str, Any]:
    """The body of a request. Without a system role its words come first in the user's message."""
    if not has_system_role or not system.strip():
        text = "\n\n".join(filter(str.strip, (system, user)))
        return {"model": model, "messages": [{"role": "user", "content": text}]}
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return {"model": model, "messages": messages}


def with_schema(body: dict[str, Any], schema: dict[str, Any], *, is_ollama: bool) -> None:
    """Ask for JSON that fits."""
    form: dict[str, Any] = {"name": "answer", "schema": schema}
    if not is_ollama:
        # OpenAI's strict mode takes a few schemas only.
        form["strict"] = False
    body["response_format"] = {"type": "json_schema", "json_schema": form}


def take(reply: Reply, value: Any) -> None:
    """Add a whole answer, or an event of a stream.

    Raises ServerRefused for an error, and AnswerUnreadable. Only what is needed is read: text, why
    it ended, tokens.
    """
    if not isinstance(value, dict):
        raise AnswerUnreadable
    if (refusal := error_in(value)) is not None:
        raise ServerRefused(refusal)
    reply.add_usage(value.get("usage"))
    reply.add_usage(_inner(value, "x_groq", "usage"))
    choices = value.get("choices")
    if choices is None or choices == []:
        reply.complaint = reply.complaint or words_in(value)
        return
    choice = choices[0] if isinstance(choices, list) else choices
    if not isinstance(choice, dict):
        raise AnswerUnreadable
    if (refusal := error_in(choice)) is not None:
        raise ServerRefused(refusal)
    # Some servers tell the tokens here.
    reply.add_usage(choice.get("usage"))
    if reply.is_of(choice.get("index")):
        _take_choice(reply, choice)


def _inner(value: dict[str, Any], *names: str) -> Any:
    found: Any = value
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _take_choice(reply: Reply, choice: dict[str, Any]) -> None:
    said = _said(reply, choice)
    if said or "text" in choice:
        reply.has_choice = True
    if "message" in choice and choice.get("delta") is None:
        # A message comes whole, whether it is said why it ended or not.
        reply.is_ended = True
    content = said.get("content")
    reply.add_text(choice.get("text") if content is None else content)
    reply.add_refusal(said.get("refusal"))
    reply.has_thought = reply.has_thought or any(map(said.get, _THOUGHTS))
    calls = said.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        _take_tool(reply, call.get("function") if isinstance(call, dict) else None)
    _take_tool(reply, said.get("function_call"))
    if reason := choice.get("finish_reason"):
        reply.has_choice = True
        reply.add_reason(reason)


def _said(reply: Reply, choice: dict[str, Any]) -> dict[str, Any]:
    """What is new in a choice. Some servers repeat all that was said beside each delta."""
    message = None if reply.has_text and choice.get("delta") is not None else choice.get("message")
    said = choice.get("delta") or message or {}
    if isinstance(said, str):
        return {"content": said}
    if not isinstance(said, dict):
        raise AnswerUnreadable
    return said


def _take_tool(reply: Reply, function: Any) -> None:
    if isinstance(function, dict):
        reply.add_tool(function.get("name"))
