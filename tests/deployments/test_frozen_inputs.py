"""A planned time that waits for its start runs with the input that its schedule had when it came
due.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.backfill import start_backfill
from deployments.schedules.pump import wake_schedules
from deployments.schedules.scheduling import update_schedule
from deployments.services import change_deployment
from designs.access import SYSTEM
from executor.models import Execution, Status
from tests.deployments.test_schedule_policies import again, end, runs

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]
NEW = {"number": 9}


def by_schedule(schedule: Schedule) -> None:
    update_schedule(schedule=schedule, changes={"input_data": NEW})


def by_deployment(schedule: Schedule) -> None:
    change_deployment(
        deployment=schedule.deployment, caller=SYSTEM, merge=True, schedule={"input_data": NEW}
    )


def by_row(schedule: Schedule) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(input_data=NEW)


EDITS = pytest.mark.parametrize("edit", [by_schedule, by_deployment, by_row])


def inputs() -> list[Any]:
    return [run.input_data["number"] for run in runs()]


def serve_waiting() -> None:
    """Ends live runs for as long as others wait for that."""
    while Occurrence.objects.filter(outcome="waiting").exists():
        for run in runs():
            if run.status == Status.QUEUED:
                end(run)
        wake_schedules()


@EDITS
def test_what_waits_for_another_run_keeps_its_input(
    scheduled: Scheduled, edit: Callable[[Schedule], None]
) -> None:
    schedule = scheduled(missed=3, misfire="run_all", overlap="queue")
    wake_schedules()
    assert inputs() == [2]
    edit(schedule)
    serve_waiting()
    assert inputs() == [2, 2, 2]
    again(schedule)
    serve_waiting()
    assert inputs() == [2, 2, 2, 9]


@EDITS
def test_what_starts_a_little_later_keeps_its_input(
    scheduled: Scheduled, edit: Callable[[Schedule], None]
) -> None:
    schedule = scheduled(jitter_seconds=3600)
    wake_schedules()
    waiting = Occurrence.objects.filter(outcome="waiting")
    assert waiting.count() == 1
    edit(schedule)
    waiting.update(start_at=Now())
    wake_schedules()
    assert inputs() == [2]


@EDITS
def test_what_was_filled_in_keeps_its_input(
    scheduled: Scheduled, edit: Callable[[Schedule], None]
) -> None:
    schedule = scheduled(missed=0, overlap="queue")
    now = timezone.now()
    Schedule.objects.filter(pk=schedule.pk).update(anchor_at=now - timedelta(seconds=31))
    schedule.refresh_from_db()
    plan = start_backfill(schedule=schedule, since=now - timedelta(seconds=30), until=now)
    assert plan.runs == 3
    edit(schedule)
    wake_schedules()
    serve_waiting()
    assert inputs() == [2, 2, 2]


def test_an_input_that_the_run_has_itself_is_not_kept_twice(scheduled: Scheduled) -> None:
    schedule = scheduled()
    wake_schedules()
    assert (schedule.occurrences.get().outcome, inputs()) == ("ran", [2])
    assert schedule.occurrences.get().input_data is None


def test_many_runs_are_written_together(deploy: Callable[..., Deployment]) -> None:
    """However many planned times are due, their runs and callbacks cost the same statements."""

    def statements(missed: int, path: str) -> list[str]:
        rule = {"interval_seconds": 10, "misfire": "run_all", "overlap": "allow"}
        url = "https://example.com/hook"
        schedule = deploy(
            path=path, schedule={**rule, "input_data": {"number": 2}}, callback_url=url
        ).schedules.get()
        start = timezone.now() - timedelta(seconds=10 * missed + 1)
        due = start + timedelta(seconds=10)
        Schedule.objects.filter(pk=schedule.pk).update(anchor_at=start, next_due_at=due)
        with CaptureQueriesContext(connection) as found:
            wake_schedules()
        assert Execution.objects.filter(deployment=schedule.deployment).count() == missed
        return [query["sql"] for query in found]

    few, many = statements(1, "/few"), statements(20, "/many")
    assert len(many) <= len(few) + 1, "\n".join(many)
