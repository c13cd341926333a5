"""Waits for what other threads and processes do. The deadline only ends a test that has failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Long enough for a machine on which every core has something else to do.
PATIENCE_SECONDS = 60.0


def wait_until(condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """What the condition gives once that is true of anything."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found
