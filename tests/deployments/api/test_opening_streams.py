"""Opening streams: what it costs, whose turn it is, and who may."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db.backends.utils import CursorWrapper

from deployments.models import Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from designs.runtime.loops import PerLoop
from executor.following import openings
from executor.models import Execution, Trigger
from tests.counted_streams import forget_earlier, until_counted
from tests.documents import greeting
from tests.opening import Asked, addresses, opened, session_of

pytestmark = pytest.mark.django_db(transaction=True)

STREAMS = 120


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_earlier()
    many = dataclasses.replace(settings.ENVIRONMENT, streams_per_caller=500, streams_per_run=500)
    monkeypatch.setattr(settings, "ENVIRONMENT", many)


@pytest.fixture
def executions(deploy: Callable[..., Deployment]) -> list[Execution]:
    """Some that wait for a worker, for ever."""
    asked = {"deployment": deploy(greeting(), "/greet"), "input_data": {}, "caller": SYSTEM}
    return [invoke_deployment(trigger=Trigger.API, **asked) for _ in range(4)]


@pytest.fixture
async def key(operator: User, key_of: Callable[..., str]) -> str:
    return await sync_to_async(key_of)(operator)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    original = CursorWrapper.execute

    def counted(self: Any, sql: Any, params: Any = None) -> Any:
        found.append(str(sql))
        return original(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", counted)
    return found


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of threads that were started."""
    found: list[str] = []
    start = threading.Thread.start
    monkeypatch.setattr(
        threading.Thread, "start", lambda self: found.append(self.name) or start(self)
    )
    return found


@pytest.mark.parametrize(
    ("kind", "door"), [("api", "key"), ("api", "session"), ("page", "session")]
)
async def test_streams_that_are_opened_together_read_together_and_start_no_threads(
    executions: list[Execution],
    operator: User,
    key: str,
    statements: list[str],
    threads: list[str],
    kind: str,
    door: str,
) -> None:
    if door == "key":
        sent = {"authorization": f"Bearer {key}"}
    else:
        sent = {"cookie": await session_of(operator)}
    async with opened(addresses(executions, kind, 1), **sent):
        # The threads that read rows are there from now on, and go on to be used.
        await until_counted(1)
    statements.clear()
    threads.clear()
    async with opened(addresses(executions, kind, STREAMS), **sent) as streams:
        assert {one.status for one in streams} == {200}
        # One that is opened alone asks eight and more: for its key or session, rights and rows.
        assert len(statements) < STREAMS
        # All are noted, however many came at once.
        await until_counted(STREAMS)
    assert not [name for name in threads if not name.startswith("asyncio_")]
    await until_counted(0)


async def test_others_are_answered_while_streams_wait_for_their_turn(
    executions: list[Execution], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    go_on = asyncio.Event()
    take = openings_of_api(monkeypatch, reached, go_on)
    monkeypatch.setattr(openings, "AT_ONCE", 2)
    monkeypatch.setattr(openings, "_lines", PerLoop(openings._Line))
    sent = {"authorization": f"Bearer {key}"}
    streams = [Asked(path, **sent) for path in addresses(executions, "api", 12)]
    async with asyncio.timeout(60):
        while len(reached) < 2:
            await asyncio.sleep(0.01)
    # A page, and another call, while ten wait.
    for path in ("/api/health/live", "/sign-in/"):
        assert (await Asked(path, accept="*/*").until_heard()).status == 200
    assert len(reached) == 2
    # One that leaves while it waits takes nobody's turn.
    await streams.pop(5).leave()
    go_on.set()
    for one in streams:
        assert (await one.until_heard()).status == 200
    assert len(reached) == 11
    assert take.most == 2
    for one in streams:
        await one.leave()
    await until_counted(0)


class Most:
    """How many were at it at once."""

    now = most = 0


def openings_of_api(
    monkeypatch: pytest.MonkeyPatch, reached: list[str], go_on: asyncio.Event
) -> Most:
    """Stop openings where they take their places."""
    from deployments.api import streams

    take, counted = streams.take_place, Most()

    async def stopped(caller: Any, pk: Any) -> Any:
        reached.append(str(pk))
        counted.now += 1
        counted.most = max(counted.most, counted.now)
        await go_on.wait()
        counted.now -= 1
        return await take(caller, pk)

    monkeypatch.setattr(streams, "take_place", stopped)
    return counted


async def test_more_than_may_be_open_do_not_wait(
    executions: list[Execution], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    go_on = asyncio.Event()
    openings_of_api(monkeypatch, reached, go_on)
    monkeypatch.setattr(openings, "AT_ONCE", 1)
    monkeypatch.setattr(openings, "_lines", PerLoop(openings._Line))
    few = dataclasses.replace(settings.ENVIRONMENT, most_streams=3)
    monkeypatch.setattr(settings, "ENVIRONMENT", few)
    sent = {"authorization": f"Bearer {key}"}
    streams = [Asked(path, **sent) for path in addresses(executions, "api", 4)]
    async with asyncio.timeout(60):
        while not reached:
            await asyncio.sleep(0.01)
    refused = await Asked(addresses(executions, "api", 1)[0], **sent).until_heard()
    assert refused.status == 429
    assert b"too-many-streams" in refused.body
    assert int(refused.headers["Retry-After"]) > 0
    go_on.set()
    for one in streams:
        await one.until_heard()
        await one.leave()
    await until_counted(0)
