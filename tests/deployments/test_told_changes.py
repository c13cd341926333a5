"""What a process remembers of keys and deployments counts no more once another changed them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
import redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User

from deployments.access import keys
from deployments.calls import lookup
from deployments.models import ApiKey, Deployment
from executor.following import pubsub

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def _listening(_cached_for_long: None) -> AsyncIterator[None]:
    """Nothing expires by itself, and this process listens."""
    hub = pubsub.Hub()
    await hub.start()
    await until(lambda: hub.is_connected)
    yield
    await hub.close()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


def told_by_another_process() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.publish(pubsub.CHANGES, json.dumps({"from": "another"}))


@pytest.mark.usefixtures("_listening")
async def test_a_key_is_asked_for_anew(operator: User, key_of: Callable[..., str]) -> None:
    text = await sync_to_async(key_of)(operator)
    await sync_to_async(keys.find_caller)(text)
    await ApiKey.objects.aupdate(digest="")
    assert keys.cached_caller(text)
    told_by_another_process()
    await until(lambda: keys.cached_caller(text) is None)


@pytest.mark.usefixtures("_listening")
async def test_a_deployment_is_asked_for_anew(deploy: Callable[..., Deployment]) -> None:
    await sync_to_async(deploy)()
    await sync_to_async(lookup.deployed_at)("/double")
    await Deployment.objects.aupdate(status="inactive")
    assert lookup.cached_deployment("/double")
    told_by_another_process()
    await until(lambda: lookup.cached_deployment("/double") is None)
