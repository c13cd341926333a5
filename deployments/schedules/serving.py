"""Serves locked schedules: records the outcome of due times and starts their runs."""

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
from deployments.occurrences import Rule, due_times, is_left_out
from deployments.schedules import rules, store
from deployments.schedules.pausing import pause_failing
from deployments.schedules.policies import Decision, Situation, decide, decide_waiting
from deployments.schedules.starting import Start, load_deployed, start_runs
from designs.rows.writing import Update, update_rows
from designs.runtime import faults
from executor.models import BUSY, Execution, Status, Trigger

# Planned times written in one transaction; a longer gap is caught up in several rounds.
TIMES_AT_ONCE = 2000

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy


def refresh_schedules(pks: Sequence[uuid.UUID]) -> int:
    """Recompute the next times of schedules whose rule was edited; returns how many were."""
    with transaction.atomic():
        return sum(_refresh(schedule) for schedule in _locked(pks))


def catch_up(pks: Sequence[uuid.UUID]) -> None:
    """Serve everything due until now, before the rule or input of these schedules is changed."""
    while serve_due(pks):
        continue


def lock_caught_up(schedule: Schedule) -> Schedule:
    """Lock the schedule, serve what is due, and return the row after that. Raises RowGone."""
    store.locked(schedule)
    catch_up([schedule.pk])
    return store.locked(schedule)


