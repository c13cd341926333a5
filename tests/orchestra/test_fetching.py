"""A worker whose threads are free again fetches at once, not at its loop's next turn."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

from celery import signals
from kombu.asynchronous import Hub

from orchestra.celery import app
from orchestra.fetching import FetchAtOnce


def turn_seconds(hub: Hub, *, ring: bool) -> float:
    """How long the loop sleeps when a task ends (or not) a moment after it fell asleep."""
    if ring:
        timer = threading.Timer(0.1, lambda: signals.task_postrun.send(sender=None))
        timer.start()
    began = time.monotonic()
    next(hub.create_loop())
    return time.monotonic() - began


def test_the_end_of_a_task_wakes_the_loop() -> None:
    hub = Hub()
    step = FetchAtOnce(SimpleNamespace(hub=hub))
    step.start(SimpleNamespace(hub=hub))
    assert turn_seconds(hub, ring=True) < 0.8
    # A lasting call to wake would be no rest at all.
    while hub.timer._queue:
        next(hub.create_loop())
    assert turn_seconds(hub, ring=False) > 0.9
    hub.close()


def test_workers_have_it() -> None:
    assert FetchAtOnce in app.steps["consumer"]
