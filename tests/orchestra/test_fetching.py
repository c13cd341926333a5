"""A worker whose threads are free again fetches at once, not at its loop's next turn."""

from __future__ import annotations

import select
from types import SimpleNamespace

from celery import signals
from kombu.asynchronous import Hub

from orchestra.celery import app
from orchestra.server.fetching import FetchAtOnce


def is_awake(step: FetchAtOnce) -> bool:
    return bool(select.select([step.waker.read_end], [], [], 0)[0])


def test_the_end_of_a_task_wakes_the_loop() -> None:
    hub = Hub()
    step = FetchAtOnce(SimpleNamespace(hub=hub))
    step.start(SimpleNamespace(hub=hub))
    assert not is_awake(step)
    signals.task_postrun.send(sender=None)
    assert is_awake(step)
    next(hub.create_loop())
    # Heard once, it looks again a moment later; a lasting call to wake would be no rest at all.
    assert not is_awake(step)
    assert hub.timer._queue
    hub.close()


def test_workers_have_it() -> None:
    assert FetchAtOnce in app.steps["consumer"]
