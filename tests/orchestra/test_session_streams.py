"""A stream that a signed-in person follows ends with the session, or with the right to see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import AsyncClient

from deployments.api import streams
from executor.following import stream as follower
from tests.access_routes import make_world

pytestmark = pytest.mark.django_db(transaction=True)

ENDS: dict[str, Callable[[User], object]] = {
    "the session": lambda user: Session.objects.all().delete(),
    "the account": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "the password": lambda user: User.objects.filter(pk=user.pk).update(password="another"),
    "the right": lambda user: user.groups.clear(),
}


@pytest.mark.parametrize("what", ENDS)
async def test_a_stream_ends_with(viewer: User, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(streams, "LOOK_AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(follower, "ALIVE_SECONDS", 0.1)
    world = await sync_to_async(make_world)(viewer)
    browser = AsyncClient()
    await browser.aforce_login(viewer)
    response = await browser.get(f"/api/executions/{world.execution.pk}/events")
    assert response.status_code == 200

    parts = aiter(response.streaming_content)
    async with asyncio.timeout(60):
        for _ in range(2):
            while await anext(parts) != b": alive\n\n":
                pass
        await sync_to_async(ENDS[what])(viewer)
        async for _ in parts:
            pass
