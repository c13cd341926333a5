"""A model server that says back all that it was sent: as answer, in pieces, as error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.model_server import Exchange, ModelServer, fails, model_server, says

# Of a stream: no secret comes whole.
PIECE = 3


def _said(exchange: Exchange) -> str:
    key = exchange.call.headers.get("authorization", "")
    return f"You sent {key}, that is '{key.removeprefix('Bearer ')}'. {exchange.call.prompt} ."


def answer(exchange: Exchange) -> None:
    """By the model's name: `repeats`, or a status such as `fails-401`."""
    name = str(exchange.call.body["model"])
    if name.startswith("fails-"):
        status = int(name.removeprefix("fails-"))
        fails(status, _said(exchange), X_Your_Key=exchange.call.headers["authorization"])(exchange)
    elif exchange.is_stream:
        _stream(exchange, name, _said(exchange))
    else:
        says(_said(exchange))(exchange)


def _stream(exchange: Exchange, name: str, text: str) -> None:
    exchange.head(200, "text/event-stream")
    shell = {"id": "chat-1", "object": "chat.completion.chunk", "created": 1, "model": name}
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    deltas = [*(({"content": piece}, None) for piece in pieces), ({}, "stop")]
    for number, (delta, reason) in enumerate(deltas):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        exchange.raw(f"data: {json.dumps({**shell, 'choices': [choice]})}\n\n".encode())
        if number % 4 == 0:
            # Slowly enough that a secret is not passed on whole either.
            exchange.wait(0.01)
    exchange.raw(b"data: [DONE]\n\n")


@contextmanager
def repeating() -> Iterator[ModelServer]:
    with model_server() as found:
        found.usual = answer
        yield found
