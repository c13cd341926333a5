"""The event for a model call that began: passing like text, and told to who comes later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from deployments.models import Deployment
from executor.engine.events import BlockChanged, StepFailed, StepFinished, StepStarted
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.offline import StandIn
from executor.following import pubsub
from executor.following.live_text import live_text
from executor.following.stream import Texts
from executor.following.stream_rows import StreamEvent
from executor.models import Execution
from tests.deployments.api.test_event_stream import Reader, all_of, call, follow
from tests.deployments.test_masked_runs import step_row_of
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
FIELDS = {"step", "block_id", "agent_id", "purpose", "round", "try", "at"}


@pytest.fixture
def headers(operator: User, key_of: Callable[..., str]) -> dict[str, str]:
    return {"authorization": f"Bearer {key_of(operator)}"}


async def test_each_call_is_told_before_its_step(deploy: Deploy, headers: dict[str, str]) -> None:
    await sync_to_async(deploy)(greeting(), "/greet")
    events = await all_of(await call("/api/deployed/greet", {"name": "Ada"}, headers))
    begun = [(last, data) for last, name, data in events if name == "started"]
    assert [(data["agent_id"], data["round"], data["try"]) for _, data in begun] == [
        ("writer", 1, 1), ("editor", 1, 1),
    ]  # fmt: skip
    steps = [data["key"] for _, name, data in events if name == "step"]
    assert [data["step"] for _, data in begun] == steps
    for last, data in begun:
        assert (set(data), last) == (FIELDS, "")
        (step,) = [d for _, name, d in events if name == "step" and d["key"] == data["step"]]
        order = [d for _, _, d in events]
        assert order.index(data) < order.index(step)


async def test_a_second_try_is_told_as_such(
    deploy: Deploy, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        calls.append(request)
        if len(calls) == 1:
            raise ModelError(ErrorKind.TRANSIENT, "it stumbled.", retry_after=0.0)
        return await real(self, request, on_delta)

    real = StandIn.complete
    monkeypatch.setattr(StandIn, "complete", complete)
    await sync_to_async(deploy)(greeting(), "/greet")
    events = await all_of(await call("/api/deployed/greet", {"name": "Ada"}, headers))
    tries = [(d["agent_id"], d["try"]) for _, name, d in events if name == "started"]
    assert tries == [("writer", 1), ("writer", 2), ("editor", 1)]


async def test_who_comes_later_is_told_what_is_under_way(
    deploy: Deploy, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        if "editor" in request.call_key:
            reached.set()
            await go_on.wait()
        return await real(self, request, on_delta)

    real = StandIn.complete
    monkeypatch.setattr(StandIn, "complete", complete)
    await sync_to_async(deploy)(greeting(), "/greet")
    first = Reader(await call("/api/deployed/greet", {"name": "Ada"}, headers)).__aiter__()
    _, _, begun = await anext(first)
    await asyncio.wait_for(reached.wait(), 60)
    second = Reader(await follow(begun["log_id"], headers)).__aiter__()
    names = await asyncio.wait_for(_until_editor(second), 60)
    # The writer's step is finished, so only its row is told.
    assert names.count("started") == 1
    go_on.set()
    rest = [name async for _, name, _ in second]
    assert rest[-1] == "done"
    assert "started" not in rest
    assert [name async for _, name, _ in first][-1] == "done"


async def _until_editor(events: AsyncIterator[Any]) -> list[str]:
    names = []
    async for _, name, data in events:
        names.append(name)
        if name == "started" and data["agent_id"] == "editor":
            return names
    raise AssertionError(names)


def started(key: str, number: int = 1, at: float = 5.0) -> StepStarted:
    return StepStarted(key, "b", "a", "answer", 1, number, at)


async def test_without_listeners_nothing_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(pubsub, "publish_started", lambda pk, piece: told.append(piece["key"]))
    with live_text(Execution().pk, lambda event: None) as live:
        live.emit(started("k"))
        live.emit(started("l"))
        live.emit(started("m"))
        live.emit(StepFinished(step_row_of("k"), replayed=False))
        assert told == []
        live.want()
        assert told == ["l", "m"]
        live.emit(StepFailed("l", "b", "a", None, 1, True, 6.0))  # type: ignore[arg-type]
        live.want()
        assert told == ["l", "m", "m"]
        # The time of its block was over.
        live.emit(BlockChanged("b", "failed", 7.0))
        live.want()
        assert told == ["l", "m", "m"]


async def test_texts_that_are_wanted_from_the_beginning_wait_for_no_listener() -> None:
    with live_text(Execution().pk, lambda event: None, is_wanted=True) as live:
        assert live.is_wanted()


async def test_pieces_that_come_twice_or_late_are_told_once() -> None:
    texts = Texts(Execution().pk)
    piece = {
        "kind": "started", "key": "k", "block_id": "b", "agent_id": "a", "purpose": "answer",
        "round": 1, "try": 1, "at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    event = texts.add(piece)
    assert event is not None
    assert (event.name, event.position, set(event.data)) == ("started", None, FIELDS)
    assert texts.add(piece) is None
    later = texts.add({**piece, "try": 2, "at": "2026-01-01T00:00:01+00:00"})
    assert [e.data["try"] for e in texts.snapshots()] == [2]
    assert later is not None
    texts.forget(StreamEvent("block", {"block_id": "b", "status": "running"}))
    assert texts.snapshots() == [later]
    texts.forget(StreamEvent("block", {"block_id": "b", "status": "failed"}))
    assert texts.snapshots() == []
    texts.forget(StreamEvent("step", {"key": "k"}))
    assert texts.add({**piece, "at": "2026-01-02T00:00:00+00:00"}) is None
