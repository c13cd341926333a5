"""One exchange with Anthropic or Google, through their SDKs."""

from __future__ import annotations

from typing import Any

from pydantic_ai import direct
from pydantic_ai.exceptions import ContentFilterError, UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as SdkRequest
from pydantic_ai.models import Model as SdkModel
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings

from executor.engine.llm.base import ModelRequest
from executor.engine.llm.clients import Client
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.prompt import user_text
from executor.engine.llm.reply import Reply
from executor.engine.llm.schemas import bounded, wrapped
from executor.engine.llm.sdk_messages import definitions, said, turn_messages
from executor.engine.llm.server_errors import Refusal, ServerRefused, error_in
from executor.engine.llm.workarounds import RequestShape

# Above this Anthropic's SDK requires a stream.
MAX_UNSTREAMED_TOKENS = 8_192


def takes_schema(client: Client) -> bool:
    return bool(_sdk(client).profile.get("supports_json_schema_output", False))


def _sdk(client: Client) -> SdkModel:
    if client.sdk is None:
        raise TypeError("This protocol has no SDK.")
    return client.sdk


async def ask_sdk(
    client: Client,
    request: ModelRequest,
    options: ModelOptions,
    shape: RequestShape,
    *,
    system: str,
    reply: Reply,
    name: str,
) -> None:
    """Ask, and fill the reply; `name` is the model's. Raises ServerRefused, or any error of the
    SDK.
    """
    request.on_sent()
    try:
        response = await _response(_sdk(client), request, options, shape, system, reply, name)
    except ContentFilterError:
        reply.has_choice = True
        reply.add_reason("content_filter")
    except UserError as error:
        raise ServerRefused(Refusal(400, frozenset(), str(error))) from error
    except Exception as error:
        # An error inside a stream.
        if (refusal := error_in(getattr(error, "body", None))) is not None:
            raise ServerRefused(refusal) from error
        raise
    else:
        _finish(reply, response)
    reply.end()


async def _response(
    sdk: SdkModel,
    request: ModelRequest,
    options: ModelOptions,
    shape: RequestShape,
    system: str,
    reply: Reply,
    name: str,
) -> ModelResponse:
    user = user_text(request.parts)
    parts: list[Any] = [UserPromptPart(content=user)]
    if system.strip() and shape.has_system_role:
        parts.insert(0, SystemPromptPart(content=system))
    elif system.strip():
        parts = [UserPromptPart(content=f"{system}\n\n{user}")]
    messages: list[ModelMessage] = [SdkRequest(parts=parts)]
    if request.tool_use is not None:
        messages += turn_messages(request.tool_use, name)
    settings = _settings(sdk, request, options, shape)
    parameters = _parameters(request, options, shape)
    if not shape.streams:
        response = await direct.model_request(
            sdk, messages, model_settings=settings, model_request_parameters=parameters
        )
        reply.add_text([part.content for part in response.parts if isinstance(part, TextPart)])
        return response
    stream = direct.model_request_stream(
        sdk, messages, model_settings=settings, model_request_parameters=parameters
    )
    async with stream as events:
        reply.has_begun = True
        async for event in events:
            if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                reply.add_text(event.part.content)
            elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                reply.add_text(event.delta.content_delta)
        return events.get()


def _finish(reply: Reply, response: ModelResponse) -> None:
    reply.has_choice = True
    for place, part in enumerate(response.parts):
        if isinstance(part, ToolCallPart):
            reply.add_call(place, part.tool_call_id, part.tool_name, part.args)
    if reply.drafts:
        reply.said = said(response)
    # The SDKs invent a reason where there is none; the provider's own is in the details.
    if (response.provider_details or {}).get("finish_reason"):
        reply.add_reason(response.finish_reason)
        reply.is_ended = True
    elif (response.provider_details or {}).get("block_reason"):
        # The prompt was refused.
        reply.add_reason("content_filter")
    usage = response.usage
    reply.input_tokens, reply.output_tokens = usage.input_tokens, usage.output_tokens
    reply.cached_tokens = usage.cache_read_tokens
    reply.has_usage = bool(usage.input_tokens and usage.output_tokens)


def _settings(
    sdk: SdkModel, request: ModelRequest, options: ModelOptions, shape: RequestShape
) -> ModelSettings:
    settings = ModelSettings(timeout=request.timeout_seconds)
    if sdk.system != "anthropic":
        settings["max_retries"] = 0
    limit = options.limit(request)
    if limit is None and shape.must_not_stream:
        limit = MAX_UNSTREAMED_TOKENS
    if limit is not None:
        settings["max_tokens"] = limit
    if options.temperature is not None:
        settings["temperature"] = options.temperature
    if request.tool_use is not None and not request.tool_use.may_call and request.schema is None:
        # Anthropic refuses a conversation with calls in a request without tools.
        settings["tool_choice"] = "none"
    return settings


def _parameters(
    request: ModelRequest, options: ModelOptions, shape: RequestShape
) -> ModelRequestParameters:
    if (use := request.tool_use) is not None:
        offered = request.offered() or list(use.tools)
        may_say = not shape.forces_call
        return ModelRequestParameters(
            function_tools=definitions(offered), allow_text_output=may_say
        )
    if request.schema is None or not shape.shows_schema:
        return ModelRequestParameters()
    schema = bounded(request.schema) if options.bounded else request.schema
    target = OutputObjectDefinition(json_schema=wrapped(schema), name="answer")
    return ModelRequestParameters(output_mode="native", output_object=target)
