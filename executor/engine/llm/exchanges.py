"""One exchange with a server of the OpenAI protocol, streamed or whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson

from executor.engine.llm import openai_protocol
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.clients import Client, Endpoint
from executor.engine.llm.event_stream import DONE, values_of
from executor.engine.llm.openai_messages import tool_fields, turn_messages
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.prompt import user_text
from executor.engine.llm.reply import Reply
from executor.engine.llm.schemas import bounded, wrapped
from executor.engine.llm.server_errors import (
    AnswerUnreadable,
    ServerLost,
    ServerRefused,
    ServerSilent,
)
from executor.engine.llm.workarounds import RequestShape

# After its finish reason a server may still send the usage; some never close the connection.
AFTER_END_SECONDS = 5.0


async def ask_openai(
    client: Client,
    endpoint: Endpoint,
    request: ModelRequest,
    options: ModelOptions,
    shape: RequestShape,
    *,
    system: str,
    reply: Reply,
    name: str,
) -> None:
    """Ask, and fill the reply; `name` is the model's. Raises the errors of the HTTP client and of
    `server_errors`.
    """
    body = _body(endpoint, request, options, shape, system, name)
    lean = client.lean
    headers = {"Content-Type": "application/json"}
    # Credentials in the address are sent in the same header.
    if endpoint.api_key and not lean.has_credentials:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    try:
        content = orjson.dumps(body)
    except TypeError:
        # Half a surrogate pair, or a number beyond 64 bits.
        content = json.dumps(body).encode()
    async with lean.post(content, headers, request.on_sent) as pieces:
        reply.has_begun = True
        await _read(pieces, reply)
    reply.end()
    if reply.drafts:
        thoughts, extras = reply.said, [draft.extra for draft in reply.drafts if draft.name]
        reply.said = {"thoughts": thoughts, "extras": extras}


async def _read(pieces: AsyncIterator[bytes], reply: Reply) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with (
            asyncio.timeout(None) as patience,
            aclosing(values_of(pieces)) as values,
        ):
            async for value in values:
                if value is DONE:
                    reply.is_ended = True
                    return
                openai_protocol.take(reply, value)
                if reply.finish_reason and patience.when() is None:
                    patience.reschedule(loop.time() + AFTER_END_SECONDS)
    except TimeoutError:
        if not patience.expired():
            raise
    except (ServerLost, ServerSilent, AnswerUnreadable, ServerRefused):
        # An error after the end of an answer does not make it worse.
        if not reply.is_ended or reply.finish_reason == "error":
            raise


def _body(
    endpoint: Endpoint,
    request: ModelRequest,
    options: ModelOptions,
    shape: RequestShape,
    system: str,
    model: str,
) -> dict[str, Any]:
    messages = _messages(request, shape, system, model)
    body: dict[str, Any] = {"model": endpoint.model, "messages": messages}
    body |= tool_fields(request.offered(), forces_call=shape.forces_call)
    if shape.streams:
        body["stream"] = True
        if shape.asks_usage:
            body["stream_options"] = {"include_usage": True}
    if shape.shows_schema and request.schema is not None:
        schema = bounded(request.schema) if options.bounded else request.schema
        json_schema: dict[str, Any] = {"name": "answer", "schema": wrapped(schema)}
        if endpoint.protocol != "ollama":
            # OpenAI's strict mode supports only a few schemas.
            json_schema["strict"] = False
        body["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    limit = options.limit(request)
    if limit is not None:
        body[shape.limit_word] = limit
    if options.temperature is not None:
        body["temperature"] = options.temperature
    return {**body, **(options.extra_body or {})}


def _messages(
    request: ModelRequest, shape: RequestShape, system: str, model: str
) -> list[dict[str, Any]]:
    user = user_text(request.parts)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": system},
        {"role": "user", "content": user},
    ]
    if not shape.has_system_role or not system.strip():
        text = "\n\n".join(filter(str.strip, (system, user)))
        messages = [{"role": "user", "content": text}]
    if request.tool_use is not None:
        messages += turn_messages(request.tool_use, model)
    return messages
