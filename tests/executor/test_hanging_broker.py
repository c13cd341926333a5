"""A broker that accepts connections and never answers: no caller waits longer than its timeout."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from django.conf import settings

from designs.runtime.loops import close_loop
from executor.following import pubsub
from executor.following.answers import wait_for_answer
from executor.models import Execution

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def silent_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """Takes connections, and never answers: those that it took."""
    server = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                taken.append(server.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    monkeypatch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{server.getsockname()[1]}/0")
    yield taken
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(60)
    for one in taken:
        one.close()


def on_a_loop(work: Coroutine[Any, Any, None]) -> None:
    """Whoever waits for ever fails."""

    async def run() -> None:
        try:
            async with asyncio.timeout(60):
                await work
        finally:
            await close_loop()

    asyncio.run(run())


def test_a_caller_who_waits_is_answered(
    silent_broker: list[socket.socket], queue: Callable[..., Execution]
) -> None:
    pk = queue().pk

    async def call() -> None:
        assert await wait_for_answer(pk, 0.1) is None
        # Whoever begins to listen waits for one try, not for the four that the client would make;
        # from then on the hub tries by itself.
        assert len(silent_broker) < 4

    on_a_loop(call())


def test_nobody_waits_once_it_is_known(
    silent_broker: list[socket.socket],
    queue: Callable[..., Execution],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pk = queue().pk

    async def watch() -> None:
        # Whoever comes first finds it out.
        async with pubsub.subscribe(pk, texts=True):
            pass
        # Longer than the test may take, if somebody waited for the broker again.
        monkeypatch.setattr(pubsub, "ANSWER_SECONDS", 1_000.0)
        async with pubsub.subscribe(pk, texts=True):
            assert not await pubsub.running_hub().is_watched_elsewhere(pk)

    on_a_loop(watch())
