"""Errors of servers: their kind and sentence, without the key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from designs.patterns.base import Part
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.clients import Endpoint
from executor.engine.llm.providers import ProviderModel
from executor.engine.llm.server_errors import redacted
from tests.executor.engine.llm.conftest import KEY, asking_for, model_at
from tests.model_server import Answer, ModelServer, fails, says

HTML = b"<html><body>Bad gateway, key " + KEY.encode() + b"</body></html>"


async def error_of(model: ProviderModel, request: Any = None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await model.complete(request or asking_for())
    error = caught.value
    assert KEY not in error.message
    assert KEY not in str(error)
    assert error.message.startswith(model.name)
    return error


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fails(429, code="rate_limit_error"), ErrorKind.RATE_LIMIT),
        (fails(429, "Quota", "insufficient_quota"), ErrorKind.QUOTA),
        (fails(429, "Spent", "enforced_spend_limit_reached"), ErrorKind.QUOTA),
        (fails(402, code="billing_error"), ErrorKind.QUOTA),
        (fails(529, "Overloaded", "overloaded_error"), ErrorKind.TRANSIENT),
        (fails(500), ErrorKind.TRANSIENT),
        (fails(502), ErrorKind.TRANSIENT),
        (fails(503), ErrorKind.TRANSIENT),
        (fails(504), ErrorKind.TRANSIENT),
        (fails(408), ErrorKind.TRANSIENT),
        (fails(409), ErrorKind.TRANSIENT),
        (fails(400, "maximum context length", "context_length_exceeded"), ErrorKind.REQUEST),
        (fails(404, "no such model", "not_found_error"), ErrorKind.REQUEST),
        (fails(405), ErrorKind.REQUEST),
        (fails(413), ErrorKind.REQUEST),
        (fails(422), ErrorKind.REQUEST),
        (fails(401, "bad key", "authentication_error"), ErrorKind.CREDENTIAL),
        (fails(403, code="permission_error"), ErrorKind.CREDENTIAL),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_statuses(
    model: ProviderModel, server: ModelServer, answer: Answer, kind: ErrorKind, stream: bool
) -> None:
    server.then(answer)
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for(), (lambda _: None) if stream else None)
    assert caught.value.kind == kind
    assert caught.value.message.startswith(f"{model.name}: the ")
    # The SDK must not try again: one place counts tries.
    assert len(server.calls) == 1


async def test_what_the_server_says_is_told_shortened(
    model: ProviderModel, server: ModelServer
) -> None:
    server.then(fails(400, "This model's\n maximum context length is 8192 tokens. " + "x" * 900))
    message = (await error_of(model)).message
    assert "(400): This model's maximum context length is 8192 tokens." in message
    assert len(message) < 450
    assert message.endswith("…")


@pytest.mark.parametrize(
    ("header", "value", "least", "most"),
    [
        ("Retry_After", "7", 7, 7),
        ("Retry_After_Ms", "1500", 1.5, 1.5),
        ("Retry_After", "Wed, 21 Oct 2099 07:28:00 GMT", 1e9, 1e10),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 529])
async def test_how_long_a_server_asks_to_wait(
    model: ProviderModel, server: ModelServer, status: int, header: str, value: str, least: float,
    most: float,
) -> None:  # fmt: skip
    server.then(fails(status, code="rate_limit_error", **{header: value}))
    wait = (await error_of(model)).retry_after
    assert wait is not None
    assert least <= wait <= most


async def test_without_a_header_no_wait_is_asked_for(
    model: ProviderModel, server: ModelServer
) -> None:
    for value in ("soon", "-5"):
        server.then(fails(429, Retry_After=value))
        assert not (await error_of(model)).retry_after
    server.then(fails(429))
    assert (await error_of(model)).retry_after is None


@pytest.mark.parametrize(
    "body", [HTML, b"", b"null", b"{}", b"[]", b'"text"', b'{"choices": []}', b'{"error": "x"}',
             b'{"id": "x", "content": 5}', b"\xff\xfe"]
)  # fmt: skip
@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
async def test_an_answer_that_is_not_the_protocols(
    model: ProviderModel, server: ModelServer, body: bytes, content_type: str
) -> None:
    server.then(lambda exchange: exchange.send(200, body, content_type))
    error = await error_of(model)
    assert error.kind in (ErrorKind.TRANSIENT, ErrorKind.CONTENT)
    assert "pydantic" not in error.message
    assert "html" not in error.message


async def test_a_page_as_an_error_is_not_quoted(model: ProviderModel, server: ModelServer) -> None:
    server.then(lambda exchange: exchange.send(502, HTML, "text/html"))
    error = await error_of(model)
    assert error.message == f"{model.name}: the server cannot answer at the moment (502)."


async def test_redirects_are_not_followed_with_the_key(
    model: ProviderModel, server: ModelServer
) -> None:
    target = f"http://127.0.0.1:{server.port}/elsewhere/chat/completions"
    for status in (301, 302, 307, 308):
        server.then(lambda exchange, status=status: exchange.send(status, b"", Location=target))
        await error_of(model)
    assert "/elsewhere" not in "".join(call.path for call in server.calls)


async def test_the_key_is_in_no_error_whatever_the_server_says(
    model: ProviderModel, server: ModelServer
) -> None:
    for status in (400, 401, 403, 404, 409, 422, 429, 500, 503):
        server.then(fails(status, f"Incorrect API key provided: {KEY}. Bearer {KEY}"))
        error = await error_of(model)
        assert "4711" not in error.message
        assert repr(error).count(KEY) == 0
    assert KEY not in repr(model._endpoint)


async def test_a_key_that_looks_like_no_key_is_taken_out_too(server: ModelServer) -> None:
    server.then(fails(400, "Who is violet4711? violet4711!"))
    message = (await error_of(model_at(server, key="violet4711"))).message
    assert message.endswith("(400): Who is …? …!")


async def test_no_error_tells_whether_a_guess_is_the_key(server: ModelServer) -> None:
    """A server that quotes what it was asked: right and wrong guesses come back alike."""
    for guess in ("violet4711", "violet4712"):
        task = replace(asking_for(), parts=(Part("Task", f"Try {guess}"),))
        schema = asking_for(schema={"type": "object", "properties": {guess: {"type": "string"}}})
        for asked in (task, schema, replace(task, parts=(), system=guess)):
            server.then(fails(400, f"Cannot read: {guess}"))
            message = (await error_of(model_at(server, key="violet4711"), asked)).message
            assert message.endswith(f"(400): Cannot read: {guess}")


@pytest.mark.parametrize(
    "text", ["sk-proj-abcdef123456", "Bearer abcdefgh1234", "key=abcdef123456", "AIzaSyAbcdefgh"]
)
def test_other_keys_are_taken_out_too(text: str) -> None:
    assert redacted(f"Refused: {text}", str) == "Refused: …"
    assert redacted("The monkey asked for a token.", str) == "The monkey asked for a token."


@pytest.mark.parametrize("key", ["sk-ключ", "sk-a\nb", "sk-\x7f"])
async def test_a_key_that_no_header_can_hold(server: ModelServer, key: str) -> None:
    error = await error_of(model_at(server, key=key))
    assert error.kind is ErrorKind.CREDENTIAL
    assert key not in error.message
    assert server.calls == []


async def test_a_content_filter_is_final_and_paid(server: ModelServer) -> None:
    for protocol, reason in (("openai", "content_filter"), ("anthropic", "refusal")):
        server.then(says("half an ans", finish=reason))
        error = await error_of(model_at(server, protocol))
        assert error.kind is ErrorKind.REQUEST
        assert error.spent is not None
        assert error.spent.output_tokens == 5


async def test_nobody_listens() -> None:
    endpoint = Endpoint("openai", "x", "http://127.0.0.1:9/v1", KEY)
    assert (await error_of(ProviderModel("openai:x", endpoint))).kind is ErrorKind.TRANSIENT
    endpoint = Endpoint("anthropic", "x", "http://no-such-host.invalid", KEY)
    assert (await error_of(ProviderModel("anthropic:x", endpoint))).kind is ErrorKind.TRANSIENT
