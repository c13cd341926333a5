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
    began = asked = time.monotonic()
    while not (found := condition()):
        now = time.monotonic()
        assert now < began + seconds, "it did not happen in time"
        time.sleep(_pause(now - asked))
        asked = time.monotonic()
    return found


def _pause(took: float) -> float:
    """Who asks other processes without a pause keeps them from what is waited for."""
    return min(max(0.02, 3 * took), 0.25)
