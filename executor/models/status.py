"""The states of an execution, which only `executor.states` changes, and conditions about time."""

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
BUSY = LIVE - {Status.WAITING}
TERMINAL = frozenset(Status) - LIVE
RESUMABLE = TERMINAL - {Status.COMPLETED}
LEASE_EXPIRED = Q(lease_until__lt=Now()) | Q(lease_until=None)
# How long an owner has to end its run after the deadline; it also records the usage until then.
OWNERS_SECONDS = 10.0


@functools.lru_cache(maxsize=256)
def seconds_from_now(seconds: float) -> Any:
    """The database's time plus `seconds`, cached for the few durations that repeat."""
    return FromNow(seconds)


def is_late() -> Q:
    """The deadline has passed, and if it is running, also the owner's time to end it."""
    without_owner = ~Q(status=Status.RUNNING) | LEASE_EXPIRED
    overdue = Q(deadline_at__lt=seconds_from_now(-OWNERS_SECONDS))
    return Q(without_owner, deadline_at__lt=Now()) | overdue
