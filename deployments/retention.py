"""Retention: which history is to go, and the sweep that lets it go in small batches.

Each batch is a transaction of its own that finds what is still to go, so a sweep that is stopped is
gone on with by the next one, in any process. The daily totals are no history: they stay.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
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
# Who looks at a flood of runs sees it whole, though sweeps come by themselves.
SPARED = timedelta(hours=1)
LOOK_EVERY = timedelta(hours=6)
# What is held, by age: each bucket up to so many days.
AGES = (1, 7, 30, 90, 365)
# What is counted, in words.
KINDS = {
    "payloads": "executions' texts",
    "executions": "executions",
    "occurrences": "occurrences of schedules",
    "idempotency_keys": "idempotency keys",
    "sessions": "sessions that are over",
    "audit_entries": "entries of the audit",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept; None is for ever. `keep_last` spares what came after `spared_from`."""

    payload_days: int | None
    history_days: int | None
    keep_last: int | None
    spared_from: datetime

    @property
    def keep_all(self) -> bool:
        return (self.payload_days, self.history_days, self.keep_last) == (None, None, None)


@dataclass
class Swept:
    """How many of each kind went, or would go."""

    payloads: int = 0
    executions: int = 0
    occurrences: int = 0
    idempotency_keys: int = 0
    sessions: int = 0
    audit_entries: int = 0


def sweep_if_due() -> Swept | None:
    """One sweep by whoever comes first, every ten minutes; None if it is not time for one."""
    policy = RetentionPolicy.stored_general()
    due = Q(swept_at=None) | Q(swept_at__lt=timezone.now() - SWEEP_EVERY)
    if not RetentionPolicy.objects.filter(due, pk=policy.pk).update(swept_at=Now()):
        return None
    return sweep(rest_seconds=0.05, spare=SPARED)


def sweep(*, rest_seconds: float = 0.0, spare: timedelta = timedelta()) -> Swept:
    """Let everything go whose time is over. `rest_seconds` after each batch leave others room.

    What is younger than `spare` does not go because there is too much of it.
    """
    batches = _Batches(rest_seconds)
    add_up(rest_seconds=rest_seconds)
    swept = Swept()
    # First the keys: what they point at is kept.
    swept.idempotency_keys = batches.of(IdempotencyKey.objects.old, _deleting(IdempotencyKey))
    batches.of(old_hours, _deleting(HourlyTotals))
    swept.sessions = batches.of(_over_sessions, _deleting(Session))
    for place, limits in _places(timezone.now() - spare):
        watched = _watched(place)
        swept.executions += batches.of(
            partial(_over_executions, place, limits, watched), delete_executions, still_prunable
        )
        swept.payloads += batches.of(
            partial(_over_payloads, place, limits, watched), _empty, still_prunable
        )
        if place is not None:
            swept.occurrences += _sweep_occurrences(batches, place, limits, watched)
    policy = RetentionPolicy.stored_general()
    swept.audit_entries = _sweep_audit(batches, policy)
    _look(policy)
    RetentionPolicy.objects.filter(pk=policy.pk).update(swept_at=Now(), swept=asdict(swept))
    return swept


def count_over() -> Swept:
    """What a sweep would let go now."""
    found = Swept(
        idempotency_keys=IdempotencyKey.objects.old().count(), sessions=_over_sessions().count()
    )
    found.audit_entries = _over_entries(_audit_before(RetentionPolicy.general())).count()
    add_up()
    for place, limits in _places(timezone.now()):
        watched = _watched(place)
        gone = _over_executions(place, limits, watched)
        found.executions += gone.count()
        emptied = _over_payloads(place, limits, watched)
        found.payloads += emptied.exclude(pk__in=gone.values("pk")).count()
        for schedule in Schedule.objects.filter(deployment=place) if place else ():
            found.occurrences += _over_occurrences(schedule, limits, watched).count()
    return found


