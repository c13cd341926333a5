"""The pump: turns planned times that have come into occurrences and executions, each exactly
once.
"""

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
# After so long the rest waits for the next call, so that nobody else is kept from the database.
MAX_SECONDS = 10.0
COMPARE_EVERY_SECONDS = 2.0

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy

_compared = 0.0


def wake_schedules() -> int:
    """Do what is due now; returns the number of occurrences written.

    Any number of processes may call this at any time: the row lock and the unique pair of schedule
    and planned time keep each occurrence single.
    """
    end = time.monotonic() + MAX_SECONDS
    written = _in_rounds(_due_schedules, serve_due, end)
    _compare_rules()
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
            # The database is away, or a rival was quicker: the next call tries again.
            raise
        except Exception:
            logger.exception("Schedules could not be served together; each is tried alone.")
            count = _one_by_one(serve, pks, failed)
        written += count
        if not count and len(failed) == broken:
            # Others are at these, or they were changed: the next call sees.
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
            logger.exception("Schedule %s could not be served; the others go on.", pk)
            failed.add(pk)
    return written


def _compare_rules() -> None:
    """Notice edits made at any door: every rule is compared with what its next time was worked out
    from.
    """
    global _compared  # noqa: PLW0603 - one clock a process
    if time.monotonic() - _compared < COMPARE_EVERY_SECONDS:
        return
    _compared = time.monotonic()
    rows = Schedule.objects.order_by().values_list("pk", "computed_from", *rules.RAW)
    changed = [pk for pk, before, *raw in rows.iterator() if rules.fingerprint(raw) != before]
    _one_by_one(refresh_schedules, changed, set())


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
    found = {pk for pk, policy in pairs if policy == Policy.JITTER or pk not in busy}
    return sorted(found)[:SCHEDULES_AT_ONCE]
