"""The sweep: finds executions whose owner was lost, those past their deadline, and those that no
message told of.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models.functions import Now

from designs.runtime import faults
from designs.runtime.background import forever
from executor import states
from executor.following import pubsub
from executor.following.sending import notify_workers, suppress_notifications
from executor.models import Execution, Status
from executor.running.worker import process_intake
from executor.states import CANCELLED

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
# A lost message costs that long at most.
LOOK_SECONDS = 1.0
MAX_AT_ONCE = 500


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"class": kind, "message": message, "block_id": None, "step": None}


WORKER_LOST = _error(
    "worker_lost", "The process that ran this was lost three times, so it was given up."
)
TIMED_OUT = _error("timed_out", "The execution was not finished by its deadline.")


def sweep(*, with_lost: bool = True) -> dict[str, int]:
    """One round; safe to run in many processes at once. Returns how many rows each part moved."""
    return {
        "timed_out": _time_out_late(),
        "taken_up": _take_up_lost() if with_lost else 0,
        "woken": _wake_due(),
    }


def start_sweeping(*, takes_work: bool = True) -> None:
    """Sweep, and (unless this worker runs no executions) look for work that no message told of, in
    daemon threads.
    """
    lease = settings.ENVIRONMENT.lease_seconds
    # The first round comes at once: after a restart, what was interrupted goes on without waiting.
    forever("sweep", Sweeps(lease).round, pause=lambda: _spread(min(PERIOD_SECONDS, lease)))
    if takes_work:
        forever("look", look, pause=lambda: _spread(LOOK_SECONDS))


def look() -> None:
    """Take what waits. A worker without room does that by itself once it has some, so it says only
    that no further message is needed.
    """
    intake = process_intake()
    if intake.is_full:
        suppress_notifications()
    else:
        intake.look()


class Sweeps:
    """Rounds of the sweep, which spare leases for a while after the database was away."""

    def __init__(self, lease_seconds: float) -> None:
        self.lease_seconds = lease_seconds
        self._spare_until = 0.0

    def round(self) -> None:
        try:
            sweep(with_lost=time.monotonic() > self._spare_until)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The sweep could not read the database: %s", error)
            # Nobody could renew a lease meanwhile: the living get the time to do so first.
            self._spare_until = time.monotonic() + self.lease_seconds


def _spread(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.3)  # noqa: S311 - spreads the load, no secret


def _time_out_late() -> int:
    def move(pk: uuid.UUID) -> Status | None:
        return Status.TIMED_OUT if states.time_out(pk, error=TIMED_OUT) else None

    return _move(Execution.objects.late(), move, then=pubsub.publish_cancel)


def _take_up_lost() -> int:
    def move(pk: uuid.UUID) -> Status | None:
        if states.cancel_lost(pk, error=CANCELLED):
            return Status.CANCELLED
        if states.requeue_lost(pk):
            return Status.QUEUED
        return Status.FAILED if states.fail_lost(pk, error=WORKER_LOST) else None

    return _move(Execution.objects.lost(), move)


def _wake_due() -> int:
    def move(pk: uuid.UUID) -> Status | None:
        return Status.QUEUED if states.wake_due(pk) else None

    return _move(Execution.objects.filter(status=Status.WAITING, not_before__lte=Now()), move)


def _move(
    rows: Any,
    move: Callable[[uuid.UUID], Status | None],
    then: Callable[[uuid.UUID], None] = lambda pk: None,
) -> int:
    """Move each row by itself, and tell of those that were won: how many."""
    moved = 0
    for pk in rows.values_list("pk", flat=True)[:MAX_AT_ONCE]:
        with transaction.atomic():
            status = move(pk)
            faults.reach("reap.before")
        faults.reach("reap.after")
        if status is not None:
            pubsub.publish_change(pk, status)
            if status is Status.QUEUED:
                notify_workers()
            then(pk)
            moved += 1
    return moved
