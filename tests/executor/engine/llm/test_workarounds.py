"""Servers that lack a feature are asked again without it, and from then on."""

from __future__ import annotations

from typing import Any

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.clients import Endpoint
from executor.engine.llm.openai_protocol import chat_address
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.providers import ProviderModel
from executor.engine.llm.workarounds import Lack
from tests.executor.engine.llm.conftest import KEY, asking_for, model_at
from tests.model_server import Answer, Exchange, ModelServer, fails, gives, replies, says

SCHEMA = {"type": "object", "properties": {"route": {"enum": ["a"]}}, "required": ["route"]}


def unless(field: str, refusal: Answer, otherwise: Answer) -> Answer:
    """Refuses requests that have the field."""

    def answer(exchange: Exchange) -> None:
        (refusal if field in exchange.call.body else otherwise)(exchange)

    return answer


NO_SCHEMA = [
    fails(400, "This response_format type is unavailable now"),
    fails(422, "json_schema is not supported"),
    fails(501, "structured output"),
    fails(400, ""),
    replies({"detail": [{"loc": ["body", "response_format"], "msg": "extra fields"}]}, 422),
    replies({"error": "'response_format.type' must be 'text'"}, 400),
    replies("unknown field: response_format", 400, "text/plain"),
    replies({"error": {"message": "response_format is not supported", "code": 400}}),
]


@pytest.mark.parametrize("refusal", NO_SCHEMA)
async def test_without_a_schema_it_stands_in_the_prompt(
    server: ModelServer, refusal: Answer
) -> None:
    server.usual = unless("response_format", refusal, gives({"route": "a"}))
    model = model_at(server, "openai_compatible")
    for _ in range(2):
        assert (await model.complete(asking_for(schema=SCHEMA))).value == {"route": "a"}
    assert ["response_format" in call.body for call in server.calls] == [True, False, False]
    system = server.calls[-1].body["messages"][0]["content"]
    assert "Answer only with JSON that fits this JSON Schema: " in system
    # Nothing else is asked in another way for it.
    assert model.lacks == {Lack.JSON_SCHEMA}


