"""The stream of a draft: tells of each write to whoever may see the design at the moment."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import AsyncClient

from designs.access import SYSTEM, caller_of
from designs.models import Design
from designs.services import change_draft, create_design, delete_design
from executor.following import pubsub
from executor.views import drafts, page_streams
from tests.documents import doubling
from tests.losing_rights import LOSSES
from tests.opening import opened, session_of

pytestmark = pytest.mark.django_db(transaction=True)

ALIVE = b": alive\n\n"
ABSENT = "0190f000-0000-7000-8000-000000000000"


@pytest.fixture
def design(viewer: User) -> Design:
    return create_design(document=doubling(), caller=SYSTEM)


def save(design: Design, user: User | None = None) -> None:
    caller = SYSTEM if user is None else caller_of(user)
    change_draft(design=design, name="Again", caller=caller)


async def stream_of(design: Design, user: User) -> Any:
    browser = AsyncClient()
    await browser.aforce_login(user)
    return await browser.get(f"/designs/{design.pk}/stream/")


async def told(parts: AsyncIterator[bytes]) -> dict[str, Any]:
    """The next event."""
    async with asyncio.timeout(60):
        while (part := await anext(parts)) == ALIVE:
            pass
    event, data = part.decode().removesuffix("\n\n").split("\n")
    assert event == "event: revision"
    return dict(json.loads(data.removeprefix("data: ")))


async def test_it_tells_the_revision_at_once_and_after_each_write(
    design: Design, viewer: User, designer: User
) -> None:
    response = await stream_of(design, viewer)
    assert response["Content-Type"] == "text/event-stream"
    parts = aiter(response.streaming_content)
    assert await told(parts) == {"revision": 1, "changed_by": None}
    await sync_to_async(save)(design, designer)
    assert await told(parts) == {"revision": 2, "changed_by": "designer"}
    await sync_to_async(save)(design)
    assert await told(parts) == {"revision": 3, "changed_by": None}
    # Another listener begins with the current one.
    assert (await told(aiter((await stream_of(design, viewer)).streaming_content)))["revision"] == 3


async def test_what_is_rolled_back_is_not_told(
    design: Design, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[Any] = []
    monkeypatch.setattr(pubsub, "_publish", lambda *message: published.append(message))

    def save_in_vain() -> None:
        with transaction.atomic():
            save(design)
            transaction.set_rollback(True)

    await sync_to_async(save_in_vain)()
    assert published == []
    design.revision = 1
    await sync_to_async(save)(design)
    assert published == [(pubsub.DRAFTS + design.pk.hex, {"kind": "draft"})]


async def test_a_write_of_another_process_is_heard(design: Design, viewer: User) -> None:
    """Through Redis: what says that it is from another process is not one's own."""
    parts = aiter((await stream_of(design, viewer)).streaming_content)
    assert (await told(parts))["revision"] == 1
    await Design.objects.filter(pk=design.pk).aupdate(revision=7)
    message = json.dumps({"kind": "draft", "from": "another"})
    await pubsub.running_hub()._client.publish(pubsub.DRAFTS + design.pk.hex, message)
    assert (await told(parts))["revision"] == 7


async def test_a_lost_message_is_made_up_for(
    design: Design, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "POLL_SECONDS", 0.1)
    parts = aiter((await stream_of(design, viewer)).streaming_content)
    assert (await told(parts))["revision"] == 1
    await Design.objects.filter(pk=design.pk).aupdate(revision=7)
    assert (await told(parts))["revision"] == 7


@pytest.mark.parametrize("what", LOSSES)
async def test_it_ends_with(
    design: Design, viewer: User, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(page_streams, "LOOK_AGAIN_SECONDS", 0.1)
    parts = aiter((await stream_of(design, viewer)).streaming_content)
    assert (await told(parts))["revision"] == 1
    await sync_to_async(LOSSES[what])(viewer, "view_design")
    async with asyncio.timeout(60):
        assert {part async for part in parts} <= {ALIVE}


async def test_it_ends_with_the_design(design: Design, viewer: User) -> None:
    parts = aiter((await stream_of(design, viewer)).streaming_content)
    await told(parts)
    await sync_to_async(delete_design)(design=design)
    async with asyncio.timeout(60):
        assert {part async for part in parts} <= {ALIVE}
    design.pk = uuid.UUID(ABSENT)
    assert (await stream_of(design, viewer)).status_code == 404


async def test_all_pages_of_a_draft_share_one_reader(
    design: Design, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = dataclasses.replace(settings.ENVIRONMENT, streams_per_caller=100)
    monkeypatch.setattr(settings, "ENVIRONMENT", many)
    reads: list[Any] = []
    event = drafts._event
    monkeypatch.setattr(drafts, "_event", lambda pk: reads.append(pk) or event(pk))
    pages = [aiter((await stream_of(design, viewer)).streaming_content) for _ in range(20)]
    for page in pages:
        await told(page)
    assert len(reads) == 1


async def test_beyond_its_number_it_is_refused(
    design: Design, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = dataclasses.replace(settings.ENVIRONMENT, streams_per_caller=1)
    monkeypatch.setattr(settings, "ENVIRONMENT", one)
    kept = await stream_of(design, viewer)
    refused = await stream_of(design, viewer)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    del kept


async def test_the_server_opens_it_in_turns_and_who_may_not_gets_none(
    design: Design, viewer: User, make_user: Callable[..., User]
) -> None:
    path = f"/designs/{design.pk}/stream/"
    async with opened([path] * 2, cookie=await session_of(viewer)) as asked:
        for one in asked:
            assert one.status == 200
            assert "no-store" in one.headers["Cache-Control"]
            assert b'data: {"revision":1,"changed_by":null}' in one.body
    nobody = await session_of(await sync_to_async(make_user)("nobody"))
    absent = f"/designs/{ABSENT}/stream/"
    for where, cookie, status in ((path, nobody, 403), (absent, await session_of(viewer), 404)):
        async with opened([where], cookie=cookie) as [one]:
            assert one.status == status
    async with opened([path]) as [one]:
        assert one.status == 302
