"""Real models: one class for every protocol, which works around what a server lacks."""

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
from executor.engine.llm.workarounds import (
    NO_TOOL_CALLS,
    Lack,
    RequestShape,
    advice,
    advice_on_tools,
    lack_in,
)

# Shorter keys are no secrets, and occur inside ordinary words.
MIN_MASKED_LENGTH = 8
# After these failures of a stream a whole answer is asked for; other refusals would come again.
_PERHAPS_STREAMING = (ErrorKind.REQUEST, ErrorKind.TRANSIENT)
_OVERLOADED = (503, 529)
# Models with such names may begin in mid-thought: their first answer is not streamed on.
_THINKING_NAME = re.compile(r"\br1\b|qwq|qwen3|think|reason|magistral", re.IGNORECASE)
# Characters of a failed answer that are recorded.
MAX_FAILED_CHARACTERS = 2_000


class ProviderModel:
    """A model of a provider; its clients are shared between calls.

    `mask` removes secrets from the server's words. `lacks` grows with every feature that the server
    turns out not to support.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        options: ModelOptions | None = None,
        *,
        mask: Callable[[str], str] = str,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._options = options or ModelOptions()
        self._mask = mask
        self._clients = Clients(endpoint)
        self.lacks: set[Lack] = set(self._options.lacks)
        # Whether it ever streamed a whole answer, and whether the last stream failed for an unknown
        # reason.
        self._has_streamed = self._may_not_stream = False
        # Whether its answers begin in mid-thought, and whether that is not known yet.
        self._begins_inside = False
        self._is_unsure = bool(_THINKING_NAME.search(endpoint.model))

    @property
    def name(self) -> str:
        return self._name

    async def has_price(self) -> bool:
        await load(self._endpoint.protocol)
        return self.price() is not None

    def price(self) -> Price | None:
        """The price of a million tokens; None if unknown. Blocks, so not for the event loop."""
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
        """Ask once. Raises ModelError; the whole call ends within the request's timeout, which does
        not include loading the protocol's modules.

        A request that the server refuses for a feature is repeated without it.
        """
        self._check(request)
        listener = None if request.whole else on_delta
        replies: list[Reply] = []
        # Once a process; on a busy machine that takes longer than many an answer.
        await load(self._endpoint.protocol)
        try:
            async with asyncio.timeout(request.timeout_seconds) as clock:
                try:
                    with self._clients.take() as client:
                        reply = await self._reply(client, request, listener, replies)
                except Exception as error:
                    failure = self._failure(error, request)
                    if isinstance(failure, ModelError):
                        failure.spent = self._spent(replies, request)
                    raise failure from error
                if on_delta is not None and not reply.was_streamed and reply.text:
                    on_delta(storable(reply.text))
                cost = self._cost(*_tokens(reply, request), reply.cached_tokens)
                return await answer_of(
                    reply, request, name=self._name, mask=self._mask, cost_usd=cost
                )
        except TimeoutError as error:
            if not clock.expired():
                raise
            sentence = f"{self._name}: no answer within {request.timeout_seconds:g} seconds."
            spent = self._spent(replies, request)
            raise ModelError(ErrorKind.TIMEOUT, sentence, spent=spent) from error

    def _check(self, request: ModelRequest) -> None:
        """Raises ModelError for a request that cannot be sent."""
        if request.schema is not None:
            check_schema(request.schema)
        key = self._endpoint.api_key
        if not (key.isascii() and key.isprintable()):
            # It would fail as a header, with the key in the message.
            sentence = f"{self._name}: the key holds characters that no key has; enter it again."
            raise ModelError(ErrorKind.CREDENTIAL, sentence)
        if request.tool_use is not None and Lack.TOOLS in self.lacks:
            raise ModelError(ErrorKind.REQUEST, f"{self._name} calls no tools. {NO_TOOL_CALLS}")

    def _failure(self, error: Exception, request: ModelRequest) -> Exception:
        """The engine's error, with advice on the connection's settings if the server's words allow
        it. Servers like to quote the key: it is masked even if it could be guessed, unless the
        request contains it and the server may quote that.
        """
        key = self._endpoint.api_key
        # Everything that a design or an input has a part in, also the model's name and the schema.
        sent = [self._name, request.system, user_text(request.parts), json_text(request.schema)]
        if request.tool_use is not None:
            sent += [text for turn in request.tool_use.turns for text, _ in turn.results]
        hides_key = len(key) >= MIN_MASKED_LENGTH and key not in "\n".join(sent)

        def mask(text: str) -> str:
            masked = self._mask(text)
            return masked.replace(key, "…") if hides_key else masked

        failure, refused = failure_of(error, self._name, mask), refusal_in(error)
        if isinstance(failure, ModelError) and refused is not None:
            if request.tool_use is not None:
                failure.add(advice_on_tools(refused.refusal))
            failure.add(advice(refused.refusal, self.lacks))
        return failure

    # --- Working around what the server lacks -----------------------------------------------------

    async def _reply(
        self,
        client: Client,
        request: ModelRequest,
        on_delta: Callable[[str], None] | None,
        replies: list[Reply],
    ) -> Reply:
        new_lacks: set[Lack] = set()
        while True:
            shape = self._shape(client, request, streams=on_delta is not None)
            try:
                return await self._try_stream(client, request, shape, on_delta, replies)
            except Exception as error:
                refused = refusal_in(error)
                lack = None if refused is None else lack_in(refused.refusal, shape)
                if lack is None or lack in new_lacks:
                    # The refusals were about something else after all.
                    self.lacks -= new_lacks
                    raise
                new_lacks.add(lack)
                self.lacks.add(lack)

    def _shape(self, client: Client, request: ModelRequest, *, streams: bool) -> RequestShape:
        lacks = self.lacks
        is_hosted = self._endpoint.protocol == "openai"
        words = ("max_tokens", "max_completion_tokens")
        swaps = Lack.MAX_TOKENS in lacks
        has_tools = request.tool_use is not None
        is_structured = request.schema is not None
        shows_schema = is_structured and not has_tools and Lack.JSON_SCHEMA not in lacks
        if shows_schema and self._endpoint.protocol not in OPENAI_PROTOCOLS:
            from executor.engine.llm.sdk_protocols import takes_schema

            shows_schema = takes_schema(client)
        return RequestShape(
            shows_schema=shows_schema,
            has_system_role=Lack.SYSTEM_ROLE not in lacks,
            streams=streams and Lack.STREAMING not in lacks,
            has_limit=self._options.limit(request) is not None,
            asks_usage=Lack.STREAM_OPTIONS not in lacks,
            must_not_stream=Lack.STREAMING in lacks,
            limit_word=words[is_hosted != swaps],
            has_other_limit_word=swaps,
            forces_call=is_structured and has_tools and Lack.TOOL_CHOICE not in lacks,
        )

    async def _try_stream(
        self,
        client: Client,
        request: ModelRequest,
        shape: RequestShape,
        on_delta: Callable[[str], None] | None,
        replies: list[Reply],
    ) -> Reply:
        """Ask, and learn whether the server can stream. Each exchange adds its reply."""
        listener = _listener(on_delta) if shape.streams and on_delta is not None else None
        reply = Reply(listener, begins_inside=self._begins_inside, is_unsure=self._is_unsure)
        replies.append(reply)
        if listener is None:
            await self._exchange(client, request, shape, reply)
            if self._may_not_stream:
                # The same request succeeded without streaming.
                self.lacks.add(Lack.STREAMING)
            return reply
        try:
            await self._exchange(client, request, shape, reply)
        except Exception as error:
            if not self._may_succeed_whole(error, shape, reply):
                raise
            # A server that has streamed before can: the failure was an accident.
            self._may_not_stream = not self._has_streamed
            failure = self._failure(error, request)
            if isinstance(failure, ModelError):
                failure.only_streaming = True
            raise failure from error
        self._has_streamed, self._may_not_stream = True, False
        return reply

    def _may_succeed_whole(self, error: Exception, shape: RequestShape, reply: Reply) -> bool:
        """Whether a stream that failed so may succeed as a whole answer."""
        refused = refusal_in(error)
        if refused is None:
            return is_broken_answer(error, has_begun=reply.has_begun)
        refusal = refused.refusal
        if self._has_streamed or lack_in(refusal, shape) is not None:
            return False
        is_busy = refusal.retry_after is not None or refusal.status in _OVERLOADED
        return not is_busy and refusal.kind in _PERHAPS_STREAMING

    # --- One exchange -----------------------------------------------------------------------------

    async def _exchange(
        self, client: Client, request: ModelRequest, shape: RequestShape, reply: Reply
    ) -> None:
        system = request.system
        is_said = request.schema is not None and request.tool_use is None
        if is_said and (not shape.shows_schema or self._options.says_schema):
            schema = json_text(wrapped(request.schema or {}))
            instruction = f"Answer only with JSON that fits this JSON Schema: {schema}"
            system = f"{system}\n\n{instruction}".strip()
        if self._endpoint.protocol in OPENAI_PROTOCOLS:
            from executor.engine.llm.exchanges import ask_openai

            await ask_openai(
                client,
                self._endpoint,
                request,
                self._options,
                shape,
                system=system,
                reply=reply,
                name=self._name,
            )
        else:
            from executor.engine.llm.sdk_protocols import ask_sdk

            await ask_sdk(
                client, request, self._options, shape, system=system, reply=reply, name=self._name
            )
        if not reply.is_ended:
            # A connection that is closed during a stream looks like the end of the stream.
            raise BrokeOff
        self._begins_inside = self._begins_inside or reply.began_inside
        self._is_unsure = False

    def _spent(self, replies: list[Reply], request: ModelRequest) -> ModelAnswer | None:
        """The part of an answer that a failed call was billed for; None if there was no text and no
        usage.
        """
        reply = replies[-1] if replies else None
        if reply is None or not (reply.has_text or reply.input_tokens or reply.output_tokens):
            return None
        input_tokens, output_tokens = _tokens(reply, request)
        if not reply.has_usage:
            # Thoughts and held-back text count too.
            output_tokens = max(output_tokens, -(-reply.length // CHARACTERS_PER_TOKEN))
        return ModelAnswer(
            text=self._mask(storable(reply.text[:MAX_FAILED_CHARACTERS])),
            model=self._name,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost_usd=self._cost(input_tokens, output_tokens, reply.cached_tokens),
            finish_reason=reply.finish_reason,
            has_usage=reply.has_usage,
        )

    def _cost(self, input_tokens: int, output_tokens: int, cached: int) -> Decimal | None:
        """By the connection's own price, or by the public list; nothing is fetched."""
        options = self._options
        if options.free:
            return Decimal(0)
        if options.price is not None:
            return options.price.of(input_tokens, output_tokens)
        if not options.priced:
            return None
        endpoint = self._endpoint
        return listed_cost(endpoint.protocol, endpoint.model, input_tokens, output_tokens, cached)


def _tokens(reply: Reply, request: ModelRequest) -> tuple[int, int]:
    """Input and output tokens, estimated where the server does not report them."""
    if reply.has_usage:
        return reply.input_tokens, reply.output_tokens
    estimated = estimated_tokens(request, reply.text)
    return reply.input_tokens or estimated.input, reply.output_tokens or estimated.output


def _listener(on_delta: Callable[[str], None]) -> Callable[[str], None]:
    def listen(text: str) -> None:
        try:
            on_delta(text)
        except Exception as error:
            raise ListenerFailed from error

    return listen
