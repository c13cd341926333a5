"""Points around important commits at which a test can kill the process."""

from __future__ import annotations

import itertools
import os
import signal

from django.conf import settings

_reached = itertools.count(1)


def reach(*points: str) -> None:
    """Kill this process with SIGKILL if ORCHESTRA_FAULT_POINT names one of these points.

    `step.after:3` means the third time that this process reaches `step.after`.
    """
    wanted = settings.ENVIRONMENT.fault_point
    if not wanted:
        return
    name, _, number = wanted.partition(":")
    # `count` is atomic: points are reached from many threads.
    if name in points and next(_reached) == int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
