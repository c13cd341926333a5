"""Notifications of workers: one pending at a time, each expires, and a hanging broker blocks no
caller.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.core.cache import cache

from designs.rows.ids import new_id
from executor import tasks
from executor.following import sending
from executor.following.sending import Sender
from executor.running import sweep
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Sent = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    found: Sent = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, **options: found.append((name, options))
    )
    return found


@pytest.fixture
def sender() -> Iterator[Sender]:
    cache.delete(sending.PENDING_KEY)
    found = Sender()
    yield found
    found._pool.shutdown()


def done(sender: Sender) -> None:
    """All that was asked for is sent."""
    sender._pool.submit(lambda: None).result(60)


def test_ten_thousand_that_wait_are_one_message(sender: Sender, sent: Sent) -> None:
    for _ in range(10_000):
        sender.notify_workers()
    done(sender)
    for _ in range(100):
        # From another process, at another time.
        sender.notify_workers()
        done(sender)
    assert [name for name, _ in sent] == ["executor.take_work"]
    options = sent[0][1]
    assert 0 < options["expires"] <= 15
    assert options["kwargs"] == {}


def test_a_worker_that_receives_it_allows_the_next_one(
    sender: Sender, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def look() -> None:
        # What is queued after the rows were read must send again: it is possible already.
        sender.notify_workers()
        done(sender)
        looked.append(len(sent))

    monkeypatch.setattr(tasks, "take_work", look)
    sender.notify_workers()
    done(sender)
    tasks.take_work_task()
    assert looked == [2]


def test_a_message_that_could_not_be_sent_silences_no_other(
    sender: Sender, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ConnectionError("the broker restarts")

    sender.patience.rest_seconds = 0.0
    with monkeypatch.context() as patch:
        patch.setattr(current_app, "send_task", broken)
        sender.notify_workers()
        done(sender)
    sender.notify_workers()
    done(sender)
    assert [name for name, _ in sent] == ["executor.take_work"]


def test_a_hanging_broker_blocks_no_caller(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs, go_on = threading.Event(), threading.Event()
    tried: list[str] = []

    def send(name: str, **_: Any) -> None:
        tried.append(name)
        hangs.set()
        assert go_on.wait(60)
        raise TimeoutError

    monkeypatch.setattr(current_app, "send_task", send)
    sender.notify_workers()
    assert hangs.wait(60)
    # Comes back at once, in the thread that called, or this test would stand still.
    for _ in range(sending.MAX_WAITING + 100):
        sender.settle(new_id())
    assert sender._waiting == sending.MAX_WAITING
    go_on.set()
    done(sender)
    # While it rests, nothing is tried.
    assert (tried, sender._waiting) == (["executor.take_work"], 0)


def test_settlings_have_a_queue_of_their_own() -> None:
    router = current_app.amqp.router
    queues = {
        name: router.route({}, name, (), {})["queue"].name
        for name in ("executor.take_work", "deployments.settle_execution")
    }
    assert queues == {
        "executor.take_work": "executions",
        "deployments.settle_execution": "settling",
    }
    keys = {queue.routing_key for queue in current_app.amqp.queues.values()}
    assert keys == {"celery", "executions", "settling"}


def test_full_workers_keep_the_queue_short(
    sender: Sender, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message waits already, and while nobody has room it needs no company."""
    kept: list[int] = []

    class Full:
        is_full = True

    monkeypatch.setattr(sweep, "process_intake", Full)
    sender.notify_workers()
    done(sender)
    original: Callable[..., Any] = cache.touch
    monkeypatch.setattr(cache, "touch", lambda *a, **k: kept.append(1) or original(*a, **k))
    for _ in range(3):
        sweep.look()
        sender.notify_workers()
        done(sender)
    assert (len(sent), len(kept)) == (1, 3)


def test_waiting_is_asked_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of the background meets errors and goes on."""
    from designs.runtime import background

    monkeypatch.setattr(background, "PAUSE_AFTER_ERROR_SECONDS", 0.0)
    rounds: list[int] = []

    def work() -> None:
        rounds.append(1)
        raise RuntimeError("whatever it is")

    stop = background.forever("test", work)
    wait_until(lambda: len(rounds) > 3)
    stop.set()
