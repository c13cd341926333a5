"""No answer is read beyond its maximum, compressed or not, whole or streamed, error or not."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import Any

import pytest

from executor.engine.llm import bounded_http
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.bounded_http import MAX_ERROR_BYTES, PIECE_BYTES
from executor.engine.llm.clients import MAX_BYTES, Endpoint
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.reply import MAX_TEXT
from executor.language_models.connection_clients import provider_model
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.model_server import Answer, Exchange, ModelServer, chunks, replies, says

# What the operating system holds between two sockets, at most.
BETWEEN_BYTES = 16_000_000
PROTOCOLS = ["openai_compatible", "anthropic"]


class Endless:
    """A body without an end; `sent` are the bytes that found their way out."""

    def __init__(self, content_type: str, piece: bytes, status: int = 200) -> None:
        self.content_type = content_type
        self.piece = piece
        self.status = status
        self.sent = 0

    def __call__(self, exchange: Exchange) -> None:
        exchange.head(self.status, self.content_type)
        while self.sent < 10 * (MAX_BYTES + BETWEEN_BYTES):
            exchange.raw(self.piece)
            self.sent += len(self.piece)


async def error_of(server: ModelServer, answer: Answer, protocol: str, watched: bool) -> ModelError:
    server.then(answer)
    with pytest.raises(ModelError) as caught:
        await model_at(server, protocol).complete(
            asking_for(timeout_seconds=60.0), (lambda _: None) if watched else None
        )
    return caught.value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize(
    ("content_type", "piece"),
    [
        ("application/json", b" " * 65_536),
        ("application/json", b'{"choices": [' + b"[" * 65_536),
        ("text/event-stream", b": still here\n\n" * 5_000),
        ("text/event-stream", b"data: " + b"x" * 65_536),
    ],
)
async def test_an_endless_answer_is_left(
    server: ModelServer, protocol: str, watched: bool, content_type: str, piece: bytes
) -> None:
    answer = Endless(content_type, piece)
    error = await error_of(server, answer, protocol, watched)
    assert error.kind is ErrorKind.CONTENT
    assert "has more than 8,000,000 bytes" in error.message
    assert answer.sent < MAX_BYTES + BETWEEN_BYTES


async def test_the_installation_sets_how_much_is_read(server: ModelServer, settings: Any) -> None:
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, max_answer_bytes=20_000)
    endpoint = Endpoint("openai_compatible", "small", server.url)
    model = provider_model("mine:small", endpoint, ModelOptions())
    server.then(says("x" * 30_000), says("x" * 10_000))
    with pytest.raises(ModelError, match="more than 20,000 bytes"):
        await model.complete(asking_for())
    assert len((await model.complete(asking_for())).text) == 10_000


async def test_an_event_without_an_end_is_left_before_the_sdk_copies_it_at_each_line(
    server: ModelServer,
) -> None:
    answer = Endless("text/event-stream", b": still here\n" * 5_000)
    error = await error_of(server, answer, "anthropic", watched=True)
    assert error.kind is ErrorKind.TRANSIENT
    assert answer.sent < BETWEEN_BYTES


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_endless_error_is_left(server: ModelServer, protocol: str) -> None:
    answer = Endless("application/json", b"x" * 65_536, status=400)
    assert (await error_of(server, answer, protocol, watched=False)).kind is ErrorKind.REQUEST
    assert answer.sent < MAX_ERROR_BYTES + BETWEEN_BYTES


def packed(body: bytes, coding: str) -> Answer:
    data = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    return lambda exchange: exchange.send(200, data, Content_Encoding=coding)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_small_packed_answer_is_unpacked_no_further(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch, protocol: str, coding: str
) -> None:
    unpacked: list[int] = []
    unpack = bounded_http._unpacked

    async def counted(*arguments: Any) -> Any:
        async for piece in unpack(*arguments):
            unpacked.append(len(piece))
            yield piece

    monkeypatch.setattr(bounded_http, "_unpacked", counted)
    error = await error_of(server, packed(b" " * 60_000_000, coding), protocol, watched=False)
    assert error.kind is ErrorKind.CONTENT
    assert max(unpacked) <= PIECE_BYTES
    assert sum(unpacked) <= MAX_BYTES + PIECE_BYTES


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_plain_answers_are_asked_for_and_packed_ones_read(
    server: ModelServer, coding: str
) -> None:
    body = b'{"choices": [{"message": {"content": "Fine."}}]}'
    server.then(packed(body, coding), packed(b"", coding))
    model = model_at(server, "openai_compatible")
    assert (await model.complete(asking_for())).text == "Fine."
    assert server.calls[0].headers["accept-encoding"] == "identity"
    server.then(lambda exchange: exchange.send(200, b"not packed", Content_Encoding=coding))
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for())
    assert caught.value.kind is ErrorKind.TRANSIENT


@pytest.mark.parametrize("protocol", ["openai", *PROTOCOLS])
@pytest.mark.parametrize("watched", [False, True])
async def test_a_text_may_be_a_million_characters_long(
    server: ModelServer, protocol: str, watched: bool
) -> None:
    longest = " ".join(["x" * 9_999] * 100) + "x"
    assert len(longest) == MAX_TEXT
    server.then(says(longest))
    model, deltas = model_at(server, protocol), list[str]()
    answer = await model.complete(asking_for(), deltas.append if watched else None)
    assert answer.text == longest
    assert "".join(deltas) == (longest if watched else "")
    error = await error_of(server, says(f"{longest}x"), protocol, watched)
    assert error.kind is ErrorKind.CONTENT
    assert "has more than 1,000,000 characters" in error.message


async def test_thoughts_count_too(server: ModelServer) -> None:
    answer = chunks("<think>", *["x" * 100_000] * 11)
    error = await error_of(server, answer, "openai_compatible", watched=True)
    assert error.kind is ErrorKind.CONTENT


async def test_deep_nesting_is_no_answer(server: ModelServer) -> None:
    for body in (b"[" * 500_000, b'{"error":' * 900 + b"1" + b"}" * 900):
        error = await error_of(server, replies(body), "openai_compatible", watched=False)
        assert error.kind is ErrorKind.TRANSIENT
