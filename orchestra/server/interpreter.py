"""Python's own settings for processes that serve many at once: garbage, and turns of threads."""

from __future__ import annotations

import gc
import sys

from orchestra.server.memory import set_up_memory

# Net new containers, then rounds of the younger generation, between two collections. With Python's
# own numbers (700, 10, 10) a loaded process stops for tenths of a second at each full one. Measured
# at 64 callers: a sixth more requests a second, and p99 from 290 to 154 ms.
THRESHOLDS = (20_000, 20, 20)
# So long a thread may keep the interpreter from another that waits for it. The writer needs it
# after each answer of the database, and the event loop is busy all the time: with Python's 5 ms
# each of its statements waited so long. Measured at 64 callers: 1,422 to 1,538 requests a second,
# p99 from 99 to 81 ms; with a model of half a second 113.6 to 116 runs a second.
TURN_SECONDS = 0.0005


def set_up_interpreter() -> None:
    """Take all that lives now (modules, models, URLs) out of collections, and let threads take
    short turns, and keep little of what is freed; call it once at start.
    """
    set_up_memory()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(TURN_SECONDS)


def keep_what_was_loaded() -> None:
    """Take what lives now out of collections, too: modules that were imported while this process
    served. Without a full collection, which would be the long stop that this spares.
    """
    gc.collect(1)
    gc.freeze()
