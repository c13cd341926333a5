"""A one-off schedule runs, even with a delayed start, and is off afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployments.models import Occurrence, Schedule
from deployments.schedules.pump import wake_schedules
from deployments.schedules.scheduling import switch_schedule
from tests.deployments.conftest import just_now
from tests.deployments.test_schedule_policies import ledger, runs

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]


def test_one_off_runs_once_and_is_off(scheduled: Scheduled) -> None:
    schedule = scheduled(missed=3, one_off=True)
    wake_schedules()
    wake_schedules()
    assert ledger(schedule) == [("ran", "")]
    schedule = Schedule.objects.with_rule().get()
    assert (schedule.beat_task.enabled, schedule.next_due_at) == (False, None)


def test_one_off_that_starts_a_little_later_runs_all_the_same(scheduled: Scheduled) -> None:
    schedule = scheduled(one_off=True, jitter_seconds=3600)
    wake_schedules()
    assert ledger(schedule) == [("waiting", "jitter")]
    assert Schedule.objects.with_rule().get().beat_task.enabled
    Occurrence.objects.update(start_at=just_now())
    wake_schedules()
    assert ledger(schedule) == [("ran", "jitter")]
    assert len(runs()) == 1
    schedule = Schedule.objects.with_rule().get()
    assert (schedule.beat_task.enabled, schedule.next_due_at) == (False, None)
    wake_schedules()
    assert len(runs()) == 1


def test_one_off_that_waits_for_its_start_is_stopped_by_switching_it_off(
    scheduled: Scheduled,
) -> None:
    schedule = scheduled(one_off=True, jitter_seconds=3600)
    wake_schedules()
    switch_schedule(schedule=schedule, enabled=False)
    Occurrence.objects.update(start_at=just_now())
    wake_schedules()
    assert ledger(schedule) == [("skipped_inactive", "switched_off")]
    assert not runs()
