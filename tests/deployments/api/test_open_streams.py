"""Streams are counted for their caller and their run, and read the database once for all."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient

from deployments.models import Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM, caller_of
from executor.errors import TooManyStreams
from executor.following import open_streams, stream_rows
from executor.following.open_streams import take_place
from executor.models import Execution, Trigger
from executor.services import cancel_execution
from tests.counted_streams import forget_earlier, until_counted
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_earlier()
    few = dataclasses.replace(settings.ENVIRONMENT, streams_per_caller=3, streams_per_run=5)
    monkeypatch.setattr(settings, "ENVIRONMENT", few)


@pytest.fixture
def execution(deploy: Callable[..., Deployment]) -> Execution:
    """One that waits for a worker, for ever."""
    return invoke_deployment(
        deployment=deploy(greeting(), "/greet"), input_data={}, trigger=Trigger.API, caller=SYSTEM
    )


@pytest.fixture
async def key(operator: User, key_of: Callable[..., str]) -> str:
    return await sync_to_async(key_of)(operator)


async def follow(execution: Execution, key: str) -> Any:
    return await AsyncClient().get(
        f"/api/executions/{execution.pk}/events", headers={"authorization": f"Bearer {key}"}
    )


async def opened(execution: Execution, key: str) -> AsyncIterator[bytes]:
    """A stream that has said something."""
    response = await follow(execution, key)
    assert response.status_code == 200
    lines: AsyncIterator[bytes] = aiter(response.streaming_content)
    assert await anext(lines) == b"retry: 1000\n\n"
    assert b"event: execution" in await anext(lines)
    return lines


async def test_a_caller_has_so_many_and_they_come_back(execution: Execution, key: str) -> None:
    streams = [await opened(execution, key) for _ in range(3)]
    refused = await follow(execution, key)
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/too-many-streams"
    assert "3 streams" in refused.json()["detail"]
    assert int(refused["Retry-After"]) > 0
    # A client that goes away.
    streams.pop()
    await until_counted(2)
    streams.append(await opened(execution, key))
    # And the end of the run.
    await sync_to_async(cancel_execution)(execution=execution, caller=SYSTEM)
    for lines in streams:
        assert b"event: done" in [line async for line in lines][-1]
    await until_counted(0)
    assert not open_streams._open
    assert not open_streams._counts


async def test_a_run_has_so_many(
    execution: Execution, make_user: Callable[..., User], key_of: Callable[..., str]
) -> None:
    people = [await sync_to_async(make_user)(f"p{n}", "Operator") for n in range(6)]
    keys = [await sync_to_async(key_of)(person) for person in people]
    streams = [await opened(execution, key) for key in keys[:5]]
    refused = await follow(execution, keys[5])
    assert refused.status_code == 429
    assert "listeners" in refused.json()["detail"]
    streams.clear()
    await until_counted(0)


async def test_what_another_process_noted_counts_until_its_lease_is_over(
    execution: Execution, operator: User
) -> None:
    caller = await sync_to_async(caller_of)(operator)
    client = redis.Redis.from_url(settings.REDIS_URL)
    name = f"{open_streams.PREFIX}caller:{caller.key_identity}"
    seconds, micros = client.time()
    now = seconds * 1000 + micros // 1000
    client.zadd(name, {"one": now + 60_000, "two": now + 60_000, "lost": now - 1})
    place = await take_place(caller, execution.pk)
    with pytest.raises(TooManyStreams):
        await take_place(caller, execution.pk)
    place.free()
    place.free()
    await until_counted(2)
    client.delete(name)


async def test_a_process_has_so_many(
    execution: Execution, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = dataclasses.replace(settings.ENVIRONMENT, most_streams=1)
    monkeypatch.setattr(settings, "ENVIRONMENT", one)
    lines = await opened(execution, key)
    assert (await follow(execution, key)).status_code == 429
    del lines
    await until_counted(0)


async def test_without_redis_each_process_counts(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_streams.patience, "_try_at", 1e18)
    caller = await sync_to_async(caller_of)(operator)
    places = [await take_place(caller, uuid.uuid4()) for _ in range(3)]
    with pytest.raises(TooManyStreams):
        await take_place(caller, uuid.uuid4())
    for place in places:
        place.free()


async def test_a_stream_that_is_never_begun_gives_its_place_back(
    execution: Execution, key: str
) -> None:
    response = await follow(execution, key)
    assert len(open_streams._open) == 1
    del response
    await until_counted(0)


async def test_a_refused_call_starts_nothing_and_keeps_no_place(
    execution: Execution, key: str
) -> None:
    streams = [await opened(execution, key) for _ in range(2)]
    sent = {"authorization": f"Bearer {key}", "accept": "text/event-stream"}

    async def call(body: str) -> Any:
        return await AsyncClient().post(
            "/api/deployed/greet", body, content_type="application/json", headers=sent
        )

    assert (await call("[]")).status_code == 400
    await until_counted(2)
    streams.append(await opened(execution, key))
    before = await Execution.objects.acount()
    assert (await call("{}")).status_code == 429
    assert await Execution.objects.acount() == before
    streams.clear()
    await until_counted(0)


async def test_one_reader_for_all_listeners_and_each_piece_is_encoded_once(
    execution: Execution, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = dataclasses.replace(settings.ENVIRONMENT, streams_per_caller=100, streams_per_run=100)
    monkeypatch.setattr(settings, "ENVIRONMENT", many)
    reads: list[Any] = []
    encoded: list[Any] = []
    read, event = stream_rows.read_runs, stream_rows.StreamEvent
    monkeypatch.setattr(stream_rows, "read_runs", lambda asked: reads.append(asked) or read(asked))
    monkeypatch.setattr(
        stream_rows, "StreamEvent", lambda name, *a: encoded.append(name) or event(name, *a)
    )
    streams = [await opened(execution, key) for _ in range(40)]
    assert len(reads) <= 3
    reads.clear()
    encoded.clear()
    await sync_to_async(cancel_execution)(execution=execution, caller=SYSTEM)
    rest = [[line async for line in lines] for lines in streams]
    assert all(b"event: done" in lines[-1] for lines in rest)
    # The very same bytes for all of them.
    assert len({id(lines[-1]) for lines in rest}) == 1
    assert len(reads) <= 3
    assert encoded.count("execution") == 1
