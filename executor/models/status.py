"""The states of an execution, and conditions by the database's time. What changes a state is the
table of moves in `executor.states`.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from designs.rows.writing import FromNow


class Status(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    TIMED_OUT = "timed_out", "Timed out"


LIVE = frozenset({Status.QUEUED, Status.RUNNING, Status.WAITING})
TERMINAL = frozenset(Status) - LIVE
RESUMABLE = TERMINAL - {Status.COMPLETED}
LEASE_OVER = Q(lease_until__lt=Now()) | Q(lease_until=None)
# Who runs it ends it at the deadline, with all that was spent until then, and has so long for that.
OWNERS_SECONDS = 10.0


@functools.lru_cache(maxsize=256)
def seconds_from_now(seconds: float) -> Any:
    """An expression: the database's time plus `seconds`."""
    return FromNow(seconds)


def is_late() -> Q:
    """The condition for `time_out`, beside being live."""
    nobodys = ~Q(status=Status.RUNNING) | LEASE_OVER
    return Q(nobodys, deadline_at__lt=Now()) | Q(deadline_at__lt=seconds_from_now(-OWNERS_SECONDS))
