"""Results made of what servers answered, and what an answer says about its server."""

from __future__ import annotations

import codecs
from typing import Any

import httpx2

from executor.engine.llm.base import ErrorKind
from executor.engine.tools import ToolResult
from executor.tool_connections.mcp_client import Answer
from executor.tool_connections.results import failed, named, text_of_parts, told
from executor.tool_connections.transport import Watch

# A result, and how its server failed, for the breaker; None if it works.
Judged = tuple[ToolResult, ErrorKind | None]

ASKS = (
    "This tool asks for more input in the middle of a call. That cannot be given here: call it "
    "with all it needs, or use another tool."
)


def of_mcp(answer: Answer, watch: Watch, most: int) -> Judged:
    if answer.asks:
        return failed(ASKS, size=watch.read), None
    text = text_of_parts(answer.parts, answer.structured)
    outcome: Any = "error" if answer.is_error else "done"
    result = told(text, most=most, outcome=outcome, is_error=answer.is_error, size=watch.read)
    return result, None


def of_mcp_error(error: Exception, watch: Watch, most: int) -> Judged:
    status = watch.http_status or 200
    if status >= 400:
        sentence = f"The server answered with the status {status}: {error}."
    else:
        sentence = f"The server answered with an error: {error}"
    return failed(sentence, size=watch.read, most=most), failure_of(status)


def of_rule(sentence: str, watch: Watch) -> Judged:
    text = f"Nothing of the answer can be used: {sentence}."
    return failed(text, size=watch.read), failure_of(watch.http_status or 200)


def of_http(reply: httpx2.Response, most: int) -> Judged:
    size = len(reply.content)
    text = _text_of(reply)
    if reply.is_success:
        return told(text or "(no content)", most=most, size=size), None
    reason = f" {reply.reason_phrase}" if reply.reason_phrase else ""
    sentence = f"The server answered with the status {reply.status_code}{reason}.\n{text}".strip()
    result = told(sentence, most=most, outcome="error", is_error=True, size=size)
    return result, failure_of(reply.status_code)


def failure_of(status: int) -> ErrorKind | None:
    if status == 401:
        return ErrorKind.CREDENTIAL
    return ErrorKind.TRANSIENT if status >= 500 else None


def _text_of(reply: httpx2.Response) -> str:
    media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_text = media_type.startswith("text/") or media_type.endswith(
        ("json", "xml", "yaml", "javascript", "x-www-form-urlencoded", "x-ndjson", "csv")
    )
    body = reply.content
    if not body:
        return ""
    if not is_text and media_type:
        return named("an answer", media_type, len(body))
    return body.decode(_charset(reply), "replace")


def _charset(reply: httpx2.Response) -> str:
    wanted = reply.charset_encoding or "utf-8"
    try:
        known = codecs.lookup(wanted)
    except (LookupError, ValueError):
        return "utf-8"
    # Python has codecs that are none of characters, such as zlib's.
    return known.name if known._is_text_encoding else "utf-8"
