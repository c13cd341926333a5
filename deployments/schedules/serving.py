"""Serves schedules under their locks: writes what became of planned times, and starts their
runs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Now

from deployments.calls.lookup import Deployed
from deployments.models import Deployment, Occurrence, Schedule
from deployments.occurrences import due_times, next_due
from deployments.schedules import rules, store
from deployments.schedules.pausing import pause_failing
from deployments.schedules.policies import Decision, Situation, decide, decide_waiting
from deployments.schedules.starting import Start, load_deployed, start_runs
from designs.rows.updating import update_rows
from designs.runtime import faults
from executor.models import LIVE, Execution, Status, Trigger

# Planned times written in one transaction; a longer gap is caught up in several rounds.
TIMES_AT_ONCE = 2000

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy
Ready = dict[uuid.UUID, Deployed]


def refresh_schedules(pks: Sequence[uuid.UUID]) -> int:
    """Notice that the rules of these schedules were edited; returns how many were."""
    with transaction.atomic():
        return sum(_is_changed(schedule) for schedule in _locked(pks))


def catch_up(pks: Sequence[uuid.UUID]) -> None:
    """Write what these schedules had due until now, before somebody changes their rule or input."""
    while serve_due(pks):
        continue


def serve_due(pks: Sequence[uuid.UUID]) -> int:
    """Write the due times of these schedules, and start what their policies let run.

    Returns how many were written, 0 only if nothing is due any more or others are at it.
    """
    with transaction.atomic():
        # An edit that nobody noticed yet must not fire by the old rule.
        found = _locked(pks, next_due_at__lte=Now())
        schedules = [schedule for schedule in found if not _is_changed(schedule)]
        if not schedules:
            return 0
        now = schedules[0].database_time
        ready = load_deployed(schedules)
        situations = _situations(schedules, ready, now)
        recorded = _recorded(schedules)
        most = max(1, TIMES_AT_ONCE // len(schedules))
        decided: list[tuple[Schedule, Decision]] = []
        for schedule in schedules:
            times, more = _due_of(schedule, now, most=most)
            decisions = decide(schedule, times, situations[schedule.pk], more=more)
            known = recorded.get(schedule.pk, set())
            decided += [(schedule, made) for made in decisions if made.due not in known]
        rows = [(schedule, _row(schedule, made, now)) for schedule, made in decided]
        transaction.on_commit(lambda: faults.reach("occurrence.after"))
        _start(rows, ready, now, new=[row for _, row in rows])
        _pause_refused(rows, now)
        _save_next(schedules)
        _end_one_offs(schedules)
        faults.reach("occurrence.before")
        return max(1, len(rows))


def serve_waiting(pks: Sequence[uuid.UUID]) -> int:
    """Start what waited and may start now; returns how many wait no more."""
    with transaction.atomic():
        schedules = _locked(pks)
        if not schedules:
            return 0
        now = schedules[0].database_time
        ready = load_deployed(schedules)
        situations = _situations(schedules, ready, now)
        changed: list[Start] = []
        for schedule in schedules:
            rows = schedule.occurrences.filter(outcome=Outcome.WAITING, start_at__lte=now)
            waiting = list(rows.order_by("due_at")[:TIMES_AT_ONCE])
            decisions = decide_waiting(schedule, waiting, situations[schedule.pk])
            for row, made in zip(waiting, decisions, strict=True):
                if made is not None:
                    _change(row, made, now)
                    changed.append((schedule, row))
        _start(changed, ready, now)
        fields = ["outcome", "policy", "start_at", "decided_at", "execution"]
        Occurrence.objects.bulk_update([row for _, row in changed], fields)
        _pause_refused(changed, now)
        _end_one_offs([schedule for schedule, _ in changed])
        return len(changed)


def _locked(pks: Sequence[uuid.UUID], **still: Any) -> list[Any]:
    """Those of these schedules that nobody else serves now, until the transaction ends."""
    rows = Schedule.objects.with_rule().annotate(database_time=Now())
    rows = rows.filter(pk__in=pks, deployment__removed_at=None, **still).order_by("pk")
    return list(rows.select_for_update(skip_locked=True, of=("self",)))


def _is_changed(schedule: Any) -> bool:
    """True, with the row saved, if the rule is another one than its next time comes from."""
    changed = rules.refresh(schedule, now=schedule.database_time)
    if changed:
        schedule.save(update_fields=rules.REFRESHED)
    return changed


def _due_of(schedule: Schedule, now: datetime, *, most: int) -> tuple[list[datetime], bool]:
    """(due times, whether there are more than these), with `next_due_at` set to what follows."""
    rule = rules.rule_of(schedule)
    times = due_times(rule, schedule.next_due_at or now, now, most=most)
    schedule.next_due_at = None if rule.one_off else next_due(rule, times[-1])
    return times, schedule.next_due_at is not None and schedule.next_due_at <= now


def _recorded(schedules: Sequence[Schedule]) -> dict[uuid.UUID, set[datetime]]:
    """Planned times from the next due one on that have a row already: since a clock went back."""
    last = Occurrence.objects.filter(schedule=OuterRef("pk")).order_by("-due_at").values("due_at")
    latest = dict(
        Schedule.objects.filter(pk__in=[schedule.pk for schedule in schedules])
        .order_by()
        .values_list("pk", Subquery(last[:1]))
    )
    found: dict[uuid.UUID, set[datetime]] = {}
    for schedule in schedules:
        at, due = latest.get(schedule.pk), schedule.next_due_at
        if at is not None and due is not None and at >= due:
            rows = Occurrence.objects.filter(schedule=schedule, due_at__gte=due)
            found[schedule.pk] = set(rows.values_list("due_at", flat=True))
    return found


def _row(schedule: Schedule, made: Decision, now: datetime) -> Occurrence:
    row = Occurrence(schedule=schedule, due_at=made.due, created_at=now)
    _change(row, made, now)
    if row.outcome == Outcome.WAITING:
        # What is edited until it starts is for what comes due after the edit.
        row.input_data = schedule.input_data
    return row


def _change(row: Occurrence, made: Decision, now: datetime) -> None:
    row.outcome, row.policy, row.start_at = made.outcome, made.policy, made.start_at
    row.decided_at = None if made.outcome == Outcome.WAITING else now


def _start(
    rows: Sequence[Start], ready: Ready, now: datetime, new: Sequence[Occurrence] = ()
) -> None:
    running = [pair for pair in rows if pair[1].outcome == Outcome.RAN]
    start_runs(running, ready, now=now, new=new)


def _pause_refused(rows: Sequence[Start], now: datetime) -> None:
    """A run whose input was refused has failed already: nobody tells of its end later."""
    refused = {
        schedule.pk: schedule
        for schedule, row in rows
        if row.execution is not None and row.execution.status == Status.FAILED
    }
    pause_failing(refused.values(), now=now)


def _save_next(schedules: Sequence[Schedule]) -> None:
    times = [{"id": schedule.pk, "next_due_at": schedule.next_due_at} for schedule in schedules]
    if update_rows(Schedule, times, found_by=("id",)) is None:
        Schedule.objects.bulk_update(schedules, ["next_due_at"])


def _end_one_offs(schedules: Iterable[Schedule]) -> None:
    """Switch off what had its one time; one that starts later is on until then, as being off would
    skip it.
    """
    spent = {
        schedule.pk: schedule
        for schedule in schedules
        if schedule.beat_task.one_off and schedule.next_due_at is None
    }
    if not spent:
        return
    waiting = Occurrence.objects.filter(schedule__in=spent, outcome=Outcome.WAITING)
    for pk in spent.keys() - set(waiting.values_list("schedule", flat=True)):
        store.end_one_off(spent[pk])
        spent[pk].save(update_fields=rules.REFRESHED)


# --- How things stand -----------------------------------------------------------------------------


def _situations(
    schedules: Sequence[Schedule], ready: Ready, now: datetime
) -> dict[uuid.UUID, Situation]:
    """What the policies need to know of each; the locks keep rivals from changing it."""
    active = {pk for pk, found in ready.items() if found.status == Deployment.Status.ACTIVE}
    paused = pause_failing([s for s in schedules if s.deployment_id in active], now=now)
    busy = busy_schedules()
    waiting = _waiting([s.pk for s in schedules if s.overlap == Schedule.Overlap.QUEUE])
    found = {}
    for schedule in schedules:
        closed = ""
        if schedule.deployment_id in paused:
            closed = Policy.PAUSED
        elif schedule.deployment_id not in active:
            closed = Policy.INACTIVE
        elif not schedule.beat_task.enabled:
            closed = Policy.SWITCHED_OFF
        found[schedule.pk] = Situation(
            now, closed, is_busy=schedule.pk in busy, waiting=waiting.get(schedule.pk, 0)
        )
    return found


def busy_schedules() -> set[uuid.UUID]:
    """Schedules with a run that goes on; found from the runs, which are few beside all ended
    ones.
    """
    live = Execution.objects.filter(status__in=LIVE, trigger_type=Trigger.SCHEDULED)
    rows = Occurrence.objects.order_by().filter(execution__in=live.order_by().values("pk"))
    return set(rows.values_list("schedule_id", flat=True))


def _waiting(pks: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many wait for a run to end."""
    if not pks:
        return {}
    rows = Occurrence.objects.order_by().filter(outcome=Outcome.WAITING, schedule__in=pks)
    return dict(
        rows.exclude(policy=Policy.JITTER).values_list("schedule_id").annotate(n=Count("pk"))
    )
