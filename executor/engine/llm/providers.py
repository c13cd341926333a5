"""Real models: one class over every protocol that the SDKs speak."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from designs.addresses import AddressRefused
from executor.engine.json_text import json_text, storable
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.clients import TRIES_ONCE, Clients, Endpoint, load
from executor.engine.llm.prompt import user_text
from executor.engine.llm.schemas import bounded, unwrapped, wrapped
from executor.engine.llm.structured import check_schema, parsed_value

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models import Model as SdkModel
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.settings import ModelSettings


# The SDK asks these for a stream even when nobody listens.
STREAMS_ALWAYS = ("anthropic",)
# Shorter keys are no secrets, and stand in many words.
SHORTEST_MASKED = 8


@dataclass(frozen=True, slots=True)
class Manner:
    """How a model is asked. `bounded` closes open ends of schemas, for models that do not stop.

    `free` models cost nothing; `priced` ones have a public price; the cost of others is unknown.
    """

    max_tokens: int | None = None
    max_schema_tokens: int | None = None
    temperature: float | None = None
    extra_body: dict[str, Any] | None = None
    bounded: bool = False
    says_schema: bool = False
    free: bool = False
    priced: bool = False


def _as_it_is(text: str) -> str:
    return text


class ProviderModel:
    """A model of a provider, asked through the SDK; clients are kept and shared between calls.

    `mask` takes secrets out of what the server says; its own key never gets through.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        manner: Manner | None = None,
        *,
        mask: Callable[[str], str] = _as_it_is,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._manner = manner or Manner()
        self._mask = mask
        self._clients = Clients(endpoint)

    @property
    def name(self) -> str:
        return self._name

    async def has_price(self) -> bool:
        return self._manner.free or (self._manner.priced and self._is_listed())

    async def close(self) -> None:
        """Close the connections of the running loop."""
        await self._clients.close()

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """Ask once. Raises ModelError; the whole call ends within the request's time."""
        if request.schema is not None:
            check_schema(request.schema)
        self._check_key()
        try:
            async with asyncio.timeout(request.timeout_seconds) as clock:
                await load(self._endpoint.protocol)
                response = await self._send(request, on_delta)
        except TimeoutError as error:
            if not clock.expired():
                raise
            sentence = f"{self._name}: no answer within {request.timeout_seconds:g} seconds."
            raise ModelError(ErrorKind.TIMEOUT, sentence) from error
        is_stream = on_delta is not None or self._endpoint.protocol in STREAMS_ALWAYS
        return self._answer(request, response, is_stream=is_stream)

    def _check_key(self) -> None:
        """A key that cannot stand in a header would fail there, with the key in the message."""
        key = self._endpoint.api_key
        if not (key.isascii() and key.isprintable()):
            sentence = f"{self._name}: the key holds characters that no key has; enter it again."
            raise ModelError(ErrorKind.CREDENTIAL, sentence)

    async def _send(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None
    ) -> ModelResponse:
        from executor.engine.llm.sdk_errors import model_error

        try:
            with self._clients.take() as sdk:
                return await self._exchange(sdk, request, on_delta)
        except Exception as error:
            # The SDK takes both for a broken connection, and that would be tried again.
            if _cause(error, MemoryError) is not None:
                raise MemoryError from error
            if (refused := _cause(error, AddressRefused)) is not None:
                raise ModelError(ErrorKind.REQUEST, f"{self._name}: {refused}") from error
            raise model_error(error, self._name, self._mask_for(request)) from error

    async def _exchange(
        self, sdk: SdkModel, request: ModelRequest, on_delta: Callable[[str], None] | None
    ) -> ModelResponse:
        from pydantic_ai import direct
        from pydantic_ai.messages import ModelRequest as SdkRequest
        from pydantic_ai.messages import SystemPromptPart, UserPromptPart

        native = bool(sdk.profile.get("supports_json_schema_output", False))
        system = SystemPromptPart(content=self._system(request, native=native))
        messages = [SdkRequest(parts=[system, UserPromptPart(content=user_text(request.parts))])]
        settings = self._settings(request)
        parameters = self._parameters(request, native=native)
        if on_delta is None:
            return await direct.model_request(
                sdk, messages, model_settings=settings, model_request_parameters=parameters
            )
        stream = direct.model_request_stream(
            sdk, messages, model_settings=settings, model_request_parameters=parameters
        )
        async with stream as events:
            async for event in events:
                if text := _text_of(event):
                    on_delta(storable(text))
            return events.get()

    def _system(self, request: ModelRequest, *, native: bool) -> str:
        """The system prompt; with the schema if the server does not show it to the model."""
        if request.schema is None or (native and not self._manner.says_schema):
            return request.system
        schema = json_text(wrapped(request.schema))
        return f"{request.system}\n\nAnswer only with JSON that fits this JSON Schema: {schema}"

    def _settings(self, request: ModelRequest) -> ModelSettings:
        from pydantic_ai.settings import ModelSettings

        manner = self._manner
        settings = ModelSettings(timeout=request.timeout_seconds)
        if self._endpoint.protocol not in TRIES_ONCE:
            settings["max_retries"] = 0
        limit = manner.max_tokens if request.schema is None else manner.max_schema_tokens
        if limit is not None:
            settings["max_tokens"] = limit
        if manner.temperature is not None:
            settings["temperature"] = manner.temperature
        if manner.extra_body is not None:
            settings["extra_body"] = manner.extra_body
        return settings

    def _parameters(self, request: ModelRequest, *, native: bool) -> ModelRequestParameters:
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.output import OutputObjectDefinition

        if request.schema is None or not native:
            return ModelRequestParameters()
        schema = bounded(request.schema) if self._manner.bounded else request.schema
        target = OutputObjectDefinition(json_schema=wrapped(schema), name="answer")
        return ModelRequestParameters(output_mode="native", output_object=target)

    def _answer(
        self, request: ModelRequest, response: ModelResponse, *, is_stream: bool
    ) -> ModelAnswer:
        # A server that says the key back must not bring it into the history.
        text = self._mask(storable(response.text or ""))
        answer = ModelAnswer(
            text=text,
            model=self._name,
            input_tokens=response.usage.input_tokens,
            output_tokens=response.usage.output_tokens,
            cost_usd=self._cost(response),
            finish_reason=response.finish_reason,
        )
        if response.finish_reason == "content_filter":
            sentence = f"{self._name}: the provider's content filter stopped the answer."
            raise ModelError(ErrorKind.REQUEST, sentence, spent=answer)
        if is_stream and not (response.provider_details or {}).get("finish_reason"):
            # A connection that is closed in the midst of a stream looks like the stream's end.
            sentence = f"{self._name}: the answer broke off before its end."
            raise ModelError(ErrorKind.TRANSIENT, sentence, spent=answer)
        if not text.strip():
            raise ModelError(ErrorKind.CONTENT, "the answer is empty.", spent=answer)
        if request.schema is None:
            return answer
        if response.finish_reason == "length":
            raise ModelError(ErrorKind.CONTENT, "it was cut off; be shorter.", spent=answer)
        return self._structured(answer, request.schema)

    def _mask_for(self, request: ModelRequest) -> Callable[[str], str]:
        """For errors of servers, which like to quote the key: it is taken out even if it is one
        that could be guessed, unless the request itself holds it and the server may quote that.
        """
        key, asked = self._endpoint.api_key, f"{request.system}\n{user_text(request.parts)}"
        if len(key) < SHORTEST_MASKED or key in asked:
            return self._mask
        return lambda text: self._mask(text).replace(key, "…")

    def _structured(self, answer: ModelAnswer, schema: dict[str, Any]) -> ModelAnswer:
        value = parsed_value(answer, wrapped(schema))
        return replace(answer, value=unwrapped(value, schema))

    def _is_listed(self) -> bool:
        """Whether the price list that comes with the SDK has this model."""
        from genai_prices import Usage, calc_price

        try:
            calc_price(
                Usage(input_tokens=1),
                model_ref=self._endpoint.model,
                provider_id=self._endpoint.protocol,
            )
        except LookupError:
            return False
        return True

    def _cost(self, response: ModelResponse) -> Decimal | None:
        """From the price list that comes with the SDK; nothing is fetched."""
        if self._manner.free:
            return Decimal(0)
        if not self._manner.priced:
            return None
        try:
            return Decimal(response.cost().total_price)
        except (AssertionError, LookupError, ValueError):
            return None


def _cause(error: BaseException | None, kind: type[Exception]) -> BaseException | None:
    """The error itself, or the one that it came of, which is of this kind."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _text_of(event: Any) -> str:
    """The text an event of the stream adds."""
    from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta

    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""
