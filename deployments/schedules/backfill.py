"""Fills in runs for planned times of the past that had none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from deployments.calls.orders import check_callable
from deployments.errors import BackfillRefused
from deployments.models import Occurrence, RetentionPolicy, Schedule
from deployments.occurrences import RuleInvalid, next_due, reaching_back
from deployments.schedules import rules, store
from deployments.schedules.fields import YEARS
from deployments.schedules.serving import catch_up
from deployments.schedules.starting import load_deployed, start_runs
from designs.auditing.audit import Action, note

MAX_RUNS = 1000

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy
# What has had its run, or is about to.
SERVED = (Outcome.RAN, Outcome.WAITING)


@dataclass(frozen=True)
class Backfill:
    """The planned times that a back-fill gives a run, earliest first, and how they run.

    `served` is how many times in the span have had their run, and are left alone.
    """

    times: tuple[datetime, ...]
    served: int
    one_after_another: bool

    @property
    def runs(self) -> int:
        return len(self.times)


def plan_backfill(*, schedule: Schedule, since: datetime, until: datetime) -> Backfill:
    """What filling in the span (both ends included) would start. Writes nothing.

    Raises BackfillRefused.
    """
    now = store.database_time(schedule.deployment)
    if since.year not in YEARS:
        raise BackfillRefused("from", f"Choose a time from {YEARS[0]} on.")
    if until < since:
        raise BackfillRefused("until", "The end lies before the beginning.")
    if until > now:
        raise BackfillRefused("until", "Only the past is filled in: choose an end that has passed.")
    _check_remembered(schedule, since, now)
    times = _planned(schedule, since, until)
    served = set(
        schedule.occurrences.filter(
            outcome__in=SERVED, due_at__gte=since, due_at__lte=until
        ).values_list("due_at", flat=True)
    )
    return Backfill(
        times=tuple(at for at in times if at not in served),
        served=len(served.intersection(times)),
        one_after_another=schedule.overlap != Schedule.Overlap.ALLOW,
    )


def start_backfill(*, schedule: Schedule, since: datetime, until: datetime) -> Backfill:
    """Give each planned time of the span its run; asked twice, nothing is started twice.

    They run one after another unless the schedule lets runs overlap. Raises BackfillRefused,
    DeploymentInactive.
    """
    with transaction.atomic():
        store.locked(schedule)
        # What is due in the ordinary way is not filled in.
        catch_up([schedule.pk])
        found = store.locked(schedule)
        ready = load_deployed([found])
        check_callable(ready[found.deployment_id])
        plan = plan_backfill(schedule=found, since=since, until=until)
        now = store.database_time(found.deployment)
        rows = _rows(found, plan, now)
        if not plan.one_after_another:
            start_runs([(found, row) for row in rows], ready, now=now)
        _save(rows)
        first, last = since.isoformat(), until.isoformat()
        note(Action.BACKFILL, found, since=first, until=last, runs=plan.runs)
    return plan


def _check_remembered(schedule: Schedule, since: datetime, now: datetime) -> None:
    """Raises BackfillRefused where retention removes what has run: it would run once more."""
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


def _planned(schedule: Schedule, since: datetime, until: datetime) -> list[datetime]:
    try:
        rule = replace(reaching_back(rules.rule_of(schedule), since), one_off=False)
    except RuleInvalid as error:
        raise BackfillRefused("from", f"The schedule cannot be followed: {error}") from error
    found: list[datetime] = []
    due = next_due(rule, since - timedelta(microseconds=1))
    while due is not None and due <= until:
        found.append(due)
        if len(found) > MAX_RUNS:
            raise BackfillRefused(
                "until",
                f"This span has more than {MAX_RUNS:,} planned times. Choose a shorter one.",
            )
        due = next_due(rule, due)
    return found


def _rows(schedule: Schedule, plan: Backfill, now: datetime) -> list[Occurrence]:
    """The occurrences to save: those that were skipped get their run now."""
    if not plan.times:
        return []
    span = schedule.occurrences.filter(due_at__gte=plan.times[0], due_at__lte=plan.times[-1])
    skipped = {row.due_at: row for row in span}
    found = []
    for due in plan.times:
        row = skipped.get(due) or Occurrence(schedule=schedule, due_at=due)
        row.outcome = Outcome.WAITING if plan.one_after_another else Outcome.RAN
        row.policy = Policy.BACKFILL
        row.start_at, row.decided_at = (now, None) if plan.one_after_another else (None, now)
        row.input_data = schedule.input_data if plan.one_after_another else None
        found.append(row)
    return found


def _save(rows: Sequence[Occurrence]) -> None:
    old = [row for row in rows if row.pk is not None]
    Occurrence.objects.bulk_create([row for row in rows if row.pk is None])
    Occurrence.objects.bulk_update(
        old, ["outcome", "policy", "start_at", "decided_at", "execution", "input_data"]
    )
