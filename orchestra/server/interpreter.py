"""The interpreter's settings for busy processes: garbage collection, switching of threads."""

from __future__ import annotations

import gc
import sys

from orchestra.server.memory import set_up_memory

# With Python's defaults (700, 10, 10) each full collection stops a loaded process for tenths of a
# second. Measured at 64 callers: a sixth more requests a second, and p99 from 290 to 154 ms.
THRESHOLDS = (20_000, 20, 20)
# How long a thread may hold the interpreter while another waits for it. The writer needs it after
# each answer of the database, and the event loop is always busy: with Python's 5 ms every statement
# waited that long. Measured at 64 callers: 1,422 to 1,538 requests a second, p99 from 99 to 81 ms;
# with a model of half a second 113.6 to 116 runs a second.
TURN_SECONDS = 0.0005


def set_up_interpreter() -> None:
    """Call once, after the start: what is loaded by now (modules, models, URLs) is never collected
    again.
    """
    set_up_memory()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(TURN_SECONDS)


def keep_what_was_loaded() -> None:
    """Freeze modules too that were imported while this process served. Without a full collection,
    which is the long stop that freezing avoids.
    """
    gc.collect(1)
    gc.freeze()
