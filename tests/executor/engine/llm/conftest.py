"""The model server, and models of each protocol that use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from designs.patterns.base import Part
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.clients import Endpoint
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.providers import ProviderModel
from tests.model_server import ModelServer, model_server

KEY = "sk-secret-4711-abcdef"
PROTOCOLS = ("openai", "anthropic", "openai_compatible", "ollama")


_made: list[ProviderModel] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    """No test leaves connections open behind it."""
    yield
    while _made:
        await _made.pop().close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        yield found


def model_at(
    server: ModelServer, protocol: Any = "openai", key: str = KEY, *, model: str = ""
) -> ProviderModel:
    """A model as the installation makes it, but for the address."""
    usual = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-5-5"}
    name = model or usual.get(protocol, "small")
    url = server.anthropic_url if protocol == "anthropic" else server.url
    hosted = protocol in ("openai", "anthropic")
    options = ModelOptions(priced=True) if hosted else ModelOptions(says_schema=True)
    _made.append(ProviderModel(f"{protocol}:{name}", Endpoint(protocol, name, url, key), options))
    return _made[-1]


@pytest.fixture(params=PROTOCOLS)
def model(request: pytest.FixtureRequest, server: ModelServer) -> ProviderModel:
    """One of each protocol."""
    return model_at(server, request.param)


def asking_for(text: str = "Say hello.", **more: Any) -> ModelRequest:
    usual: dict[str, Any] = {
        "call_key": "run:a/b/1/answer",
        "system": "You are brief.",
        "parts": [Part("Task", text)],
        "purpose": "answer",
        "role": "worker",
        "timeout_seconds": 60.0,
    }
    return ModelRequest(**{**usual, **more})
