"""The stream of an execution's page: notifies readers who may see the page at the moment."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient

from designs.access import SYSTEM
from executor.models import Execution
from executor.services import cancel_execution
from executor.views import executions as views
from executor.views import page_streams
from tests.access_routes import make_world
from tests.losing_rights import LOSSES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def execution(viewer: User) -> Execution:
    return make_world(viewer).execution


async def stream_of(execution: Execution, user: User) -> Any:
    browser = AsyncClient()
    await browser.aforce_login(user)
    return await browser.get(f"/executions/{execution.pk}/stream/")


async def read(response: Any) -> list[bytes]:
    async with asyncio.timeout(60):
        return [part async for part in response.streaming_content]


@pytest.mark.parametrize("what", LOSSES)
async def test_it_ends_with(
    execution: Execution, viewer: User, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(page_streams, "LOOK_AGAIN_SECONDS", 0.1)
    response = await stream_of(execution, viewer)
    parts = aiter(response.streaming_content)
    assert await anext(parts) == views.CHANGED
    await sync_to_async(LOSSES[what])(viewer, "view_execution")
    async with asyncio.timeout(60):
        rest = [part async for part in parts]
    assert set(rest) <= {views.CHANGED, b": alive\n\n"}


async def test_it_rings_at_once_and_at_the_end(execution: Execution, viewer: User) -> None:
    first = aiter((await stream_of(execution, viewer)).streaming_content)
    assert await anext(first) == views.CHANGED
    second = asyncio.create_task(read(await stream_of(execution, viewer)))
    await sync_to_async(cancel_execution)(execution=execution, caller=SYSTEM)
    async with asyncio.timeout(60):
        rest = [part async for part in first]
    for heard in (rest, await second):
        assert heard[-1] == views.ENDED
        assert views.CHANGED in heard


async def test_all_pages_of_a_run_share_one_reader(
    execution: Execution, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = dataclasses.replace(settings.ENVIRONMENT, streams_per_caller=100)
    monkeypatch.setattr(settings, "ENVIRONMENT", many)
    reads: list[Any] = []
    state = views._state
    monkeypatch.setattr(views, "_state", lambda pk: reads.append(pk) or state(pk))
    pages = []
    for _ in range(30):
        pages.append(aiter((await stream_of(execution, viewer)).streaming_content))
        assert await anext(pages[-1]) == views.CHANGED
    assert len(reads) <= 2


async def test_beyond_its_number_it_is_refused(
    execution: Execution, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = dataclasses.replace(settings.ENVIRONMENT, streams_per_caller=1)
    monkeypatch.setattr(settings, "ENVIRONMENT", one)
    kept = await stream_of(execution, viewer)
    refused = await stream_of(execution, viewer)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    del kept
