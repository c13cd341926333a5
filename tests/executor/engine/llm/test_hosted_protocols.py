"""Servers that speak the protocols of Anthropic and Google, or nearly: never an internal error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.clients import Endpoint
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.providers import ProviderModel
from tests.executor.engine.llm.conftest import KEY, _made, asking_for
from tests.model_server import Answer, ModelServer, replies

GOOGLE: dict[str, Any] = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Fine."}]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
    "modelVersion": "gemini-2.5-flash", "responseId": "x",
}  # fmt: skip
ANTHROPIC: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-3-haiku-20240307",
    "content": [{"type": "text", "text": "Fine."}], "stop_reason": "end_turn",
    "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 5},
}  # fmt: skip
# A model whose answers the SDK does not always stream.
MODELS = {"google": "gemini-2.5-flash", "anthropic": "claude-3-haiku-20240307"}
FINE = {"google": GOOGLE, "anthropic": ANTHROPIC}


def at(server: ModelServer, protocol: Any) -> ProviderModel:
    name = MODELS[protocol]
    endpoint = Endpoint(protocol, name, server.anthropic_url, KEY)
    _made.append(ProviderModel(f"{protocol}:{name}", endpoint, ModelOptions(priced=True)))
    return _made[-1]


def either(protocol: str, value: Any) -> Answer:
    """As a whole or as the one event of a stream, as it was asked for."""

    def answer(exchange: Any) -> None:
        if "alt=sse" in exchange.call.path:
            body = f"data: {json.dumps(value)}\n\n"
            replies(body, content_type="text/event-stream")(exchange)
        else:
            replies(value)(exchange)

    return answer


async def outcome(model: ProviderModel, *, watched: bool, **more: Any) -> Any:
    """The answer, or the error; asked again as a whole if only streaming broke."""
    listener = (lambda _: None) if watched else None
    try:
        return await model.complete(asking_for(**more), listener)
    except ModelError as error:
        if error.only_streaming:
            return await outcome(model, watched=watched, whole=True)
        return error


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("protocol", ["google", "anthropic"])
async def test_a_good_answer_also_one_that_comes_whole_where_a_stream_was_asked_for(
    server: ModelServer, protocol: str, watched: bool
) -> None:
    server.usual = either(protocol, FINE[protocol])
    answer = await outcome(at(server, protocol), watched=watched)
    assert (answer.text, answer.finish_reason, answer.has_usage) == ("Fine.", "stop", True)
    assert (answer.input_tokens, answer.output_tokens) == (10, 5)
    assert answer.cost_usd is not None


PLACES: dict[str, list[tuple[str | int, ...]]] = {
    "google": [
        (), ("candidates",), ("candidates", 0), ("candidates", 0, "content"),
        ("candidates", 0, "content", "parts"), ("candidates", 0, "content", "parts", 0),
        ("candidates", 0, "content", "parts", 0, "text"), ("candidates", 0, "finishReason"),
        ("usageMetadata",), ("usageMetadata", "promptTokenCount"), ("modelVersion",),
    ],
    "anthropic": [
        (), ("id",), ("type",), ("role",), ("model",), ("content",), ("content", 0),
        ("content", 0, "type"), ("content", 0, "text"), ("stop_reason",), ("usage",),
        ("usage", "input_tokens"),
    ],
}  # fmt: skip
VALUES: list[Any] = [None, "", "text", [], {}, [None], 7, -1, True, 10**30, [[]], {"a": 1}]


def changed(whole: Any, place: tuple[str | int, ...], value: Any) -> Any:
    if not place:
        return value
    whole = json.loads(json.dumps(whole))
    inner: Any = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return whole


# The SDKs warn of words and numbers that they do not know.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("protocol", ["google", "anthropic"])
async def test_every_change_of_an_answer_is_read_or_the_servers_fault(
    server: ModelServer, protocol: str, watched: bool
) -> None:
    model = at(server, protocol)
    for place in PLACES[protocol]:
        for value in VALUES:
            server.usual = either(protocol, changed(FINE[protocol], place, value))
            found = await outcome(model, watched=watched)
            if isinstance(found, ModelError):
                assert found.kind in (ErrorKind.TRANSIENT, ErrorKind.CONTENT, ErrorKind.REQUEST)
                assert found.message


@pytest.mark.parametrize("watched", [False, True])
async def test_why_a_model_of_google_stopped(server: ModelServer, watched: bool) -> None:
    model = at(server, "google")
    place = ("candidates", 0, "finishReason")
    server.usual = either("google", changed(GOOGLE, place, "MAX_TOKENS"))
    assert (await outcome(model, watched=watched)).finish_reason == "length"
    server.usual = either("google", changed(GOOGLE, place, "SAFETY"))
    assert "content filter" in (await outcome(model, watched=watched)).message
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}
    server.usual = either("google", blocked)
    error = await outcome(model, watched=watched)
    assert error.kind is ErrorKind.REQUEST
    assert "content filter" in error.message


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("protocol", ["google", "anthropic"])
async def test_errors_in_words_and_classes(
    server: ModelServer, protocol: str, watched: bool
) -> None:
    details = [{"retryDelay": "3.5s"}]
    limit = {"error": {"code": 429, "message": "Slow down.", "details": details}}
    server.usual = replies(limit, 429)
    error = await outcome(at(server, protocol), watched=watched)
    assert (error.kind, error.retry_after) == (ErrorKind.RATE_LIMIT, 3.5)
    assert "Slow down." in error.message
    server.usual = replies("no such model", 404, "text/plain")
    error = await outcome(at(server, protocol), watched=watched)
    assert (error.kind, "no such model" in error.message) == (ErrorKind.REQUEST, True)


@pytest.mark.parametrize("protocol", ["google", "anthropic"])
async def test_an_agents_limit_is_sent(server: ModelServer, protocol: str) -> None:
    server.usual = either(protocol, FINE[protocol])
    await at(server, protocol).complete(asking_for(max_output_tokens=70))
    body = server.calls[0].body
    assert body.get("max_tokens") or body["generationConfig"]["maxOutputTokens"] == 70


@pytest.mark.parametrize("protocol", ["google", "anthropic"])
@pytest.mark.parametrize(
    "body",
    [
        {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}},
        {"error": {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED"}},
        [{"error": {"code": 429, "message": "Slow down."}}],
    ],
)
async def test_an_error_in_an_answer_that_says_success(
    server: ModelServer, protocol: str, body: Any
) -> None:
    server.usual = replies(body)
    error = await outcome(at(server, protocol), watched=False)
    assert error.kind is ErrorKind.RATE_LIMIT
    assert "Slow down." in error.message