class _Batches:
    def __init__(self, rest_seconds: float) -> None:
        self.rest_seconds = rest_seconds

    def of(
        self,
        over: Callable[[], Any],
        do: Callable[[Sequence[Any]], object],
        still: Callable[[Sequence[Any]], Sequence[Any]] = tuple,
    ) -> int:
        """Do it to all that is over, so many at a time; returns to how many.

        `still` leaves, of those that are locked, those to do it to after all.
        """
        total = 0
        while True:
            with transaction.atomic():
                locked = lock(over().order_by("pk"), BATCH)
                pks = still(locked)
                if pks:
                    do(pks)
            total += len(pks)
            # What is not to go any more is not found again.
            if len(locked) < BATCH:
                return total
            time.sleep(self.rest_seconds)


def _empty(pks: Sequence[uuid.UUID]) -> None:
    remove_payloads(pks)
    Occurrence.objects.filter(execution__in=pks).update(input_data=None)


def _deleting(model: Any) -> Callable[[Sequence[Any]], object]:
    return lambda pks: model.objects.filter(pk__in=pks).delete()


# --- What is over ---------------------------------------------------------------------------------


def _places(spared_from: datetime) -> Iterator[tuple[uuid.UUID | None, Limits]]:
    """Each deployment, undeployed ones too, and None for tries, with its limits; not those whose
    history is kept for ever.
    """
    general = RetentionPolicy.general()
    own = {row.deployment_id: row for row in RetentionPolicy.objects.exclude(deployment=None)}
    names = ("payload_days", "history_days", "keep_last")
    if not own and not any(getattr(general, name) for name in names):
        return
    for place in (*Deployment.objects.values_list("pk", flat=True), None):
        rows = (own.get(place), general)
        kept = (_first(getattr(row, name, None) for row in rows) for name in names)
        payload_days, history_days, keep_last = kept
        limits = Limits(payload_days, history_days, keep_last, spared_from)
        if not limits.keep_all:
            yield place, limits


def _first(values: Iterable[int | None]) -> int | None:
    """The first that says something; 0 says for ever."""
    return next((value for value in values if value is not None), None) or None


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
    """Those that nothing else needs: no callback to be sent, no key of a repeated call, no rule of
    a schedule.
    """
    ours = OuterRef("pk")
    pending = Delivery.objects.filter(execution=ours, status=Delivery.Status.PENDING)
    keys = IdempotencyKey.objects.filter(execution=ours)
    rows = prunable().filter(over, deployment=place).exclude(pk__in=watched)
    return rows.filter(~Exists(pending), ~Exists(keys))


def _watched(place: uuid.UUID | None) -> set[uuid.UUID]:
    """The last runs of schedules that pause after so many failures: these are counted in them."""
    found: set[uuid.UUID] = set()
    if place is None:
        return found
    for schedule in Schedule.objects.filter(deployment=place, pause_after_failures__isnull=False):
        ran = schedule.occurrences.exclude(execution=None).order_by("-due_at")
        last = ran.values_list("execution", flat=True)[: schedule.pause_after_failures]
        found.update(last)
    return found


def _sweep_occurrences(
    batches: _Batches, place: uuid.UUID, limits: Limits, watched: set[uuid.UUID]
) -> int:
    total = 0
    for schedule in Schedule.objects.filter(deployment=place):
        over = partial(_over_occurrences, schedule, limits, watched)
        total += batches.of(over, _deleting(Occurrence))
    return total


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


def _sweep_audit(batches: _Batches, policy: RetentionPolicy) -> int:
    before = _audit_before(policy)
    if before is None:
        return 0
    return batches.of(partial(_over_entries, before), partial(audit.prune, before=before))


def _audit_before(policy: RetentionPolicy) -> datetime | None:
    """Entries that are older go; None: none."""
    if not policy.audit_days:
        return None
    return timezone.now() - timedelta(days=policy.audit_days)


def _over_entries(before: datetime | None) -> Any:
    rows = AuditEntry.objects.all()
    return rows.none() if before is None else rows.until(before)


def _over_sessions() -> Any:
    return Session.objects.filter(expire_date__lt=timezone.now())


# --- What is held ---------------------------------------------------------------------------------


def _look(policy: RetentionPolicy) -> None:
    """Count what is held, by age; seldom, as that reads an index of the whole history."""
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
