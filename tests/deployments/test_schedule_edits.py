"""Edits by every door take effect, keep what was due, and never repeat past times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from deployments import services
from deployments.models import Deployment, Occurrence, Schedule
from deployments.occurrences import due_times, next_runs
from deployments.schedules.pump import wake_schedules
from deployments.schedules.rules import rule_of
from deployments.schedules.scheduling import update_schedule
from deployments.schedules.store import TASK
from deployments.services import change_deployment
from deployments.tasks import wake_schedules_task
from designs.access import SYSTEM
from designs.services import change_draft, publish_design
from executor.models import Execution
from orchestra.celery import app
from tests.deployments.conftest import just_now
from tests.documents import doubling

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]


def again(schedule: Schedule) -> Schedule:
    return Schedule.objects.with_rule().select_related("deployment").get(pk=schedule.pk)


def test_what_was_due_is_done_by_what_the_schedule_said_before(scheduled: Scheduled) -> None:
    schedule = scheduled(missed=2, misfire="run_all", overlap="allow")
    changes = {"interval_seconds": 60, "input_data": {"number": 9}}
    update_schedule(schedule=schedule, changes=changes)
    assert list(schedule.occurrences.values_list("outcome", flat=True)) == ["ran", "ran"]
    assert [one.input_data for one in Execution.objects.all()] == [{"number": 2}] * 2
    assert wake_schedules() == 0


def test_the_deployments_own_call_does_so_too(scheduled: Scheduled) -> None:
    schedule = scheduled()
    fields = {"cron_expression": "0 9 * * *", "input_data": {"number": 9}}
    change_deployment(deployment=schedule.deployment, caller=SYSTEM, schedule=fields)
    assert Execution.objects.get().input_data == {"number": 2}
    assert again(schedule).beat_task.crontab.hour == "9"


def test_what_comes_due_during_a_change_is_done_by_what_the_deployment_says_after_it(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The input of before does not fit the new version: its run would fail."""
    schedule = scheduled(missed=0)
    deployment = schedule.deployment
    amount = {
        "type": "object",
        "properties": {"amount": {"type": "number"}},
        "required": ["amount"],
    }
    new = {**doubling(), "input_schema": amount}
    new["blocks"][0]["settings"]["expression"] = "[input.amount, input.amount]"
    change_draft(design=deployment.design, document=new, caller=SYSTEM)
    publish_design(design=deployment.design, caller=SYSTEM)

    def change(*values: Any) -> list[str]:
        changed = original(*values)
        Schedule.objects.filter(pk=schedule.pk).update(next_due_at=just_now())
        return changed

    original = services._change
    monkeypatch.setattr(services, "_change", change)
    change_deployment(
        deployment=deployment,
        caller=SYSTEM,
        version=2,
        schedule={"interval_seconds": 10, "input_data": {"amount": 9}},
    )
    assert not Execution.objects.exists()
    wake_schedules()
    run = Execution.objects.get()
    assert (run.version.number, run.input_data, run.status) == (2, {"amount": 9}, "queued")


def test_a_change_of_policies_leaves_the_next_time(scheduled: Scheduled) -> None:
    schedule = scheduled(missed=0)
    update_schedule(schedule=schedule, changes={"overlap": "queue", "jitter_seconds": 5})
    changed = again(schedule)
    assert (changed.next_due_at, changed.anchor_at) == (schedule.next_due_at, schedule.anchor_at)


@pytest.mark.usefixtures("_compare_at_once")
@pytest.mark.parametrize(
    ("table", "changes"),
    [
        (CrontabSchedule, {"minute": "7", "hour": "3"}),
        (CrontabSchedule, {"timezone": "Asia/Kolkata"}),
        (PeriodicTask, {"start_time": timezone.now() + timedelta(days=40)}),
    ],
)
def test_a_row_edited_without_a_signal_takes_effect(
    deploy: Callable[..., Deployment], table: type, changes: dict[str, str]
) -> None:
    before = deploy(schedule={"cron_expression": "30 9 * * *"}).schedules.get()
    table.objects.update(**changes)
    wake_schedules()
    after = again(before)
    assert after.next_due_at != before.next_due_at
    assert after.next_due_at == next_runs(rule_of(after), timezone.now(), most=1)[0].at


@pytest.mark.usefixtures("_compare_at_once")
def test_an_edit_at_the_end_of_a_long_rule_takes_effect(
    deploy: Callable[..., Deployment],
) -> None:
    minutes, hours = (",".join(map(str, range(most))) for most in (60, 24))
    now = timezone.now()
    rule = {
        "cron_expression": f"{minutes} {hours} * * *",
        "start_at": now - timedelta(days=1),
        "end_at": now + timedelta(days=4000),
    }
    before = deploy(schedule=rule).schedules.get()
    CrontabSchedule.objects.update(month_of_year=str(now.month % 12 + 1))
    wake_schedules()
    after = again(before)
    assert after.next_due_at != before.next_due_at
    assert after.next_due_at == next_runs(rule_of(after), timezone.now(), most=1)[0].at


def test_a_reason_to_refuse_is_shown_and_goes_away(scheduled: Scheduled) -> None:
    schedule = scheduled()
    task = schedule.beat_task
    task.interval, task.crontab = None, CrontabSchedule.objects.create(minute="*/0")
    task.save()
    wake_schedules()
    assert "at least 1" in again(schedule).error
    assert again(schedule).next_due_at is None
    update_schedule(schedule=again(schedule), changes={"enabled": False})
    assert not again(schedule).beat_task.enabled
    update_schedule(schedule=again(schedule), changes={"interval_seconds": 60, "enabled": True})
    assert again(schedule).error == ""
    assert again(schedule).next_due_at is not None


def test_a_clock_that_went_back_doubles_nothing(scheduled: Scheduled) -> None:
    schedule = scheduled(missed=3, misfire="run_all", overlap="allow")
    wake_schedules()
    Schedule.objects.update(next_due_at=schedule.next_due_at)
    wake_schedules()
    assert Occurrence.objects.count() == Execution.objects.count() == 3
    assert again(schedule).next_due_at == schedule.next_due_at + timedelta(seconds=30)


def test_what_fires_in_a_past_year_is_what_its_preview_shows(scheduled: Scheduled) -> None:
    fields = {"cron_expression": "30 2 * * *", "timezone": "Europe/Berlin", "misfire": "skip"}
    schedule = scheduled(missed=0)
    schedule = again(update_schedule(schedule=schedule, changes=fields))
    rule, start = rule_of(schedule), timezone.now() - timedelta(days=400)
    runs = [run.at for run in next_runs(rule, start, most=399)]
    Schedule.objects.update(next_due_at=runs[0])
    wake_schedules()
    fired = list(schedule.occurrences.order_by("due_at").values_list("due_at", flat=True))
    assert fired[:399] == runs == due_times(rule, runs[0], runs[-1], most=400)


def test_a_stock_beat_only_wakes_the_pump(scheduled: Scheduled) -> None:
    schedule = scheduled()
    entries = DatabaseScheduler(app=app).schedule
    assert [entry.task for entry in entries.values()].count(TASK) == 1
    assert app.tasks[TASK].name == wake_schedules_task.name
    for _ in range(3):
        app.tasks[TASK].apply(throw=True)
    assert [row.outcome for row in schedule.occurrences.all()] == ["ran"]
    assert Execution.objects.count() == 1
