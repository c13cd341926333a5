"""The sweep: finds executions with a lost owner, past their deadline, or missed by messages."""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from designs.runtime import faults
from designs.runtime.background import forever
from executor import states
from executor.decisions import close_due, look_for_untold, withdraw
from executor.following import pubsub
from executor.following.sending import notify_workers, suppress_notifications
from executor.models import TERMINAL, DecisionRequest, Execution, Status
from executor.running.worker import process_intake
from executor.states import CANCELLED, run_error

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
# The maximum delay of a lost message.
LOOK_SECONDS = 1.0
MAX_AT_ONCE = 500


WORKER_LOST = run_error(
    "worker_lost", "The process that ran this was lost three times, so it was given up."
)
TIMED_OUT = run_error("timed_out", "The execution was not finished by its deadline.")

# Moves that are tried in turn, each with the status after it.
Moves = tuple[tuple[Callable[[uuid.UUID], bool], Status], ...]
OF_LATE: Moves = ((partial(states.time_out, error=TIMED_OUT), Status.TIMED_OUT),)
OF_LOST: Moves = (
    (partial(states.cancel_lost, error=CANCELLED), Status.CANCELLED),
    (states.requeue_lost, Status.QUEUED),
    (partial(states.fail_lost, error=WORKER_LOST), Status.FAILED),
)
OF_DUE: Moves = ((states.wake_due, Status.QUEUED),)
OF_DECIDED: Moves = ((states.wake, Status.QUEUED),)


def sweep(*, with_lost: bool = True) -> dict[str, int]:
    """One round, in any number of processes. Returns the number of rows that each part moved."""
    rows = Execution.objects
    due = rows.waiting().filter(not_before__lte=Now())
    decided = rows.waiting().filter(requests__in=DecisionRequest.objects.untaken()).distinct()
    # What nobody decided in time is closed first: its run finds that when it wakes.
    closed = close_due()
    look_for_untold()
    return {
        "timed_out": _move(rows.late(), OF_LATE, then=pubsub.publish_cancel),
        "taken_up": _move(rows.lost(), OF_LOST) if with_lost else 0,
        "woken": _move(due, OF_DUE) + _move(decided, OF_DECIDED),
        "closed": closed,
    }


def start_sweeping(*, takes_work: bool = True) -> None:
    """Sweep and, unless this worker runs no executions, poll for work, in daemon threads."""
    lease = settings.ENVIRONMENT.lease_seconds
    # The first round comes at once, so that interrupted runs continue right after a restart.
    forever("sweep", Sweeps(lease).round, pause=lambda: _spread(min(PERIOD_SECONDS, lease)))
    if takes_work:
        forever("look", look, pause=lambda: _spread(LOOK_SECONDS))


def look() -> None:
    """Take queued work. A worker without room does so by itself once it has some, and only
    suppresses further messages.
    """
    intake = process_intake()
    if intake.is_full:
        suppress_notifications()
    else:
        intake.look()


class Sweeps:
    """Rounds of the sweep, which ignore expired leases for a while after the database was away."""

    def __init__(self, lease_seconds: float) -> None:
        self.lease_seconds = lease_seconds
        self._spare_until = 0.0

    def round(self) -> None:
        try:
            sweep(with_lost=time.monotonic() > self._spare_until)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The sweep could not read the database: %s", error)
            # No process could renew a lease meanwhile, so live ones get the time to do so first.
            self._spare_until = time.monotonic() + self.lease_seconds


def _spread(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.3)  # noqa: S311 - spreads the load, no secret


def _move(
    rows: QuerySet[Execution],
    moves: Moves,
    then: Callable[[uuid.UUID], None] = lambda pk: None,
) -> int:
    """Move each row in its own transaction and publish it; returns the number of moved rows."""
    moved = 0
    for pk, waited_ms in rows.values_list("pk", "waited_ms")[:MAX_AT_ONCE]:
        with transaction.atomic():
            status = next((status for move, status in moves if move(pk)), None)
            if status in TERMINAL and waited_ms is not None:
                withdraw(pk)
            faults.reach("reap.before")
        faults.reach("reap.after")
        if status is not None:
            pubsub.publish_change(pk, status)
            if status is Status.QUEUED:
                notify_workers()
            then(pk)
            moved += 1
    return moved
