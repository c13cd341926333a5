"""Runs planned times of the past that had no run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from deployments.calls.orders import check_callable
from deployments.errors import BackfillRefused
from deployments.models import Occurrence, RetentionPolicy, Schedule
from deployments.occurrences import (
    NO_EXCLUSIONS,
    RuleInvalid,
    due_times,
    is_left_out,
    next_due,
    reaching_back,
)
from deployments.schedules import rules, store
from deployments.schedules.fields import YEARS
from deployments.schedules.serving import lock_caught_up
from deployments.schedules.starting import load_deployed, start_runs
from designs.auditing.audit import Action, note

MAX_RUNS = 1000

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy
# Outcomes of times that had their run or will get it.
SERVED = (Outcome.RAN, Outcome.WAITING)


@dataclass(frozen=True)
class Backfill:
    """The planned times that a backfill runs, earliest first.

    `served` counts the times in the span that already have a run and are left alone.
    """

    times: tuple[datetime, ...]
    served: int
    one_after_another: bool
    # Left alone because the calendar leaves their day out.
    left_out: int = 0

    @property
    def runs(self) -> int:
        return len(self.times)


def plan_backfill(
    *, schedule: Schedule, since: datetime, until: datetime, with_excluded: bool = False
) -> Backfill:
    """The runs that a backfill of the span (both ends included) would start. Writes nothing.

    Times on days that the calendar leaves out only `with_excluded`. Raises BackfillRefused.
    """
    now = store.database_time(schedule.deployment)
    if since.year not in YEARS:
        raise BackfillRefused("from", f"Choose a time from {YEARS[0]} on.")
    if until < since:
        raise BackfillRefused("until", "The end lies before the beginning.")
    if until > now:
        raise BackfillRefused("until", "Only the past is filled in: choose an end that has passed.")
    _check_retention(schedule, since, now)
    try:
        rule = replace(reaching_back(rules.rule_of(schedule), since), one_off=False)
    except RuleInvalid as error:
        raise BackfillRefused("from", f"The schedule cannot be followed: {error}") from error
    just_before = since - timedelta(microseconds=1)
    first = next_due(rule, just_before)
    times = [] if first is None else due_times(rule, first, until, most=MAX_RUNS + 1)
    if len(times) > MAX_RUNS:
        raise BackfillRefused(
            "until", f"This span has more than {MAX_RUNS:,} planned times. Choose a shorter one."
        )
    planned, excluded = times, NO_EXCLUSIONS if with_excluded else schedule.exclusions
    times = [at for at in planned if not is_left_out(rule, excluded, at)]
    rows = schedule.occurrences.filter(outcome__in=SERVED, due_at__gte=since, due_at__lte=until)
    served = set(rows.values_list("due_at", flat=True))
    return Backfill(
        times=tuple(at for at in times if at not in served),
        served=len(served.intersection(times)),
        one_after_another=schedule.overlap != Schedule.Overlap.ALLOW,
        left_out=len(planned) - len(times),
    )


def start_backfill(
    *, schedule: Schedule, since: datetime, until: datetime, with_excluded: bool = False
) -> Backfill:
    """Give each planned time of the span its run; repeating the call starts nothing twice.

    They run one after another unless the schedule lets runs overlap. Raises BackfillRefused,
    DeploymentInactive.
    """
    with transaction.atomic():
        # Times that are due now run as usual, not as a backfill.
        row = lock_caught_up(schedule)
        ready = load_deployed([row])
        check_callable(ready[row.deployment_id])
        plan = plan_backfill(schedule=row, since=since, until=until, with_excluded=with_excluded)
        now = store.database_time(row.deployment)
        occurrences = _occurrences(row, plan, now)
        if not plan.one_after_another:
            start_runs([(row, occurrence) for occurrence in occurrences], ready, now=now)
        skipped = [each for each in occurrences if each.pk is not None]
        Occurrence.objects.bulk_create([each for each in occurrences if each.pk is None])
        Occurrence.objects.bulk_update(
            skipped, ["outcome", "policy", "start_at", "decided_at", "execution", "input_data"]
        )
        first, last = since.isoformat(), until.isoformat()
        note(Action.BACKFILL, row, since=first, until=last, runs=plan.runs)
    return plan


def _check_retention(schedule: Schedule, since: datetime, now: datetime) -> None:
    """Raises BackfillRefused where retention may have deleted runs: they would run twice."""
    kept_from = None
    days = RetentionPolicy.limit_of(schedule.deployment_id, "history_days")
    if days is not None:
        kept_from = now - timedelta(days=days)
    most = RetentionPolicy.limit_of(schedule.deployment_id, "keep_last")
    if most is not None:
        newest = schedule.occurrences.order_by("-due_at").values_list("due_at", flat=True)
        for oldest in newest[most - 1 : most]:
            kept_from = oldest if kept_from is None else max(kept_from, oldest)
    if kept_from is not None and since < kept_from:
        raise BackfillRefused(
            "from",
            f"Retention keeps what this schedule did since {kept_from:%Y-%m-%d %H:%M} UTC only, so "
            "what ran before could run twice. Choose a later time, or keep the history longer.",
        )


def _occurrences(schedule: Schedule, plan: Backfill, now: datetime) -> list[Occurrence]:
    """The rows to save: new ones, and those that were skipped before."""
    if not plan.times:
        return []
    span = schedule.occurrences.filter(due_at__gte=plan.times[0], due_at__lte=plan.times[-1])
    skipped = {row.due_at: row for row in span}
    rows = []
    for due in plan.times:
        row = skipped.get(due) or Occurrence(schedule=schedule, due_at=due)
        row.outcome = Outcome.WAITING if plan.one_after_another else Outcome.RAN
        row.policy = Policy.BACKFILL
        row.start_at, row.decided_at = (now, None) if plan.one_after_another else (None, now)
        row.input_data = schedule.input_data if plan.one_after_another else None
        rows.append(row)
    return rows
