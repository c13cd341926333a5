"""What becomes of planned times that have come, by a schedule's policies. Reads and writes no
rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.models import Occurrence, Schedule
from deployments.occurrences import jitter

# Later than this counts as missed, not as slow.
ON_TIME = timedelta(seconds=60)
# More than these do not wait for one schedule: it is planned oftener than its runs can end.
MAX_WAITING = 100

Outcome, Policy = Occurrence.Outcome, Occurrence.Policy
Overlap, Misfire = Schedule.Overlap, Schedule.Misfire


@dataclass
class Situation:
    """How things stand with a schedule; `decide` goes on from it with each run that it lets
    start.
    """

    now: datetime
    # Why nothing may run, if so.
    closed: str = ""
    is_busy: bool = False
    waiting: int = 0


@dataclass(frozen=True)
class Decision:
    """One planned time, its outcome, and which policy decided (empty: it was simply on time)."""

    due: datetime
    outcome: str
    policy: str = ""
    start_at: datetime | None = None


def decide(
    schedule: Schedule, times: Sequence[datetime], situation: Situation, *, more: bool = False
) -> list[Decision]:
    """What becomes of each time; `more` says that later ones are due already, too."""
    if situation.closed:
        return [Decision(due, Outcome.SKIPPED_INACTIVE, situation.closed) for due in times]
    found = []
    for due in times:
        is_latest = due == times[-1] and not more
        missed = _missed(schedule, due, situation.now, is_latest=is_latest)
        found.append(missed or _start(schedule, due, situation))
    if schedule.overlap == Overlap.CANCEL_RUNNING:
        return [made for made in _only_last(found) if made]
    return found


def decide_waiting(
    schedule: Schedule, waiting: Sequence[Occurrence], situation: Situation
) -> list[Decision | None]:
    """What becomes of each that waited and may start now; None: it goes on waiting."""
    found = [_after_waiting(schedule, occurrence, situation) for occurrence in waiting]
    return _only_last(found) if schedule.overlap == Overlap.CANCEL_RUNNING else found


def _after_waiting(
    schedule: Schedule, occurrence: Occurrence, situation: Situation
) -> Decision | None:
    due, policy, closed = occurrence.due_at, occurrence.policy, situation.closed
    # A person filled it in, also for a schedule that is off.
    if closed and not (closed == Policy.SWITCHED_OFF and policy == Policy.BACKFILL):
        return Decision(due, Outcome.SKIPPED_INACTIVE, closed)
    if policy == Policy.JITTER:
        late = situation.now - (occurrence.start_at or due)
        usual = Policy.JITTER
        return _too_late(schedule, due, late) or _at_start(schedule, due, situation, usual)
    if situation.is_busy:
        return None
    situation.is_busy = True
    return Decision(due, Outcome.RAN, policy)


def _missed(
    schedule: Schedule, due: datetime, now: datetime, *, is_latest: bool
) -> Decision | None:
    if (too_late := _too_late(schedule, due, now - due)) is not None:
        return too_late
    if schedule.misfire == Misfire.RUN_LATEST and not is_latest:
        return Decision(due, Outcome.COALESCED, Policy.MISFIRE_LATEST)
    return None


def _too_late(schedule: Schedule, due: datetime, late: timedelta) -> Decision | None:
    """Skipped, if it could have started so long ago that it counts as missed."""
    if late > timedelta(seconds=schedule.misfire_window_seconds) and late > ON_TIME:
        return Decision(due, Outcome.SKIPPED_MISFIRE, Policy.MISFIRE_WINDOW)
    if schedule.misfire == Misfire.SKIP and late > ON_TIME:
        return Decision(due, Outcome.SKIPPED_MISFIRE, Policy.MISFIRE_SKIP)
    return None


def _start(schedule: Schedule, due: datetime, situation: Situation) -> Decision:
    start_at = due + jitter(str(schedule.pk), due, schedule.jitter_seconds)
    if start_at > situation.now:
        return Decision(due, Outcome.WAITING, Policy.JITTER, start_at)
    usual = ""
    if situation.now - due > ON_TIME:
        all_run = schedule.misfire == Misfire.RUN_ALL
        usual = Policy.MISFIRE_ALL if all_run else Policy.MISFIRE_LATEST
    return _at_start(schedule, due, situation, usual)


def _at_start(schedule: Schedule, due: datetime, situation: Situation, usual: str) -> Decision:
    """It could start now: whether it does beside, instead of, or after a run that goes on."""
    was_busy, situation.is_busy = situation.is_busy, True
    if schedule.overlap == Overlap.QUEUE:
        return _in_queue(due, situation, usual, was_busy=was_busy)
    if not was_busy:
        return Decision(due, Outcome.RAN, usual)
    if schedule.overlap == Overlap.ALLOW:
        return Decision(due, Outcome.RAN, usual or Policy.OVERLAP_ALLOW)
    if schedule.overlap == Overlap.CANCEL_RUNNING:
        return Decision(due, Outcome.RAN, Policy.OVERLAP_CANCEL)
    return Decision(due, Outcome.SKIPPED_OVERLAP, Policy.OVERLAP_SKIP)


def _in_queue(due: datetime, situation: Situation, usual: str, *, was_busy: bool) -> Decision:
    if not was_busy and not situation.waiting:
        return Decision(due, Outcome.RAN, usual)
    if situation.waiting >= MAX_WAITING:
        return Decision(due, Outcome.SKIPPED_OVERLAP, Policy.QUEUE_FULL)
    situation.waiting += 1
    return Decision(due, Outcome.WAITING, Policy.OVERLAP_QUEUE, situation.now)


def _only_last(decisions: Sequence[Decision | None]) -> list[Decision | None]:
    """Of several that start at once, each would cancel the one before."""
    found = list(decisions)
    starts = [n for n, made in enumerate(found) if made and made.outcome == Outcome.RAN]
    for n in starts[:-1]:
        made = found[n]
        if made is not None:
            found[n] = Decision(made.due, Outcome.SKIPPED_OVERLAP, Policy.OVERLAP_CANCEL)
    return found
