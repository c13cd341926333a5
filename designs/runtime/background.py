"""Threads that work in the background for as long as the process lives."""

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
    """Do the work again and again in a daemon thread, `pause()` seconds apart, until the returned
    event is set; it begins after `first_seconds`. An error is logged and never ends it.

    Its database connection is looked at before each round, unless the work itself finds out that
    one is broken (`keeps_connection`).
    """
    stop = threading.Event()

    def rounds() -> None:
        stop.wait(first_seconds)
        while not stop.is_set():
            least = 0.0
            try:
                if not keeps_connection:
                    close_old_connections()
                work()
            except Exception:
                logger.exception("The %s thread met an error; it goes on.", name)
                least = PAUSE_AFTER_ERROR_SECONDS
            stop.wait(max(least, pause()))

    threading.Thread(target=rounds, name=name, daemon=True).start()
    return stop


def once(name: str, work: Callable[[], object]) -> threading.Thread:
    """Do it in a daemon thread. An error is logged: nobody waits for it."""

    def run() -> None:
        try:
            work()
        except Exception:
            logger.exception("The %s thread met an error, and ends.", name)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
