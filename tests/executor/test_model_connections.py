"""Model connections: what is asked of which server, and what cannot be asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from designs.runtime.threads import in_thread
from executor.engine.llm.base import ErrorKind, ModelError
from executor.errors import ModelUnavailable
from executor.language_models.registry import _FACTORIES, check_model
from executor.models import PROVIDER_WORDS, ModelConnection
from tests.executor.connections import KEY, Process, connect
from tests.model_server import ModelServer, model_server, says

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        yield found


# --- What is asked --------------------------------------------------------------------------------


async def test_its_name_asks_the_default_model_with_the_key(server: ModelServer) -> None:
    await in_thread(connect, server)
    answer = await Process().ask()
    assert (answer.text, answer.model) == ("Hello.", "vllm:small")
    assert (answer.input_tokens, answer.output_tokens, answer.cost_usd) == (10, 5, None)
    call = server.calls[0]
    assert (call.path, call.body["model"]) == ("/v1/chat/completions", "small")
    assert call.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("model", ["large", "meta/llama-3.1:8b", "a@b+c_d-e"])
async def test_a_colon_names_another_model(server: ModelServer, model: str) -> None:
    await in_thread(connect, server, default_model="")
    assert (await Process().ask(f"vllm:{model}")).model == f"vllm:{model}"
    assert server.calls[0].body["model"] == model


async def test_every_protocol_has_its_price(server: ModelServer) -> None:
    address = server.anthropic_url
    await in_thread(
        connect, server, "claude", provider="anthropic", base_url=address,
        default_model="claude-sonnet-5-5",
    )  # fmt: skip
    server.usual = says("Hello.", tokens=(1_000_000, 0))
    answer = await Process().ask("claude")
    assert answer.cost_usd is not None
    assert Decimal(1) < answer.cost_usd < Decimal(10)
    assert server.calls[0].path == "/v1/messages"
    assert KEY in str(server.calls[0].headers)


async def test_a_server_without_a_key_is_sent_none(server: ModelServer) -> None:
    await in_thread(connect, server, key="")
    await Process().ask()
    assert KEY not in str(server.calls[0].headers)


async def test_a_call_ends_within_the_connections_time(server: ModelServer) -> None:
    await in_thread(connect, server, timeout_seconds=1)
    told = threading.Event()
    server.usual = says("too late", after=told)
    error = await Process().fails(seconds=60)
    told.set()
    assert error.kind is ErrorKind.TIMEOUT
    assert "within 1 second" in error.message


# --- What goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "name", "says_what"),
    [
        ({}, "nowhere", "There is no model connection 'nowhere': add one on the page"),
        ({}, "Not A Name", "There is no model 'Not A Name': write it as provider:model"),
        ({}, "openai", "There is no model 'openai': write it as provider:model"),
        ({}, "vllm:../../files", "'vllm:../../files' does not name a model"),
        (
            {"default_model": ""},
            "vllm",
            "has no default model: set one, or",
        ),
        ({"is_enabled": False}, "vllm", "is disabled: enable it"),
        ({"key": "", "provider": "ollama"}, "vllm2", "There is no model connection 'vllm2'"),
    ],
)
def test_what_cannot_be_asked_is_said_at_every_door(
    server: ModelServer, fields: dict[str, Any], name: str, says_what: str
) -> None:
    connect(server, **fields)
    with pytest.raises(ModelUnavailable) as refused:
        check_model(name)
    assert says_what in str(refused.value)
    with pytest.raises(ModelError) as failed:
        asyncio.run(Process().ask(name))
    assert (failed.value.kind, failed.value.message) == (ErrorKind.UNAVAILABLE, str(refused.value))
    assert server.calls == []


async def test_a_key_that_cannot_be_opened_is_a_sentence(
    server: ModelServer, settings: Any
) -> None:
    await in_thread(connect, server)
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, encryption_keys=("another",))
    error = await Process().fails()
    assert error.kind is ErrorKind.UNAVAILABLE
    assert "'vllm' has no usable key" in error.message
    assert "ORCHESTRA_ENCRYPTION_KEYS" in error.message


async def test_a_provider_whose_key_was_lost_is_not_asked(server: ModelServer) -> None:
    await in_thread(connect, server, provider="openai")
    await in_thread(lambda: ModelConnection.objects.update(api_key=""))
    assert "has no key: type one" in (await Process().fails()).message


def test_names_and_words_for_providers_do_not_meet() -> None:
    assert set(_FACTORIES) == PROVIDER_WORDS
