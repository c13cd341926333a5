"""The pump: every planned time becomes one occurrence, however often it is called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from deployments.models import Occurrence, Schedule
from deployments.schedules.pump import wake_schedules
from deployments.services import change_deployment
from designs.access import SYSTEM
from executor.models import Execution
from tests.deployments.conftest import just_now

pytestmark = pytest.mark.django_db(transaction=True)

Outcome = Occurrence.Outcome
INPUT = {"number": 2}


def outcomes() -> list[str]:
    return list(Occurrence.objects.order_by("due_at").values_list("outcome", flat=True))


def test_a_planned_time_starts_one_execution(scheduled: Callable[..., Schedule]) -> None:
    schedule = scheduled()
    assert wake_schedules() == 1
    assert wake_schedules() == 0
    occurrence = Occurrence.objects.get()
    assert (occurrence.due_at, occurrence.outcome) == (schedule.next_due_at, Outcome.RAN)
    execution = occurrence.execution
    assert execution is not None
    assert (execution.trigger_type, execution.input_data, execution.status) == (
        "scheduled",
        INPUT,
        "queued",
    )
    schedule.refresh_from_db()
    assert schedule.next_due_at == occurrence.due_at + timedelta(seconds=10)


def test_two_pumps_at_once_double_nothing(scheduled: Callable[..., Schedule]) -> None:
    scheduled(missed=3, misfire="run_all", overlap="allow")
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        wake_schedules()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes() == [Outcome.RAN] * 3
    assert Execution.objects.count() == 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"misfire": "run_latest"}, [Outcome.COALESCED, Outcome.COALESCED, Outcome.RAN]),
        ({"misfire": "run_all", "overlap": "allow"}, [Outcome.RAN] * 3),
        ({"misfire": "run_all"}, [Outcome.RAN, Outcome.SKIPPED_OVERLAP, Outcome.SKIPPED_OVERLAP]),
    ],
)
def test_missed_times_follow_the_policies(
    scheduled: Callable[..., Schedule], fields: dict[str, str], expected: list[str]
) -> None:
    scheduled(missed=3, **fields)
    wake_schedules()
    assert outcomes() == expected


def test_long_missed_times_are_skipped_by_choice(scheduled: Callable[..., Schedule]) -> None:
    scheduled(missed=8, misfire="skip", overlap="allow")
    wake_schedules()
    assert outcomes() == [Outcome.SKIPPED_MISFIRE] * 2 + [Outcome.RAN] * 6


def test_rivals_serve_many_schedules_once(
    scheduled: Callable[..., Schedule], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(12):
        jitter = {"jitter_seconds": 1} if number % 3 == 0 else {}
        scheduled(missed=4, path=f"/{number}", misfire="run_all", overlap="allow", **jitter)

    def work() -> None:
        for _ in range(4):
            wake_schedules()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(1)
    wake_schedules()
    assert outcomes() == [Outcome.RAN] * 48
    assert Execution.objects.count() == 48
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_day_away_is_caught_up(scheduled: Callable[..., Schedule]) -> None:
    schedule = scheduled(missed=1440, interval_seconds=60, misfire_window_seconds=12 * 3600)
    wake_schedules()
    found = outcomes()
    assert len(found) == 1440
    assert found.count(Outcome.SKIPPED_MISFIRE) in (720, 721)
    assert found[-1] == Outcome.RAN
    assert set(found[725:-1]) == {Outcome.COALESCED}
    due = list(schedule.occurrences.order_by("due_at").values_list("due_at", flat=True))
    assert due == [due[0] + timedelta(minutes=n) for n in range(1440)]


def test_a_run_that_goes_on_is_not_overlapped(scheduled: Callable[..., Schedule]) -> None:
    schedule = scheduled()
    wake_schedules()
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=just_now())
    wake_schedules()
    assert outcomes() == [Outcome.RAN, Outcome.SKIPPED_OVERLAP]


def test_an_inactive_deployment_writes_what_it_skipped(scheduled: Callable[..., Schedule]) -> None:
    change_deployment(deployment=scheduled().deployment, caller=SYSTEM, status="inactive")
    wake_schedules()
    assert outcomes() == [Outcome.SKIPPED_INACTIVE]
    assert not Execution.objects.exists()


def test_input_that_does_not_fit_is_a_failed_execution(scheduled: Callable[..., Schedule]) -> None:
    scheduled()
    # It fitted an earlier version.
    Schedule.objects.update(input_data={"number": "many"})
    wake_schedules()
    execution = Execution.objects.get()
    assert execution.status == "failed"
    assert "number" in execution.error["message"]
    assert outcomes() == [Outcome.RAN]


def test_an_edit_of_beats_row_takes_effect_and_makes_nothing_again(
    scheduled: Callable[..., Schedule],
) -> None:
    schedule = scheduled()
    task = PeriodicTask.objects.get(pk=schedule.beat_task_id)
    task.interval = IntervalSchedule.objects.create(every=2, period=IntervalSchedule.HOURS)
    task.save()
    assert wake_schedules() == 0
    schedule.refresh_from_db()
    left = schedule.next_due_at - timezone.now()
    assert timedelta(minutes=119) < left <= timedelta(hours=2)


def test_a_disabled_row_waits_and_goes_on_from_now(scheduled: Callable[..., Schedule]) -> None:
    schedule = scheduled()
    task = PeriodicTask.objects.get(pk=schedule.beat_task_id)
    task.enabled = False
    task.save()
    assert wake_schedules() == 0
    schedule.refresh_from_db()
    assert schedule.next_due_at is None
    task.enabled = True
    task.save()
    assert wake_schedules() == 0
    schedule.refresh_from_db()
    assert schedule.next_due_at > timezone.now()


def test_a_row_beyond_what_all_readers_know_shows_an_error(
    scheduled: Callable[..., Schedule],
) -> None:
    from django_celery_beat.models import CrontabSchedule

    schedule = scheduled()
    task = PeriodicTask.objects.get(pk=schedule.beat_task_id)
    task.interval = None
    task.crontab = CrontabSchedule.objects.create(minute="5/15")
    task.save()
    wake_schedules()
    schedule.refresh_from_db()
    assert "step" in schedule.error
    assert schedule.next_due_at is None


def test_undeploying_ends_the_schedule(scheduled: Callable[..., Schedule]) -> None:
    from deployments.services import undeploy

    undeploy(deployment=scheduled().deployment, caller=SYSTEM)
    assert wake_schedules() == 0
    assert not PeriodicTask.objects.filter(task="deployments.wake_schedules").exists()
