"""Retention: the history that is past its limits, and the sweep that deletes it in small batches.

Each batch is its own transaction and query, so after a stopped sweep the next one continues, in any
process. Daily totals are not history: they stay.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from deployments.models import Delivery, Deployment, IdempotencyKey, Occurrence, RetentionPolicy
from deployments.models.schedule import Schedule
from designs.auditing import audit
from designs.auditing.audit import AuditEntry
from designs.rows.ids import first_id_at
from executor.history.pruning import (
    delete_executions,
    lock,
    prunable,
    remove_payloads,
    still_prunable,
)
from executor.history.totals import add_up, old_hours
from executor.models import LIVE, Execution, HourlyTotals

BATCH = 500
SWEEP_EVERY = timedelta(minutes=10)
# Automatic sweeps leave the runs of the last hour whole, so that a flood can be looked at.
SPARED = timedelta(hours=1)
LOOK_EVERY = timedelta(hours=6)
# Upper bounds in days of the age groups in the overview.
AGES = (1, 7, 30, 90, 365)
# The fields of `Swept` in words.
KINDS = {
    "payloads": "executions' texts",
    "executions": "executions",
    "occurrences": "occurrences of schedules",
    "idempotency_keys": "idempotency keys",
    "sessions": "expired sessions",
    "audit_entries": "audit entries",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """None keeps everything. `keep_last` also keeps all that is newer than `spared_from`."""

    payload_days: int | None
    history_days: int | None
    keep_last: int | None
    spared_from: datetime


@dataclass
class Swept:
    """The number of deleted or emptied rows of each kind."""

    payloads: int = 0
    executions: int = 0
    occurrences: int = 0
    idempotency_keys: int = 0
    sessions: int = 0
    audit_entries: int = 0


def sweep_if_due() -> Swept | None:
    """Sweep if no process has for ten minutes; None if one has."""
    policy = RetentionPolicy.stored_general()
    due = Q(swept_at=None) | Q(swept_at__lt=timezone.now() - SWEEP_EVERY)
    if not RetentionPolicy.objects.filter(due, pk=policy.pk).update(swept_at=Now()):
        return None
    return sweep(rest_seconds=0.05, spare=SPARED)


def sweep(*, rest_seconds: float = 0.0, spare: timedelta = timedelta()) -> Swept:
    """Delete everything past its limits, with a rest after each batch that leaves others room.

    Rows younger than `spare` are not deleted for being too many.
    """
    batches = partial(_in_batches, rest_seconds)
    add_up(rest_seconds=rest_seconds)
    swept = Swept()
    # Keys come first, as they protect their executions.
    swept.idempotency_keys = batches(IdempotencyKey.objects.old, _deleting(IdempotencyKey))
    batches(old_hours, _deleting(HourlyTotals))
    swept.sessions = batches(_expired_sessions, _deleting(Session))
    for place, limits in _limited_places(timezone.now() - spare):
        watched = _watched(place)
        old = partial(_over_executions, place, limits, watched)
        swept.executions += batches(old, delete_executions, still_prunable)
        old = partial(_over_payloads, place, limits, watched)
        swept.payloads += batches(old, _empty, still_prunable)
        for schedule in Schedule.objects.filter(deployment=place) if place else ():
            old = partial(_over_occurrences, schedule, limits, watched)
            swept.occurrences += batches(old, _deleting(Occurrence))
    policy = RetentionPolicy.stored_general()
    before = _audit_before(policy)
    if before is not None:
        old = partial(AuditEntry.objects.until, before)
        swept.audit_entries = batches(old, partial(audit.prune, before=before))
    _count_held(policy)
    RetentionPolicy.objects.filter(pk=policy.pk).update(swept_at=Now(), swept=asdict(swept))
    return swept


def count_over() -> Swept:
    """The numbers that a sweep would delete now."""
    counts = Swept(
        idempotency_keys=IdempotencyKey.objects.old().count(), sessions=_expired_sessions().count()
    )
    before = _audit_before(RetentionPolicy.general())
    if before is not None:
        counts.audit_entries = AuditEntry.objects.until(before).count()
    add_up()
    for place, limits in _limited_places(timezone.now()):
        watched = _watched(place)
        deleted = _over_executions(place, limits, watched)
        counts.executions += deleted.count()
        emptied = _over_payloads(place, limits, watched)
        counts.payloads += emptied.exclude(pk__in=deleted.values("pk")).count()
        for schedule in Schedule.objects.filter(deployment=place) if place else ():
            counts.occurrences += _over_occurrences(schedule, limits, watched).count()
    return counts


def _in_batches(
    rest_seconds: float,
    query: Callable[[], Any],
    do: Callable[[Sequence[Any]], object],
    still: Callable[[Sequence[Any]], Sequence[Any]] = tuple,
) -> int:
    """Do it to all rows of the query, a batch at a time; returns to how many.

    `still` picks those of the locked rows to which it still applies.
    """
    total = 0
    while True:
        with transaction.atomic():
            locked = lock(query().order_by("pk"), BATCH)
            pks = still(locked)
            if pks:
                do(pks)
        total += len(pks)
        # The query no longer returns the rows that `still` left out.
        if len(locked) < BATCH:
            return total
        time.sleep(rest_seconds)


def _empty(pks: Sequence[uuid.UUID]) -> None:
    remove_payloads(pks)
    Occurrence.objects.filter(execution__in=pks).update(input_data=None)


def _deleting(model: Any) -> Callable[[Sequence[Any]], object]:
    return lambda pks: model.objects.filter(pk__in=pks).delete()


# --- Rows past their limits -----------------------------------------------------------------------


def _limited_places(spared_from: datetime) -> Iterator[tuple[uuid.UUID | None, Limits]]:
    """The limits of each deployment, undeployed ones too, and of runs without one (None).

    Leaves out those that keep everything.
    """
    general = RetentionPolicy.general()
    own = {row.deployment_id: row for row in RetentionPolicy.objects.exclude(deployment=None)}
    names = ("payload_days", "history_days", "keep_last")
    if not own and not any(getattr(general, name) for name in names):
        return
    for place in (*Deployment.objects.values_list("pk", flat=True), None):
        limits = {}
        for name in names:
            # The deployment's own limit counts before the general one; 0 keeps everything.
            limit = getattr(own.get(place), name, None)
            limits[name] = (getattr(general, name) if limit is None else limit) or None
        if any(limits.values()):
            yield place, Limits(**limits, spared_from=spared_from)


def _over_executions(place: uuid.UUID | None, limits: Limits, watched: set[uuid.UUID]) -> Any:
    rows = Execution.objects.filter(deployment=place)
    over = Q(pk__in=())
    if limits.history_days:
        over |= Q(created_at__lt=timezone.now() - timedelta(days=limits.history_days))
    if limits.keep_last:
        last = rows.order_by("-pk").values_list("pk", flat=True)[limits.keep_last - 1 :][:1]
        if last:
            over |= Q(pk__lt=min(list(last)[0], first_id_at(limits.spared_from)))
    return _free(over, place, watched)


def _over_payloads(place: uuid.UUID | None, limits: Limits, watched: set[uuid.UUID]) -> Any:
    if not limits.payload_days:
        return Execution.objects.none()
    at = timezone.now() - timedelta(days=limits.payload_days)
    return _free(Q(created_at__lt=at, payload_removed_at=None), place, watched)


def _free(over: Q, place: uuid.UUID | None, watched: set[uuid.UUID]) -> Any:
    """Leaves out executions with a pending callback or an idempotency key, and watched ones."""
    pk = OuterRef("pk")
    pending = Delivery.objects.filter(execution=pk, status=Delivery.Status.PENDING)
    keys = IdempotencyKey.objects.filter(execution=pk)
    rows = prunable().filter(over, deployment=place).exclude(pk__in=watched)
    return rows.filter(~Exists(pending), ~Exists(keys))


def _watched(place: uuid.UUID | None) -> set[uuid.UUID]:
    """The last runs of schedules that pause after failures, which are counted in them."""
    watched: set[uuid.UUID] = set()
    if place is None:
        return watched
    for schedule in Schedule.objects.filter(deployment=place, pause_after_failures__isnull=False):
        ran = schedule.occurrences.exclude(execution=None).order_by("-due_at")
        last = ran.values_list("execution", flat=True)[: schedule.pause_after_failures]
        watched.update(last)
    return watched


def _over_occurrences(schedule: Schedule, limits: Limits, watched: set[uuid.UUID]) -> Any:
    over = Q(pk__in=())
    if limits.history_days:
        over |= Q(due_at__lt=timezone.now() - timedelta(days=limits.history_days))
    if limits.keep_last:
        newest = schedule.occurrences.order_by("-due_at", "-pk")
        last = list(newest.values_list("due_at", flat=True)[limits.keep_last - 1 :][:1])
        if last:
            over |= Q(due_at__lt=min(last[0], limits.spared_from))
    kept = Execution.objects.filter(
        Q(status__in=LIVE) | Q(is_held=True) | Q(pk__in=watched), pk=OuterRef("execution")
    )
    rows = Occurrence.objects.filter(over, schedule=schedule)
    return rows.exclude(outcome=Occurrence.Outcome.WAITING).filter(~Exists(kept))


def _audit_before(policy: RetentionPolicy) -> datetime | None:
    if not policy.audit_days:
        return None
    return timezone.now() - timedelta(days=policy.audit_days)


def _expired_sessions() -> Any:
    return Session.objects.filter(expire_date__lt=timezone.now())


def _count_held(policy: RetentionPolicy) -> None:
    """Count executions by age; rarely, as that reads an index of the whole history."""
    now = timezone.now()
    if policy.looked_at is not None and policy.looked_at > now - LOOK_EVERY:
        return
    held: dict[str, int] = {}
    newer = now + timedelta(days=1)
    for days in AGES:
        older = now - timedelta(days=days)
        rows = Execution.objects.filter(created_at__gte=older, created_at__lt=newer)
        held[f"up to {days} day{'s' if days > 1 else ''}"] = rows.count()
        newer = older
    held["older"] = Execution.objects.filter(created_at__lt=newer).count()
    held["texts removed"] = Execution.objects.exclude(payload_removed_at=None).count()
    held["held"] = Execution.objects.filter(is_held=True).count()
    RetentionPolicy.objects.filter(pk=policy.pk).update(looked_at=now, held=held)
