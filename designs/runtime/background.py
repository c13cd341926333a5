"""Daemon threads whose errors are logged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections

logger = logging.getLogger(__name__)

PAUSE_AFTER_ERROR_SECONDS = 1.0


def forever(
    name: str,
    work: Callable[[], object],
    *,
    pause: Callable[[], float] = lambda: 0.0,
    first_seconds: float = 0.0,
    keeps_connection: bool = False,
) -> threading.Event:
    """Repeat the work in a daemon thread, `pause()` seconds apart, until the returned event is set.

    It begins after `first_seconds`. Errors are logged and do not end it. Before each round a stale
    database connection is closed, unless the work itself handles broken ones (`keeps_connection`).
    """
    stop = threading.Event()

    def rounds() -> None:
        stop.wait(first_seconds)
        while not stop.is_set():
            min_pause = 0.0
            try:
                if not keeps_connection:
                    close_old_connections()
                work()
            except Exception:
                logger.exception("Error in the %s thread; it continues.", name)
                min_pause = PAUSE_AFTER_ERROR_SECONDS
            stop.wait(max(min_pause, pause()))

    threading.Thread(target=rounds, name=name, daemon=True).start()
    return stop


def once(name: str, work: Callable[[], object]) -> threading.Thread:
    """Do the work in a daemon thread. An error is logged."""

    def run() -> None:
        try:
            work()
        except Exception:
            logger.exception("Error in the %s thread; it ends.", name)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