def serve_due(pks: Sequence[uuid.UUID]) -> int:
    """Record the due times of these schedules and start the runs that their policies allow.

    Returns how many were written, 0 only if nothing is due any more or others hold the rows.
    """
    with transaction.atomic():
        # An edited rule must not fire at the times of the old one.
        due_rows = _locked(pks, next_due_at__lte=Now())
        schedules = [schedule for schedule in due_rows if not _refresh(schedule)]
        if not schedules:
            return 0
        now = schedules[0].database_time
        ready = load_deployed(schedules)
        situations = _situations(schedules, ready, now)
        recorded = _recorded(schedules)
        most = max(1, TIMES_AT_ONCE // len(schedules))
        rows: list[Start] = []
        for schedule in schedules:
            rule = rules.rule_of(schedule)
            times = due_times(rule, schedule.next_due_at or now, now, most=most)
            decisions = _decided(schedule, rule, times, situations[schedule.pk])
            for decision in decisions:
                if (schedule.pk, decision.due) in recorded:
                    continue
                row = Occurrence(schedule=schedule, due_at=decision.due, created_at=now)
                _apply(row, decision, now)
                if row.outcome == Outcome.SKIPPED_EXCLUDED and schedule.calendar is not None:
                    row.calendar_name = schedule.calendar.name
                if row.outcome == Outcome.WAITING:
                    # Edits until it starts are for times that come due after them.
                    row.input_data = schedule.input_data
                rows.append((schedule, row))
        transaction.on_commit(lambda: faults.reach("occurrence.after"))
        start_runs(rows, ready, now=now, new=[row for _, row in rows])
        _pause_refused(rows, now)
        next_times = [
            {"id": row.pk, "next_due_at": row.next_due_at, "next_run_at": row.next_run_at}
            for row in schedules
        ]
        if update_rows(Update(Schedule, next_times), found_by=("id",)) is None:
            Schedule.objects.bulk_update(schedules, ["next_due_at", "next_run_at"])
        _end_one_offs(schedules)
        faults.reach("occurrence.before")
        return max(1, len(rows))


def _decided(
    schedule: Schedule, rule: Rule, times: Sequence[datetime], situation: Situation
) -> list[Decision]:
    """Decide the due times, and plan the next ones.

    Times on excluded days are skipped whatever else holds, and count for no policy: of those missed
    the latest that is allowed runs. A one-off schedule goes on until a time that is allowed.
    """
    excluded = schedule.exclusions
    allowed = [due for due in times if not is_left_out(rule, excluded, due)]
    left_out = set(times).difference(allowed)
    if rule.one_off and not left_out:
        schedule.next_due_at = schedule.next_run_at = None
    else:
        rules.plan_next(schedule, rule, times[-1])
    more = schedule.next_run_at is not None and schedule.next_run_at <= situation.now
    skipped = [Decision(due, Outcome.SKIPPED_EXCLUDED, Policy.CALENDAR) for due in left_out]
    decided = decide(schedule, allowed, situation, more=more) if allowed else []
    return sorted([*decided, *skipped], key=lambda decision: decision.due)


def serve_waiting(pks: Sequence[uuid.UUID]) -> int:
    """Start waiting occurrences that may start now; returns how many no longer wait."""
    with transaction.atomic():
        schedules = _locked(pks)
        if not schedules:
            return 0
        now = schedules[0].database_time
        ready = load_deployed(schedules)
        situations = _situations(schedules, ready, now)
        decided: list[Start] = []
        for schedule in schedules:
            rows = schedule.occurrences.filter(outcome=Outcome.WAITING, start_at__lte=now)
            waiting = list(rows.order_by("due_at")[:TIMES_AT_ONCE])
            decisions = decide_waiting(schedule, waiting, situations[schedule.pk])
            for row, decision in zip(waiting, decisions, strict=True):
                if decision is not None:
                    _apply(row, decision, now)
                    decided.append((schedule, row))
        start_runs(decided, ready, now=now)
        fields = ["outcome", "policy", "start_at", "decided_at", "execution"]
        Occurrence.objects.bulk_update([row for _, row in decided], fields)
        _pause_refused(decided, now)
        _end_one_offs([schedule for schedule, _ in decided])
        return len(decided)


def _locked(pks: Sequence[uuid.UUID], **conditions: Any) -> list[Any]:
    """Lock those of these schedules that no other process serves, with the `database_time`."""
    rows = Schedule.objects.with_rule().annotate(database_time=Now())
    rows = rows.filter(pk__in=pks, deployment__removed_at=None, **conditions).order_by("pk")
    found = list(rows.select_for_update(skip_locked=True, of=("self",)))
    store.with_current_calendars(found)
    return found


def _refresh(schedule: Any) -> bool:
    """Recompute and save the next time if the rule changed; True if it did."""
    changed = rules.refresh(schedule, now=schedule.database_time)
    if changed:
        schedule.save(update_fields=rules.REFRESHED)
    return changed


def _recorded(schedules: Sequence[Schedule]) -> set[tuple[uuid.UUID, datetime]]:
    """(schedule, time) from the next due time on that have a row already: the clock went back."""
    last = Occurrence.objects.filter(schedule=OuterRef("pk")).order_by("-due_at").values("due_at")
    latest = dict(
        Schedule.objects.filter(pk__in=[schedule.pk for schedule in schedules])
        .order_by()
        .values_list("pk", Subquery(last[:1]))
    )
    recorded: set[tuple[uuid.UUID, datetime]] = set()
    for schedule in schedules:
        at, due = latest.get(schedule.pk), schedule.next_due_at
        if at is not None and due is not None and at >= due:
            rows = Occurrence.objects.filter(schedule=schedule, due_at__gte=due)
            recorded.update(rows.values_list("schedule_id", "due_at"))
    return recorded


def _apply(row: Occurrence, decision: Decision, now: datetime) -> None:
    row.outcome, row.policy, row.start_at = decision.outcome, decision.policy, decision.start_at
    row.decided_at = None if decision.outcome == Outcome.WAITING else now


def _pause_refused(rows: Sequence[Start], now: datetime) -> None:
    """A run whose input was refused has failed already, so no end of a run settles it later."""
    refused = {
        schedule.pk: schedule
        for schedule, row in rows
        if row.execution is not None and row.execution.status == Status.FAILED
    }
    pause_failing(refused.values(), now=now)


def _end_one_offs(schedules: Iterable[Schedule]) -> None:
    """Switch off one-off schedules that had their time, as beat does.

    One whose run starts later stays on until then: being off would skip the run.
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
        spent[pk].beat_task.enabled = False
        spent[pk].beat_task.save()
        _refresh(spent[pk])


def _situations(
    schedules: Sequence[Schedule], ready: dict[uuid.UUID, Deployed], now: datetime
) -> dict[uuid.UUID, Situation]:
    """The facts that the policies need; the locks keep other processes from changing them."""
    active = {pk for pk, row in ready.items() if row.status == Deployment.Status.ACTIVE}
    paused = pause_failing([s for s in schedules if s.deployment_id in active], now=now)
    busy = busy_schedules()
    waiting: dict[uuid.UUID, int] = {}
    queueing = [s.pk for s in schedules if s.overlap == Schedule.Overlap.QUEUE]
    if queueing:
        rows = Occurrence.objects.order_by().filter(outcome=Outcome.WAITING, schedule__in=queueing)
        rows = rows.exclude(policy=Policy.JITTER)
        waiting = dict(rows.values_list("schedule_id").annotate(n=Count("pk")))
    situations = {}
    for schedule in schedules:
        closed = ""
        if schedule.deployment_id in paused:
            closed = Policy.PAUSED
        elif schedule.deployment_id not in active:
            closed = Policy.INACTIVE
        elif not schedule.beat_task.enabled:
            closed = Policy.SWITCHED_OFF
        situations[schedule.pk] = Situation(
            now, closed, is_busy=schedule.pk in busy, waiting=waiting.get(schedule.pk, 0)
        )
    return situations


def busy_schedules() -> set[uuid.UUID]:
    """Schedules with a queued or running run. Starts from these: far fewer than ended ones."""
    live = Execution.objects.filter(status__in=BUSY, trigger_type=Trigger.SCHEDULED)
    rows = Occurrence.objects.order_by().filter(execution__in=live.order_by().values("pk"))
    return set(rows.values_list("schedule_id", flat=True))
