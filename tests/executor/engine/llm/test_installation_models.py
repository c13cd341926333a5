"""The production path: names of models, resolved from the environment, asked at a real server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings

from executor.engine.llm.base import ErrorKind, ModelError
from executor.language_models.registry import default_models, model_registry
from tests.executor.engine.llm.conftest import asking_for
from tests.executor.engine.stage import play
from tests.graphs import agent, asking, chain, design
from tests.model_server import ModelServer, fails, gives, says

KEY = "sk-secret-4711-abcdef"
BARE = {
    "model": "", "llm_url": "", "llm_model": "", "llm_key": "", "openai_api_key": "",
    "anthropic_api_key": "", "gemini_api_key": "", "local_model": False, "local_model_url": "",
    "local_model_key": "",
}  # fmt: skip
Environ = Callable[..., None]


@pytest.fixture
def environ(settings: Any) -> Environ:
    """Gives the installation another environment."""

    def change(**values: Any) -> None:
        settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, **{**BARE, **values})

    change()
    return change


def error_of(name: str) -> str:
    with pytest.raises(ModelError) as caught:
        model_registry().resolve(name)
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    return caught.value.message


async def test_a_server_by_url(server: ModelServer, environ: Environ) -> None:
    environ(llm_url=server.url, llm_model="qwen", llm_key=KEY)
    assert default_models() == ("openai_compatible:qwen",)
    model = model_registry().resolve("openai_compatible:other/model:7b")
    answer = await model.complete(asking_for())
    assert (answer.text, answer.model) == ("Hello.", "openai_compatible:other/model:7b")
    assert (answer.cost_usd, answer.input_tokens) == (None, 10)
    (call,) = server.calls
    assert call.body["model"] == "other/model:7b"
    assert call.headers["authorization"] == f"Bearer {KEY}"


async def test_a_server_without_a_key_gets_none(server: ModelServer, environ: Environ) -> None:
    environ(llm_url=server.url, llm_model="qwen", openai_api_key=KEY)
    await model_registry().resolve("openai_compatible:qwen").complete(asking_for())
    assert KEY not in str(server.calls[0].headers)


async def test_ollama_is_asked_at_the_same_url(server: ModelServer, environ: Environ) -> None:
    environ(llm_url=server.url, llm_model="llama3")
    answer = await model_registry().resolve("ollama:llama3").complete(asking_for())
    assert answer.text == "Hello."
    assert server.calls[0].path == "/v1/chat/completions"


async def test_the_local_model_is_asked_as_small_models_are(
    server: ModelServer, environ: Environ
) -> None:
    environ(local_model=True, local_model_url=server.url, local_model_key=KEY)
    assert default_models() == ("local:smollm2",)
    server.then(says("x"), gives({"text": "x"}))
    model = model_registry().resolve("local:smollm2")
    assert (await model.complete(asking_for())).cost_usd == 0
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    await model.complete(asking_for(schema=schema))
    plain, structured = (call.body for call in server.calls)
    assert (plain["temperature"], plain["model"]) == (0.0, "smollm2")
    sent = structured["response_format"]["json_schema"]["schema"]
    assert sent["properties"]["text"]["maxLength"] > 0


def test_the_default_is_the_best_there_is(environ: Environ) -> None:
    everything = {
        "model": "openai:gpt-5, offline:stand-in", "openai_api_key": KEY, "anthropic_api_key": KEY,
        "gemini_api_key": KEY, "llm_url": "http://127.0.0.1:1/v1", "llm_model": "qwen",
        "local_model": True, "local_model_url": "http://127.0.0.1:1/v1",
    }  # fmt: skip
    found = []
    for gone in ("", "model", "openai_api_key", "anthropic_api_key", "gemini_api_key", "llm_url",
                 "local_model_url"):  # fmt: skip
        everything.pop(gone, None)
        environ(**everything)
        found.append(default_models())
    assert found[0] == ("openai:gpt-5", "offline:stand-in")
    assert [names[0].split(":")[0] for names in found] == [
        "openai", "openai", "anthropic", "google", "openai_compatible", "local", "offline",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("openai:gpt-5", "The model 'openai:gpt-5' needs a key: set OPENAI_API_KEY."),
        ("anthropic:x", "The model 'anthropic:x' needs a key: set ANTHROPIC_API_KEY."),
        ("google:x", "The model 'google:x' needs a key: set GEMINI_API_KEY."),
        ("openai_compatible:x", "needs an address: set ORCHESTRA_LLM_URL and ORCHESTRA_LLM_MODEL."),
        ("local:smollm2", "is switched off by ORCHESTRA_LOCAL_MODEL."),
        ("local:other", "There is no local model 'other'"),
        ("offline:other", "There is no offline model 'other'"),
        ("Mars:x", "There is no model 'Mars:x': write it as provider:model"),
        ("", "There is no model ''"),
        (":", "There is no model ':'"),
        ("openai:", "There is no model 'openai:'"),
    ],
)
def test_what_is_missing_is_said(environ: Environ, name: str, sentence: str) -> None:
    assert sentence in error_of(name)


async def test_a_changed_environment_counts_at_once(server: ModelServer, environ: Environ) -> None:
    environ(llm_url="http://127.0.0.1:9/v1", llm_model="qwen")
    with pytest.raises(ModelError):
        await model_registry().resolve("openai_compatible:qwen").complete(asking_for())
    environ(llm_url=server.url, llm_model="qwen")
    model = model_registry().resolve("openai_compatible:qwen")
    assert (await model.complete(asking_for())).text == "Hello."
    assert model_registry().resolve("openai_compatible:qwen") is model


async def test_a_run_with_the_installations_models(server: ModelServer, environ: Environ) -> None:
    environ(llm_url=server.url, llm_model="qwen", llm_key=KEY)
    server.then(fails(503, f"Down, {KEY}"), says("One."), fails(400, f"No, {KEY}"))
    fallback = agent("w", model=["openai:gpt-5", "openai_compatible:qwen", "offline:stand-in"])
    raw = design([asking("a"), asking("b", fallback)], chain("a", "b"))
    played = await play(raw, models=model_registry(), default_models=default_models())
    assert played.result.startswith("[stand-in]")
    assert played.outcome.block_outputs["a"] == "One."
    assert KEY not in repr(played)
    assert [call.body["model"] for call in server.calls] == ["qwen"] * 3


async def test_a_refused_key_stays_out_of_the_history(
    server: ModelServer, environ: Environ
) -> None:
    environ(llm_url=server.url, llm_model="qwen", llm_key=KEY)
    server.usual = fails(401, f"Incorrect API key provided: {KEY}")
    played = await play(
        design([asking("a")]), models=model_registry(), default_models=default_models()
    )
    assert played.error == (
        "credential",
        "Block 'a': agent 'writer' got no answer: openai_compatible:qwen: the server refuses the "
        "key; check it (401).",
    )
    assert KEY not in repr(played.events)
