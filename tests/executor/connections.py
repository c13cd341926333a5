"""Model connections to a server of the tests, asked as designs ask them."""

from __future__ import annotations

import asyncio
from typing import Any

from designs.patterns.base import Part
from executor.connections import save_connection
from executor.engine.llm.base import Model, ModelAnswer, ModelError, ModelRequest
from executor.language_models.registry import ModelRegistry
from executor.models import ModelConnection
from tests.model_server import ModelServer

KEY = "sk-canary-3b9e77aa0c51"


def connect(server: ModelServer, name: str = "vllm", **fields: Any) -> ModelConnection:
    """A saved connection with a key and the default model `small`."""
    key = fields.pop("key", KEY)
    given = {"base_url": server.url, "default_model": "small", **fields}
    row = ModelConnection(name=name, **given)
    save_connection(connection=row, new_key=key)
    return row


def change(row: ModelConnection, *, key: str = "", **fields: Any) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    save_connection(connection=row, new_key=key)


class Process:
    """The models as one process of the installation knows them; other ones know nothing of it."""

    def __init__(self) -> None:
        self.models = ModelRegistry()

    def model(self, name: str = "vllm") -> Model:
        return self.models.resolve(name)

    async def ask(self, name: str = "vllm", seconds: float = 60.0) -> ModelAnswer:
        parts = (Part("Task", "Say hello."),)
        request = ModelRequest("run:key", "", parts, "answer", "worker", timeout_seconds=seconds)
        return await self.model(name).complete(request)

    async def fails(self, name: str = "vllm", seconds: float = 60.0) -> ModelError:
        try:
            answer = await self.ask(name, seconds)
        except ModelError as error:
            return error
        raise AssertionError(f"it answered: {answer}")

    async def ask_many(self, count: int, name: str = "vllm") -> list[Any]:
        return await asyncio.gather(*(self.ask(name) for _ in range(count)), return_exceptions=True)
