"""The sweep: finds executions whose owner or message was lost, and those past their deadline."""

from __future__ import annotations

import logging
import random
import threading
from typing import Any

from django.db import DatabaseError, close_old_connections, transaction
from django.db.models.functions import Now

from executor import states, wakeups
from executor.models import Execution
from executor.tasks import send_execution

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
RESEND_AFTER_SECONDS = 15.0
MOST_AT_ONCE = 500


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"class": kind, "message": message, "block_id": None, "step": None}


WORKER_LOST = _error(
    "worker_lost", "The process that ran this was lost three times, so it was given up."
)
CANCELLED = _error("cancelled", "The execution was cancelled.")
TIMED_OUT = _error("timed_out", "The execution was not finished by its deadline.")


def sweep() -> dict[str, int]:
    """One round; safe to run in many processes at once. Returns how many rows each part moved."""
    return {
        "timed_out": _time_out_late(),
        "taken_up": _take_up_lost(),
        "woken": _wake_due(),
        "sent": _send_unsent(),
    }


def start_sweeping() -> threading.Event:
    """Sweep in a daemon thread until the returned event is set."""
    stop = threading.Event()
    threading.Thread(target=_sweep_on, args=(stop,), name="sweep", daemon=True).start()
    return stop


def _sweep_on(stop: threading.Event) -> None:
    # The first round comes at once: after a restart, what was interrupted goes on without waiting.
    while True:
        close_old_connections()
        try:
            sweep()
        except DatabaseError as error:
            logger.warning("The sweep could not read the database: %s", error)
        except Exception:
            logger.exception("The sweep failed; it goes on.")
        if stop.wait(PERIOD_SECONDS * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads the load, no secret
            return


def _time_out_late() -> int:
    moved = 0
    for pk in Execution.objects.late().values_list("pk", flat=True)[:MOST_AT_ONCE]:
        if states.time_out(pk, error=TIMED_OUT):
            wakeups.tell(pk, states.Status.TIMED_OUT)
            wakeups.tell_cancel(pk)
            moved += 1
    return moved


def _take_up_lost() -> int:
    moved = 0
    for pk in Execution.objects.lost().values_list("pk", flat=True)[:MOST_AT_ONCE]:
        if states.cancel_lost(pk, error=CANCELLED):
            wakeups.tell(pk, states.Status.CANCELLED)
        elif states.requeue_lost(pk):
            wakeups.tell(pk, states.Status.QUEUED)
        elif states.fail_lost(pk, error=WORKER_LOST):
            wakeups.tell(pk, states.Status.FAILED)
        else:
            continue
        moved += 1
    return moved


def _wake_due() -> int:
    due = Execution.objects.filter(status=states.Status.WAITING, not_before__lte=Now())
    return sum(states.wake_due(pk) for pk in due.values_list("pk", flat=True)[:MOST_AT_ONCE])


def _send_unsent() -> int:
    with transaction.atomic():
        unsent = Execution.objects.unsent(after_seconds=RESEND_AFTER_SECONDS).order_by("pk")
        pks = list(unsent.values_list("pk", flat=True)[:MOST_AT_ONCE])
        # Marked before they are sent, so that many sweeps do not storm the queue.
        Execution.objects.filter(pk__in=pks).update(published_at=Now())
    for pk in pks:
        send_execution(pk)
    return len(pks)
