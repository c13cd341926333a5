"""Points before and after the commits that matter, at which a test lets the process die."""

from __future__ import annotations

import itertools
import os
import signal

from django.conf import settings

_reached = itertools.count(1)


def reach(*points: str) -> None:
    """Die as by kill -9 if ORCHESTRA_FAULT_POINT names one of these points; otherwise nothing.

    `step.after:3` means the third time that this process reaches `step.after`.
    """
    wanted = settings.ENVIRONMENT.fault_point
    if not wanted:
        return
    name, _, number = wanted.partition(":")
    # Counting is atomic: many threads reach points.
    if name in points and next(_reached) == int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
