"""The sweep: finds executions whose owner or message was lost, and those past their deadline."""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django.db.models import F
from django.db.models.functions import Now

from executor import admission, faults, states, wakeups
from executor.models import Execution
from executor.sending import send_execution
from executor.states import CANCELLED, Status
from executor.worker import perform_execution

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
RESEND_AFTER_SECONDS = 15.0
MOST_AT_ONCE = 500


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
        "sent": _send_unsent(),
    }


def start_sweeping() -> threading.Event:
    """Sweep in a daemon thread until the returned event is set."""
    stop = threading.Event()
    threading.Thread(target=_sweep_on, args=(stop,), name="sweep", daemon=True).start()
    return stop


def _sweep_on(stop: threading.Event) -> None:
    lease = settings.ENVIRONMENT.lease_seconds
    period = min(PERIOD_SECONDS, lease)
    # The first round comes at once: after a restart, what was interrupted goes on without waiting.
    spare_until = 0.0
    while True:
        close_old_connections()
        try:
            sweep(with_lost=time.monotonic() > spare_until)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The sweep could not read the database: %s", error)
            # Nobody could renew a lease meanwhile: the living get the time to do so first.
            spare_until = time.monotonic() + lease
        except Exception:
            logger.exception("The sweep failed; it goes on.")
        if stop.wait(period * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads the load, no secret
            return


def _time_out_late() -> int:
    def move(pk: uuid.UUID) -> Status | None:
        return Status.TIMED_OUT if states.time_out(pk, error=TIMED_OUT) else None

    return _move(Execution.objects.late(), move, then=wakeups.tell_cancel)


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
    for pk in rows.values_list("pk", flat=True)[:MOST_AT_ONCE]:
        with transaction.atomic():
            status = move(pk)
            faults.reach("reap.before")
        faults.reach("reap.after")
        if status is not None:
            wakeups.tell(pk, status)
            then(pk)
            moved += 1
    return moved


def _send_unsent() -> int:
    """Wake workers for what was not sent yet; what nobody came for, take up here if there is room.

    So a worker that is no longer heard, or no longer hears, holds nothing up.
    """
    after = min(RESEND_AFTER_SECONDS, settings.ENVIRONMENT.lease_seconds)
    with transaction.atomic():
        # Who was not looked at for longest comes first: many that wait for room hide no others.
        unsent = Execution.objects.unsent(after_seconds=after).order_by(
            F("published_at").asc(nulls_first=True), "pk"
        )
        columns = ("pk", "published_at", "deployment_id", "max_concurrent")
        found = sorted(unsent.values_list(*columns)[:MOST_AT_ONCE], key=lambda row: row[0])
        # Marked before they are sent, so that many sweeps do not storm the queue.
        Execution.objects.filter(pk__in=[row[0] for row in found]).update(published_at=Now())
    ready = _with_room(found)
    for pk, published_at in ready:
        if published_at is None or perform_execution(pk, slot_seconds=0.0) is None:
            send_execution(pk)
    return len(ready)


def _with_room(found: Sequence[Any]) -> list[tuple[uuid.UUID, datetime | None]]:
    """Those whose deployment may run one more; the others wait for the end of one before them."""
    running = admission.count_running(row[2] for row in found if row[3] is not None)
    ready = []
    for pk, published_at, deployment_id, most in found:
        if most is None or running[deployment_id] < most:
            running[deployment_id] += 1
            ready.append((pk, published_at))
    return ready
