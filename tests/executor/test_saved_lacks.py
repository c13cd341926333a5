"""What calls find that a server does without is kept at its connection, for all processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from designs.runtime.threads import in_thread
from executor.engine.llm.workarounds import Lack
from executor.language_models.connection_clients import LACK_FIELDS
from executor.models import ModelConnection
from tests.executor.connections import Process, change, connect
from tests.executor.engine.llm.conftest import asking_for
from tests.executor.engine.llm.test_workarounds import SCHEMA, unless
from tests.model_server import ModelServer, fails, gives, model_server
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        refusal = fails(400, "response_format is not supported")
        found.usual = unless("response_format", refusal, gives({"route": "a"}))
        yield found


def takes_schema() -> bool:
    return ModelConnection.objects.get().takes_json_schema


def kinds(server: ModelServer) -> list[bool]:
    return ["response_format" in call.body for call in server.calls]


async def test_another_process_knows_it(server: ModelServer) -> None:
    await in_thread(connect, server)
    await Process().model().complete(asking_for(schema=SCHEMA))
    await in_thread(wait_until, lambda: not takes_schema())
    assert kinds(server) == [True, False]
    await Process().model().complete(asking_for(schema=SCHEMA))
    assert kinds(server) == [True, False, False]


async def test_what_one_of_several_models_lacks_is_not_said_of_all(server: ModelServer) -> None:
    await in_thread(connect, server)
    model = Process().model("vllm:another")
    await model.complete(asking_for(schema=SCHEMA))
    await model.complete(asking_for(schema=SCHEMA))
    assert kinds(server) == [True, False, False]
    assert await in_thread(takes_schema)


async def test_a_connection_that_was_changed_meanwhile_stays_as_it_is(server: ModelServer) -> None:
    row = await in_thread(connect, server)
    process = Process()
    client = await process.models.connections.client("vllm", "")
    await in_thread(change, row, timeout_seconds=60)
    await client._save_lacks({Lack.STREAMING})
    row = await in_thread(ModelConnection.objects.get)
    assert row.streams


def test_each_has_its_field() -> None:
    names = {field.name for field in ModelConnection._meta.get_fields()}
    assert set(LACK_FIELDS.values()) <= names
