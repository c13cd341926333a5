"""One exchange with a server of the OpenAI protocol, read by the same rules streamed or whole."""

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

# When a model has told why it ended, its server may still tell the tokens; some never hang up.
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
) -> None:
    """Ask, and fill the reply. Raises what the HTTP client raises, and the errors of servers."""
    body = _body(endpoint, request, options, shape, system)
    lean = client.lean
    headers = {"Content-Type": "application/json"}
    # Credentials in an address are sent in the same place.
    if endpoint.api_key and not lean.has_credentials:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    asked = lean.post(_written(body), headers, request.on_sent)
    async with asked as pieces:
        reply.has_begun = True
        await _read(pieces, reply)
    reply.end()


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
        # What goes wrong behind the end of an answer takes nothing away from it.
        if not reply.is_ended or reply.finish_reason == "error":
            raise


def _body(
    endpoint: Endpoint,
    request: ModelRequest,
    options: ModelOptions,
    shape: RequestShape,
    system: str,
) -> dict[str, Any]:
    body = openai_protocol.question(
        endpoint.model, system, user_text(request.parts), has_system_role=shape.has_system_role
    )
    if shape.streams:
        body["stream"] = True
        if shape.asks_usage:
            body["stream_options"] = {"include_usage": True}
    if shape.shows_schema and request.schema is not None:
        schema = bounded(request.schema) if options.bounded else request.schema
        is_ollama = endpoint.protocol == "ollama"
        openai_protocol.with_schema(body, wrapped(schema), is_ollama=is_ollama)
    limit = options.limit(request)
    if limit is not None:
        body[shape.limit_word] = limit
    if options.temperature is not None:
        body["temperature"] = options.temperature
    return {**body, **(options.extra_body or {})}


def _written(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # Half a character, or a number beyond 64 bits.
        return json.dumps(body).encode()
