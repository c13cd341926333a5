"""Real models: one class over every protocol, and around what servers do without."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from decimal import Decimal

from executor.engine.json_text import json_text, storable
from executor.engine.llm.answers import answer_of
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.clients import OPENAI_PROTOCOLS, Client, Clients, Endpoint, load
from executor.engine.llm.estimate import CHARACTERS_PER_TOKEN, estimated_tokens
from executor.engine.llm.failures import (
    BrokeOff,
    ListenerFailed,
    failure_of,
    is_broken_answer,
    refusal_in,
)
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.prices import FREE, Price, listed_cost, listed_price
from executor.engine.llm.prompt import user_text
from executor.engine.llm.reply import Reply
from executor.engine.llm.schemas import wrapped
from executor.engine.llm.structured import check_schema
from executor.engine.llm.workarounds import Lack, RequestShape, advice, lack_told

# Shorter keys are no secrets, and stand in many words.
MIN_MASKED_LENGTH = 8
# A stream that fails so is asked again as a whole; what else a server refuses, it refuses twice.
_PERHAPS_STREAMING = (ErrorKind.REQUEST, ErrorKind.TRANSIENT)
_OVERLOADED = (503, 529)
# Models of such names may begin in mid-thought: the first answer is told only when it is whole.
_THINKING_NAME = re.compile(r"\br1\b|qwq|qwen3|think|reason|magistral", re.IGNORECASE)
# So much is kept of an answer that failed.
MAX_KEPT = 2_000


def _as_it_is(text: str) -> str:
    return text


class ProviderModel:
    """A model of a provider; clients are kept and shared between calls.

    `mask` takes secrets out of what the server says. `lacks` grows
    with what the server turns out to do without.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        options: ModelOptions | None = None,
        *,
        mask: Callable[[str], str] = _as_it_is,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._options = options or ModelOptions()
        self._mask = mask
        self._clients = Clients(endpoint)
        self.lacks: set[Lack] = set(self._options.lacks)
        # Whether it has streamed a whole answer; whether it failed to, and what that was is open;
        # whether its answers begin in mid-thought, and whether that is not known yet.
        self._has_streamed = self._may_not_stream = False
        self._begins_inside = False
        self._is_unsure = bool(_THINKING_NAME.search(endpoint.model))

    @property
    def name(self) -> str:
        return self._name

    async def has_price(self) -> bool:
        await load(self._endpoint.protocol)
        return self.price() is not None

    def price(self) -> Price | None:
        """What a million tokens cost; None if that is not known. Not for the event loop."""
        options = self._options
        if options.free:
            return FREE
        if options.price is not None:
            return options.price
        if not options.priced:
            return None
        return listed_price(self._endpoint.protocol, self._endpoint.model)

    async def close(self) -> None:
        """Close the connections of the running loop."""
        await self._clients.close()

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """Ask once. Raises ModelError; the whole call ends within the request's time.

        Once is also: again, without what the server said that it does not take.
        """
        if request.schema is not None:
            check_schema(request.schema)
        self._check_key()
        replies: list[Reply] = []
        try:
            async with asyncio.timeout(request.timeout_seconds) as clock:
                await load(self._endpoint.protocol)
                return await self._answered(request, on_delta, replies)
        except TimeoutError as error:
            if not clock.expired():
                raise
            sentence = f"{self._name}: no answer within {request.timeout_seconds:g} seconds."
            spent = self._spent(replies, request)
            raise ModelError(ErrorKind.TIMEOUT, sentence, spent=spent) from error

    def _check_key(self) -> None:
        """A key that cannot stand in a header would fail there, with the key in the message."""
        key = self._endpoint.api_key
        if not (key.isascii() and key.isprintable()):
            sentence = f"{self._name}: the key holds characters that no key has; enter it again."
            raise ModelError(ErrorKind.CREDENTIAL, sentence)

    async def _answered(
        self,
        request: ModelRequest,
        on_delta: Callable[[str], None] | None,
        replies: list[Reply],
    ) -> ModelAnswer:
        streams = on_delta is not None and not request.whole
        try:
            with self._clients.take() as client:
                reply = await self._reply(client, request, on_delta if streams else None, replies)
        except Exception as error:
            failure = self._failure(error, request)
            if isinstance(failure, ModelError):
                failure.spent = self._spent(replies, request)
            raise failure from error
        if on_delta is not None and not reply.tells and reply.text:
            on_delta(storable(reply.text))
        cost = self._cost(*_tokens(reply, request), reply.cached_tokens)
        return await answer_of(reply, request, name=self._name, mask=self._mask, cost_usd=cost)

    def _failure(self, error: Exception, request: ModelRequest) -> Exception:
        """With the setting of the connection that may mend it, where the server's words say so."""
        failure, refused = failure_of(error, self._name, self._mask_for(request)), refusal_in(error)
        if isinstance(failure, ModelError) and refused is not None:
            failure.add(advice(refused.refusal, self.lacks))
        return failure

    # --- Around what the server does without ------------------------------------------------------

    async def _reply(
        self,
        client: Client,
        request: ModelRequest,
        on_delta: Callable[[str], None] | None,
        replies: list[Reply],
    ) -> Reply:
        found: set[Lack] = set()
        while True:
            shape = self._way(client, request, streams=on_delta is not None)
            try:
                return await self._watched(client, request, shape, on_delta, replies)
            except Exception as error:
                refused = refusal_in(error)
                lack = None if refused is None else lack_told(refused.refusal, shape)
                if lack is None or lack in found:
                    # It was about something else after all.
                    self.lacks -= found
                    raise
                found.add(lack)
                self.lacks.add(lack)

    def _way(self, client: Client, request: ModelRequest, *, streams: bool) -> RequestShape:
        lacks = self.lacks
        is_hosted = self._endpoint.protocol == "openai"
        words = ("max_tokens", "max_completion_tokens")
        swaps = Lack.MAX_TOKENS in lacks
        return RequestShape(
            shows_schema=request.schema is not None
            and Lack.JSON_SCHEMA not in lacks
            and self._takes_schema(client),
            has_system_role=Lack.SYSTEM_ROLE not in lacks,
            streams=streams and Lack.STREAMING not in lacks,
            has_limit=self._options.limit(request) is not None,
            asks_usage=Lack.STREAM_OPTIONS not in lacks,
            must_not_stream=Lack.STREAMING in lacks,
            limit_word=words[is_hosted != swaps],
            has_other_limit_word=swaps,
        )

    def _takes_schema(self, client: Client) -> bool:
        if self._endpoint.protocol in OPENAI_PROTOCOLS:
            return True
        from executor.engine.llm.sdk_protocols import takes_schema

        return takes_schema(client)

    async def _watched(
        self,
        client: Client,
        request: ModelRequest,
        shape: RequestShape,
        on_delta: Callable[[str], None] | None,
        replies: list[Reply],
    ) -> Reply:
        """Ask, and learn whether the server can stream. Each exchange adds its reply."""
        tell = _telling(on_delta) if shape.streams and on_delta is not None else None
        reply = Reply(tell, begins_inside=self._begins_inside, is_unsure=self._is_unsure)
        replies.append(reply)
        if tell is None:
            await self._exchange(client, request, shape, reply)
            if self._may_not_stream:
                # The same question was answered as a whole.
                self.lacks.add(Lack.STREAMING)
            return reply
        try:
            await self._exchange(client, request, shape, reply)
        except Exception as error:
            if not self._may_be_streaming(error, shape, reply):
                raise
            # Once it has streamed, a stream that broke off was an accident.
            self._may_not_stream = not self._has_streamed
            failure = self._failure(error, request)
            if isinstance(failure, ModelError):
                failure.only_streaming = True
            raise failure from error
        self._has_streamed, self._may_not_stream = True, False
        return reply

    def _may_be_streaming(self, error: Exception, shape: RequestShape, reply: Reply) -> bool:
        """Whether the same question may be answered as a whole."""
        refused = refusal_in(error)
        if refused is None:
            return is_broken_answer(error, has_begun=reply.has_begun)
        refusal = refused.refusal
        if self._has_streamed or lack_told(refusal, shape) is not None:
            return False
        is_busy = refusal.retry_after is not None or refusal.status in _OVERLOADED
        return not is_busy and refusal.kind in _PERHAPS_STREAMING

    # --- One exchange -----------------------------------------------------------------------------

    async def _exchange(
        self, client: Client, request: ModelRequest, shape: RequestShape, reply: Reply
    ) -> None:
        system = self._system(request, shape)
        if self._endpoint.protocol in OPENAI_PROTOCOLS:
            from executor.engine.llm.exchanges import ask_openai

            await ask_openai(
                client, self._endpoint, request, self._options, shape, system=system, reply=reply
            )
        else:
            from executor.engine.llm.sdk_protocols import ask_sdk

            await ask_sdk(client, request, self._options, shape, system=system, reply=reply)
        if not reply.is_ended:
            # A connection that is closed in the midst of a stream looks like the stream's end.
            raise BrokeOff
        self._begins_inside = self._begins_inside or reply.began_inside
        self._is_unsure = False

    def _system(self, request: ModelRequest, shape: RequestShape) -> str:
        """The system prompt; with the schema if the server does not show it to the model."""
        if request.schema is None or (shape.shows_schema and not self._options.says_schema):
            return request.system
        schema = json_text(wrapped(request.schema))
        said = f"Answer only with JSON that fits this JSON Schema: {schema}"
        return f"{request.system}\n\n{said}".strip()

    def _mask_for(self, request: ModelRequest) -> Callable[[str], str]:
        """For errors of servers, which like to quote the key: it is taken out even if it is one
        that could be guessed, unless the request itself holds it and the server may quote that.
        """
        # All that a design or an input had a part in: the name of the model and the schema, too.
        said = (self._name, request.system, user_text(request.parts), json_text(request.schema))
        key, asked = self._endpoint.api_key, "\n".join(said)
        if len(key) < MIN_MASKED_LENGTH or key in asked:
            return self._mask
        return lambda text: self._mask(text).replace(key, "…")

    def _spent(self, replies: list[Reply], request: ModelRequest) -> ModelAnswer | None:
        """What a call that failed was paid for all the same: as far as it said something, or told
        its tokens.
        """
        reply = replies[-1] if replies else None
        if reply is None or not (reply.has_text or reply.input_tokens or reply.output_tokens):
            return None
        asked, said = _tokens(reply, request)
        if not reply.usage_told:
            # What nobody heard was said all the same.
            said = max(said, -(-reply.length // CHARACTERS_PER_TOKEN))
        return ModelAnswer(
            text=self._mask(storable(reply.text[:MAX_KEPT])),
            model=self._name,
            input_tokens=asked,
            output_tokens=said,
            cost_usd=self._cost(asked, said, reply.cached_tokens),
            finish_reason=reply.finish_reason,
            usage_told=reply.usage_told,
        )

    def _cost(self, asked: int, said: int, cached: int) -> Decimal | None:
        """By the connection's own price, or by the public list; nothing is fetched."""
        options = self._options
        if options.free:
            return Decimal(0)
        if options.price is not None:
            return options.price.of(asked, said)
        if not options.priced:
            return None
        endpoint = self._endpoint
        return listed_cost(endpoint.protocol, endpoint.model, asked, said, cached)


def _tokens(reply: Reply, request: ModelRequest) -> tuple[int, int]:
    """What was asked and said, estimated where the server does not tell."""
    asked, said = reply.input_tokens, reply.output_tokens
    if not reply.usage_told:
        estimated = estimated_tokens(request, reply.text)
        asked, said = asked or estimated.input, said or estimated.output
    return asked, said


def _telling(on_delta: Callable[[str], None]) -> Callable[[str], None]:
    def tell(text: str) -> None:
        try:
            on_delta(text)
        except Exception as error:
            raise ListenerFailed from error

    return tell
