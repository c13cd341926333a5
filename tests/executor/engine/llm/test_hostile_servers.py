"""Servers that hang, drip, break off, or send too much: every call ends within its timeout."""

from __future__ import annotations

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.providers import ProviderModel
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.model_server import Answer, Exchange, ModelServer, says


def silent(exchange: Exchange) -> None:
    exchange.wait()


def half_headers(exchange: Exchange) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Ty")
    exchange.wait()


def dripping_headers(exchange: Exchange) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\n")
    while not exchange.wait(0.02):
        exchange.raw(b"X-Drip: 1\r\n")


def dripping(exchange: Exchange) -> None:
    """A byte now and then, so that no time-out between bytes ever ends it."""
    exchange.head(200, "application/json", Content_Length="100000")
    while not exchange.wait(0.02):
        exchange.raw(b" ")


def dripping_stream(exchange: Exchange) -> None:
    exchange.head(200, "text/event-stream")
    while not exchange.wait(0.02):
        exchange.raw(b": still here\n\n")


def endless_words(exchange: Exchange) -> None:
    says("word word", events=3)(exchange)
    exchange.wait()


def reset(exchange: Exchange) -> None:
    exchange.reset()


def reset_in_headers(exchange: Exchange) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Ty")
    exchange.reset()


def reset_in_body(exchange: Exchange) -> None:
    exchange.head(200, "application/json", Content_Length="1000")
    exchange.raw(b'{"id": "x", "cho')
    exchange.reset()


def closed_in_body(exchange: Exchange) -> None:
    exchange.head(200, "application/json", Content_Length="1000")
    exchange.raw(b'{"id": "x", "cho')


def reset_in_stream(exchange: Exchange) -> None:
    says("one two three", events=3)(exchange)
    exchange.reset()


def no_http(exchange: Exchange) -> None:
    exchange.raw(b"\x00\x01 this is not HTTP\r\n\r\n")


def many_headers(exchange: Exchange) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1234567890\r\n" * 20_000 + b"\r\n")


HANGING = [silent, half_headers, dripping_headers, dripping, dripping_stream, endless_words]
BROKEN = [reset, reset_in_headers, reset_in_body, closed_in_body, no_http, many_headers]


@pytest.mark.parametrize("answer", HANGING)
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
async def test_the_total_time_holds(server: ModelServer, answer: Answer, protocol: str) -> None:
    model = model_at(server, protocol)
    server.then(says("warm"), answer, answer)
    await model.complete(asking_for())
    # Without a stream, the server of one of them has said all it has to say.
    for listener in (lambda _: None,) if answer is endless_words else (lambda _: None, None):
        with pytest.raises(ModelError) as caught:
            await model.complete(asking_for(timeout_seconds=0.15), listener)
        assert caught.value.kind is ErrorKind.TIMEOUT
        assert caught.value.message == f"{model.name}: no answer within 0.15 seconds."


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize("stream", [False, True])
async def test_broken_connections_may_be_tried_again(
    model: ProviderModel, server: ModelServer, answer: Answer, stream: bool
) -> None:
    server.then(answer)
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for(), (lambda _: None) if stream else None)
    assert caught.value.kind is ErrorKind.TRANSIENT
    # The next call finds its way.
    assert (await model.complete(asking_for())).text == "Hello."


@pytest.mark.parametrize("events", [1, 2, 3, 4])
@pytest.mark.parametrize("ending", ["closed", "reset"])
async def test_half_a_stream_is_no_answer(
    model: ProviderModel, server: ModelServer, events: int, ending: str
) -> None:
    def answer(exchange: Exchange) -> None:
        says("one two three", events=events)(exchange)
        if ending == "reset":
            exchange.reset()

    server.then(answer)
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for(), lambda _: None)
    assert caught.value.kind is ErrorKind.TRANSIENT
