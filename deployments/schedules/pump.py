"""The pump: turns due times into occurrences and executions, each exactly once."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from deployments.models import Occurrence, Schedule
from deployments.schedules import rules
from deployments.schedules.serving import (
    busy_schedules,
    refresh_schedules,
    serve_due,
    serve_waiting,
)

logger = logging.getLogger(__name__)

# Schedules served in one transaction.
SCHEDULES_AT_ONCE = 100
# After this the rest waits for the next call, so that others get at the database.
MAX_SECONDS = 10.0
COMPARE_EVERY_SECONDS = 2.0

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy

_compared_at = 0.0


def wake_schedules() -> int:
    """Serve all due schedules; returns the number of occurrences written.

    Any number of processes may call this at any time: the row lock and the unique pair of schedule
    and planned time keep each occurrence single.
    """
    global _compared_at  # noqa: PLW0603 - one clock a process
    end = time.monotonic() + MAX_SECONDS
    written = _in_rounds(_due_schedules, serve_due, end)
    if time.monotonic() - _compared_at >= COMPARE_EVERY_SECONDS:
        # Notice edits by any door, the admin of beat's rows too.
        _compared_at = time.monotonic()
        rows = Schedule.objects.order_by().values_list("pk", "computed_from", *rules.RAW)
        changed = [pk for pk, before, *raw in rows.iterator() if rules.fingerprint(raw) != before]
        _one_by_one(refresh_schedules, changed, set())
    _in_rounds(_schedules_with_waiting, serve_waiting, end)
    return written


def _in_rounds(
    find: Callable[[set[uuid.UUID]], list[uuid.UUID]],
    serve: Callable[[Sequence[uuid.UUID]], int],
    end: float,
) -> int:
    written, failed = 0, set[uuid.UUID]()
    while time.monotonic() < end and (pks := find(failed)):
        broken, count = len(failed), 0
        try:
            count = serve(pks)
        except (OperationalError, InterfaceError):
            # No database, or another process was faster: the next call tries again.
            raise
        except Exception:
            logger.exception("Schedules could not be served together; trying each alone.")
            count = _one_by_one(serve, pks, failed)
        written += count
        if not count and len(failed) == broken:
            # Locked by another process, or changed: left to the next call.
            break
    return written


def _one_by_one(
    serve: Callable[[Sequence[uuid.UUID]], int], pks: Sequence[uuid.UUID], failed: set[uuid.UUID]
) -> int:
    written = 0
    for pk in pks:
        try:
            written += serve([pk])
        except Exception:
            logger.exception("Schedule %s could not be served; continuing with the others.", pk)
            failed.add(pk)
    return written


def _due_schedules(failed: set[uuid.UUID]) -> list[uuid.UUID]:
    rows = Schedule.objects.filter(next_due_at__lte=Now(), deployment__removed_at=None)
    rows = rows.exclude(pk__in=failed).order_by("next_due_at")
    return list(rows.values_list("pk", flat=True)[:SCHEDULES_AT_ONCE])


def _schedules_with_waiting(failed: set[uuid.UUID]) -> list[uuid.UUID]:
    rows = Occurrence.objects.order_by().filter(outcome=Outcome.WAITING, start_at__lte=Now())
    pairs = set(rows.exclude(schedule__in=failed).values_list("schedule_id", "policy"))
    if not pairs:
        return []
    busy = busy_schedules()
    free = {pk for pk, policy in pairs if policy == Policy.JITTER or pk not in busy}
    return sorted(free)[:SCHEDULES_AT_ONCE]
