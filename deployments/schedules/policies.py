"""Decides by a schedule's policies what happens to due times. Reads and writes no rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.models import Occurrence, Schedule
from deployments.occurrences import jitter

# Later than this counts as missed, not as slow.
ON_TIME = timedelta(seconds=60)
# Occurrences of one schedule that wait for its last run: more mean that runs cannot keep up.
MAX_WAITING = 100

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy
Overlap, Misfire = Schedule.Overlap, Schedule.Misfire


@dataclass
class Situation:
    """The state of one schedule; each decision to start a run updates it for the next one."""

    now: datetime
    # The policy by which nothing may run; empty if runs may start.
    closed: str = ""
    is_busy: bool = False
    waiting: int = 0


@dataclass(frozen=True)
class Decision:
    """The outcome of one planned time, and the policy behind it (empty: simply on time)."""

    due: datetime
    outcome: str
    policy: str = ""
    start_at: datetime | None = None


def decide(
    schedule: Schedule, times: Sequence[datetime], situation: Situation, *, more: bool = False
) -> list[Decision]:
    """Decide each due time, in order; `more`: even later ones are due too."""
    if situation.closed:
        return [Decision(due, Outcome.SKIPPED_INACTIVE, situation.closed) for due in times]
    decisions = []
    for due in times:
        late = situation.now - due
        if (missed := _missed(schedule, due, late)) is not None:
            decisions.append(missed)
        elif schedule.misfire == Misfire.RUN_LATEST and (more or due != times[-1]):
            decisions.append(Decision(due, Outcome.COALESCED, Policy.MISFIRE_LATEST))
        elif (
            start := due + jitter(str(schedule.pk), due, schedule.jitter_seconds)
        ) > situation.now:
            decisions.append(Decision(due, Outcome.WAITING, Policy.JITTER, start))
        else:
            all_run = schedule.misfire == Misfire.RUN_ALL
            policy = Policy.MISFIRE_ALL if all_run else Policy.MISFIRE_LATEST
            decisions.append(_at_start(schedule, due, situation, policy if late > ON_TIME else ""))
    if schedule.overlap == Overlap.CANCEL_RUNNING:
        return [decision for decision in _only_last(decisions) if decision]
    return decisions


def decide_waiting(
    schedule: Schedule, waiting: Sequence[Occurrence], situation: Situation
) -> list[Decision | None]:
    """Decide waiting occurrences that may start now, in order; None: it keeps waiting."""
    decisions: list[Decision | None] = []
    for row in waiting:
        due, policy, closed = row.due_at, row.policy, situation.closed
        # A backfill also runs for a schedule that is off.
        if closed and not (closed == Policy.SWITCHED_OFF and policy == Policy.BACKFILL):
            decisions.append(Decision(due, Outcome.SKIPPED_INACTIVE, closed))
        elif policy == Policy.JITTER:
            late = situation.now - (row.start_at or due)
            missed = _missed(schedule, due, late)
            decisions.append(missed or _at_start(schedule, due, situation, Policy.JITTER))
        elif situation.is_busy:
            decisions.append(None)
        else:
            situation.is_busy = True
            decisions.append(Decision(due, Outcome.RAN, policy))
    return _only_last(decisions) if schedule.overlap == Overlap.CANCEL_RUNNING else decisions


def _missed(schedule: Schedule, due: datetime, late: timedelta) -> Decision | None:
    """Skip it if it is too late to start by the misfire policy."""
    if late > timedelta(seconds=schedule.misfire_window_seconds) and late > ON_TIME:
        return Decision(due, Outcome.SKIPPED_MISFIRE, Policy.MISFIRE_WINDOW)
    if schedule.misfire == Misfire.SKIP and late > ON_TIME:
        return Decision(due, Outcome.SKIPPED_MISFIRE, Policy.MISFIRE_SKIP)
    return None


def _at_start(schedule: Schedule, due: datetime, situation: Situation, policy: str) -> Decision:
    """Apply the overlap policy to a run that is due now; `policy` is recorded if it just runs."""
    was_busy, situation.is_busy = situation.is_busy, True
    if schedule.overlap == Overlap.QUEUE:
        if not was_busy and not situation.waiting:
            return Decision(due, Outcome.RAN, policy)
        if situation.waiting >= MAX_WAITING:
            return Decision(due, Outcome.SKIPPED_OVERLAP, Policy.QUEUE_FULL)
        situation.waiting += 1
        return Decision(due, Outcome.WAITING, Policy.OVERLAP_QUEUE, situation.now)
    if not was_busy:
        return Decision(due, Outcome.RAN, policy)
    if schedule.overlap == Overlap.ALLOW:
        return Decision(due, Outcome.RAN, policy or Policy.OVERLAP_ALLOW)
    if schedule.overlap == Overlap.CANCEL_RUNNING:
        return Decision(due, Outcome.RAN, Policy.OVERLAP_CANCEL)
    return Decision(due, Outcome.SKIPPED_OVERLAP, Policy.OVERLAP_SKIP)


def _only_last(decisions: Sequence[Decision | None]) -> list[Decision | None]:
    """Of several that start at once keep the last: each would cancel the one before."""
    result = list(decisions)
    starts = [(n, d) for n, d in enumerate(result) if d and d.outcome == Outcome.RAN]
    for n, decision in starts[:-1]:
        result[n] = Decision(decision.due, Outcome.SKIPPED_OVERLAP, Policy.OVERLAP_CANCEL)
    return result
