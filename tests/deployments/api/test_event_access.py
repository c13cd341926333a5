"""Who may follow a run: those who see it, as long as they do, with what they may read of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, User
from django.test import AsyncClient

from deployments.access.keys import create_key, forget_keys, revoke_key
from deployments.api import streams
from deployments.models import Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor.following import pubsub
from executor.following import stream as follower
from executor.models import Execution, Trigger
from executor.services import cancel_execution
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def execution(deploy: Callable[..., Deployment]) -> Execution:
    """One that waits for a worker, for ever."""
    return invoke_deployment(
        deployment=deploy(greeting(), "/greet"), input_data={}, trigger=Trigger.API, caller=SYSTEM
    )


async def follow(execution: Execution, key: str) -> Any:
    return await AsyncClient().get(
        f"/api/executions/{execution.pk}/events", headers={"authorization": f"Bearer {key}"}
    )


async def names(lines: AsyncIterator[bytes]) -> list[str]:
    text = b"".join([line async for line in lines]).decode()
    return [line[7:] for line in text.splitlines() if line.startswith("event: ")]


async def test_who_may_not_see_it_gets_no_stream(
    execution: Execution, viewer: User, make_user: Callable[..., User], key_of: Callable[..., str]
) -> None:
    nobody = await sync_to_async(make_user)("nobody")
    key = await sync_to_async(key_of)(nobody)
    assert (await follow(execution, key)).status_code == 403
    assert (await follow(execution, "orc_00000000_x")).status_code == 401
    key = await sync_to_async(key_of)(viewer)
    assert (await AsyncClient().get("/api/executions/nonsense/events",
            headers={"authorization": f"Bearer {key}"})).status_code == 404  # fmt: skip
    limited = await sync_to_async(lambda: execution.deployment)()
    designers = await sync_to_async(Group.objects.get)(name="Designer")
    await sync_to_async(limited.groups.set)([designers])
    assert (await follow(execution, key)).status_code == 404


async def test_a_stream_ends_when_its_key_is_revoked(
    execution: Execution, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(follower, "ALIVE_SECONDS", 0.1)
    key, text = await sync_to_async(create_key)(owner=operator)
    response = await follow(execution, text)
    reading = asyncio.create_task(names(response.streaming_content))
    await asyncio.sleep(0.5)
    assert not reading.done()
    await sync_to_async(revoke_key)(key=key)
    assert await asyncio.wait_for(reading, 60) == ["execution"]


async def test_a_stream_that_nobody_feeds_says_that_it_is_alive_and_hears_the_end(
    execution: Execution,
    operator: User,
    key_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follower, "ALIVE_SECONDS", 0.1)
    response = await follow(execution, await sync_to_async(key_of)(operator))
    parts = []
    async for part in response.streaming_content:
        parts.append(part.decode())
        if part == b": alive\n\n" and parts.count(part.decode()) == 2:
            await sync_to_async(cancel_execution)(execution=execution, caller=SYSTEM)
    done = json.loads(parts[-1].partition("data: ")[2])
    assert done["status"] == 409
    assert done["type"] == "/problems/run-cancelled"
    assert await Execution.objects.acount() == 1


async def test_payloads_end_when_the_right_to_see_them_is_taken(
    execution: Execution,
    operator: User,
    key_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "LOOK_AGAIN_SECONDS", 0.1)
    response = await follow(execution, await sync_to_async(key_of)(operator))
    parts = aiter(response.streaming_content)
    assert await anext(parts) == b"retry: 1000\n\n"
    await anext(parts)

    def take() -> None:
        operator.groups.set(Group.objects.filter(name="Viewer"))
        forget_keys()

    await sync_to_async(take)()
    await asyncio.sleep(0.3)
    pubsub.publish_text(
        execution.pk,
        {"key": "greet/1", "try": 1, "at": 0, "text": "hidden", "block_id": "b", "agent_id": "a"},
    )
    async with asyncio.timeout(60):
        while await anext(parts) != b": alive\n\n":
            pass
    await sync_to_async(cancel_execution)(execution=execution, caller=SYSTEM)
    async with asyncio.timeout(60):
        rest = b"".join([part async for part in parts])
    assert b"hidden" not in rest
    assert b"event: done" in rest


async def test_a_stream_ends_when_the_right_to_see_runs_is_taken(
    execution: Execution,
    operator: User,
    key_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "LOOK_AGAIN_SECONDS", 0.1)
    response = await follow(execution, await sync_to_async(key_of)(operator))
    reading = asyncio.create_task(names(response.streaming_content))
    await sync_to_async(operator.groups.clear)()
    assert await asyncio.wait_for(reading, 60) in ([], ["execution"])