@pytest.mark.parametrize(
    "refusal",
    [
        fails(400, "System role not supported"),
        fails(500, "Jinja Exception: System role not supported"),
        fails(400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        fails(400, "Only user and assistant roles are supported!"),
        fails(400, "Developer instruction is not enabled for models/gemma-3-4b-it"),
        fails(422, "messages[0].role: 'system' is not allowed"),
    ],
)
@pytest.mark.parametrize("watched", [False, True])
async def test_without_a_system_role_instructions_go_into_the_users_message(
    server: ModelServer, refusal: Answer, watched: bool
) -> None:
    def answer(exchange: Exchange) -> None:
        roles = [message["role"] for message in exchange.call.body["messages"]]
        (refusal if "system" in roles else says("Fine."))(exchange)

    server.usual = answer
    model = model_at(server, "openai_compatible")
    for _ in range(2):
        listener = (lambda _: None) if watched else None
        assert (await model.complete(asking_for("Say hello."), listener)).text == "Fine."
    assert len(server.calls) == 3
    (message,) = server.calls[-1].body["messages"]
    assert message == {"role": "user", "content": "You are brief.\n\nSay hello."}
    assert model.lacks == {Lack.SYSTEM_ROLE}


async def test_several_at_once(server: ModelServer) -> None:
    def answer(exchange: Exchange) -> None:
        body = exchange.call.body
        if body["messages"][0]["role"] == "system":
            fails(400, "System role not supported")(exchange)
        elif "response_format" in body:
            fails(400, "response_format?")(exchange)
        else:
            gives({"route": "a"})(exchange)

    server.usual = answer
    model = model_at(server, "openai_compatible")
    assert (await model.complete(asking_for(schema=SCHEMA))).value == {"route": "a"}
    assert len(server.calls) == 3
    (message,) = server.calls[-1].body["messages"]
    assert message["content"].startswith("You are brief.\n\nAnswer only with JSON")


async def test_the_word_for_the_limit_and_the_options_of_streams(server: ModelServer) -> None:
    server.usual = unless(
        "max_tokens",
        fails(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        unless("stream_options", fails(422, "stream_options: extra"), says("Fine.")),
    )
    model = model_at(server, "openai_compatible")
    asked = asking_for(max_output_tokens=70)
    assert (await model.complete(asked, lambda _: None)).text == "Fine."
    body = server.calls[-1].body
    assert (body["max_completion_tokens"], body["stream"]) == (70, True)
    assert model.lacks == {Lack.MAX_TOKENS, Lack.STREAM_OPTIONS}


async def test_what_was_no_reason_is_not_remembered(server: ModelServer) -> None:
    server.usual = fails(400, "The system prompt is too long.")
    model = model_at(server, "openai_compatible")
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for())
    assert caught.value.kind is ErrorKind.REQUEST
    assert model.lacks == set()
    assert len(server.calls) == 2


async def test_what_is_known_is_not_tried(server: ModelServer) -> None:
    lacks = frozenset({Lack.JSON_SCHEMA, Lack.SYSTEM_ROLE, Lack.STREAMING})
    endpoint = Endpoint("openai_compatible", "small", server.url, KEY)
    model, deltas = ProviderModel("x:small", endpoint, ModelOptions(lacks=lacks)), list[str]()
    server.then(says("Fine."), gives({"route": "a"}))
    assert (await model.complete(asking_for(), deltas.append)).text == "Fine."
    await model.complete(asking_for(schema=SCHEMA))
    assert deltas == ["Fine."]
    for call in server.calls:
        assert not {"stream", "response_format"} & call.body.keys()
        assert [message["role"] for message in call.body["messages"]] == ["user"]
    await model.close()


@pytest.mark.parametrize("protocol", ["openai", "openai_compatible", "ollama", "anthropic"])
@pytest.mark.parametrize("schema", [None, SCHEMA])
async def test_an_agents_limit_is_sent(server: ModelServer, protocol: str, schema: Any) -> None:
    server.usual = gives({"route": "a"})
    await model_at(server, protocol).complete(asking_for(schema=schema, max_output_tokens=70))
    (call,) = server.calls
    assert 70 in (call.body.get("max_tokens"), call.body.get("max_completion_tokens"))


@pytest.mark.parametrize("path", ["", "/", "/chat/completions", "/chat/completions/", "/chat"])
def test_an_address_that_was_pasted_with_its_path(path: str) -> None:
    assert chat_address(f"http://x/v1{path}") == "http://x/v1/chat/completions"


@pytest.mark.parametrize(
    ("status", "words", "setting"),
    [
        (409, "System role not supported", "takes a system message"),
        (429, "json_schema is not supported", "takes a JSON schema"),
        (503, "streaming is not available", "sends text as it comes"),
        (503, "upstream connect error", ""),
        (400, "context length exceeded", ""),
        (403, "streaming is not in your plan", ""),
    ],
)
async def test_a_refusal_names_the_setting_that_mends_it(
    server: ModelServer, status: int, words: str, setting: str
) -> None:
    """Where it is not asked again without it by itself."""
    server.usual = fails(status, words)
    model = model_at(server, "openai_compatible")
    for watcher in (None, lambda _: None):
        with pytest.raises(ModelError) as caught:
            await model.complete(asking_for(), watcher)
        said = caught.value.message
        assert said.count("model connection") == (1 if setting else 0), said
        assert f"“{setting}”" in said or not setting
        assert str(caught.value) == said


async def test_what_is_left_out_already_is_not_advised(server: ModelServer) -> None:
    server.usual = fails(409, "System role not supported")
    endpoint = Endpoint("openai_compatible", "small", server.url, KEY)
    model = ProviderModel("x:small", endpoint, ModelOptions(lacks=frozenset({Lack.SYSTEM_ROLE})))
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for())
    assert "switch off" not in caught.value.message
