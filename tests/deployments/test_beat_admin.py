"""Beat's own tables in the admin: an edit there is an edit of the schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from deployments.models import Deployment, Schedule
from deployments.schedules import pump
from deployments.schedules.pump import wake_schedules
from deployments.schedules.store import TASK
from tests.admin_pages import act, saved, text_of, url_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]


@pytest.fixture(autouse=True)
def _compare_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules are compared every two seconds; here at every call."""
    monkeypatch.setattr(pump, "COMPARE_EVERY_SECONDS", 0.0)


@pytest.fixture
def browser(make_user: Callable[..., User], browser_of: Callable[[User], Client]) -> Client:
    return browser_of(make_user("deployer", "Deployer", is_staff=True))


@pytest.fixture
def schedule(deploy: Deploy) -> Schedule:
    return deploy(schedule={"cron_expression": "0 9 * * *"}).schedules.get()


def test_the_list_shows_rules_and_schedules(browser: Client, schedule: Schedule) -> None:
    page = text_of(browser.get(url_of(PeriodicTask, "changelist")))
    assert "0 9 * * *" in page
    assert url_of(schedule) in page


def test_another_rule_takes_effect(browser: Client, schedule: Schedule) -> None:
    before = schedule.next_due_at
    every = IntervalSchedule.objects.create(every=5, period="minutes")
    page = saved(browser, url_of(schedule.beat_task), crontab="", interval=every.pk)
    assert "was changed successfully" in text_of(page)
    wake_schedules()
    schedule.refresh_from_db()
    assert schedule.next_due_at is not None
    assert schedule.next_due_at != before
    assert "every 5 minutes" in text_of(browser.get(url_of(schedule)))
    assert schedule.beat_task.task == TASK


def test_a_changed_crontab_takes_effect(browser: Client, schedule: Schedule) -> None:
    saved(browser, url_of(CrontabSchedule.objects.get()), minute="30")
    wake_schedules()
    schedule.refresh_from_db()
    assert schedule.next_due_at is not None
    assert schedule.next_due_at.minute == 30


def test_switching_off_takes_effect(browser: Client, schedule: Schedule) -> None:
    assert "successfully disabled" in text_of(act(browser, schedule.beat_task, "disable_tasks"))
    wake_schedules()
    schedule.refresh_from_db()
    assert schedule.next_due_at is None


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (CrontabSchedule, {"minute": "5-1"}, "runs backwards"),
        (IntervalSchedule, {"every": 10, "period": "microseconds"}, "whole seconds"),
        (IntervalSchedule, {"every": 2_000_000_000, "period": "days"}, "at most 366 days"),
        (SolarSchedule, {"event": "sunset", "latitude": 1, "longitude": 2}, "not followed"),
    ],
)
def test_a_rule_that_cannot_be_followed_says_why_on_the_schedule(
    browser: Client, schedule: Schedule, deploy: Deploy, model: Any, fields: Any, words: str
) -> None:
    other = deploy(path="/other", schedule={"interval_seconds": 60}).schedules.get()
    task, rule = schedule.beat_task, model.objects.create(**fields)
    task.crontab = None
    setattr(task, model._meta.model_name.removesuffix("schedule"), rule)
    task.save()
    wake_schedules()
    schedule.refresh_from_db()
    assert words in schedule.error
    assert schedule.next_due_at is None
    for row in (Schedule, PeriodicTask, Deployment, type(rule)):
        assert browser.get(url_of(row, "changelist")).status_code in (200, 403)
    for page in (url_of(schedule), url_of(Schedule, "changelist"), url_of(task)):
        assert words in text_of(browser.get(page))
    other.refresh_from_db()
    assert other.next_due_at is not None


def test_a_task_of_somebody_elses_program_is_made(admin_client: Client) -> None:
    every = IntervalSchedule.objects.create(every=1, period="days")
    url = url_of(PeriodicTask, "add")
    saved(admin_client, url, name="Theirs", task="theirs.work", interval=every.pk, args="[1]")
    task = PeriodicTask.objects.get()
    assert (task.task, task.args, task.enabled) == ("theirs.work", "[1]", True)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"args": "{"}, "args"),
        ({"args": "{}"}, "args"),
        ({"kwargs": "[" * 4000}, "kwargs"),
        ({"task": "x" * 300}, "task"),
        ({"task": ""}, "task"),
        ({"interval": ""}, "__all__"),
        ({"crontab": "1" * 30}, "crontab"),
        ({"expires_0": "soon", "expires_1": "0"}, "expires"),
        ({"priority": "1000"}, "priority"),
    ],
)
def test_wrong_fields_of_tasks_are_named(
    admin_client: Client, fields: dict[str, str], field: str
) -> None:
    every = IntervalSchedule.objects.create(every=1, period="days")
    given = {"name": "Theirs", "task": "theirs.work", "interval": every.pk, **fields}
    page = saved(admin_client, url_of(PeriodicTask, "add"), **given)
    assert field in page.context["adminform"].form.errors
    assert not PeriodicTask.objects.exists()


@pytest.mark.parametrize("every", ["2000000000", "367", "0", "-1", "x"])
def test_intervals_that_beat_cannot_count_are_refused(admin_client: Client, every: str) -> None:
    url = url_of(IntervalSchedule, "add")
    page = saved(admin_client, url, every=every, period="days")
    assert "every" in page.context["adminform"].form.errors
    saved(admin_client, url, every="366", period="days")
    assert IntervalSchedule.objects.get().every == 366


def test_our_rows_keep_their_task(browser: Client, schedule: Schedule) -> None:
    saved(browser, url_of(schedule.beat_task), task="theirs.work", regtask="theirs.work", name="N")
    task = PeriodicTask.objects.get()
    assert (task.name, task.task) == ("N", TASK)


def test_rules_and_rows_in_use_are_not_deleted(admin_client: Client, schedule: Schedule) -> None:
    for row, words in (
        (CrontabSchedule.objects.get(), "Tasks follow this rule"),
        (schedule.beat_task, "Delete that schedule instead"),
    ):
        assert words in text_of(admin_client.get(url_of(row, "delete")))
        admin_client.post(url_of(row, "delete"), {"post": "yes"})
        act(admin_client, row, "delete_selected", post="yes")
        assert type(row).objects.filter(pk=row.pk).exists()
    unused = ClockedSchedule.objects.create(clocked_time="2030-01-01T00:00Z")
    admin_client.post(url_of(unused, "delete"), {"post": "yes"})
    assert not ClockedSchedule.objects.exists()


def test_who_only_looks_has_no_actions(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], schedule: Schedule
) -> None:
    group = Group.objects.create(name="Lookers")
    names = ("view_periodictask", "view_deployment")
    group.permissions.set(Permission.objects.filter(codename__in=names))
    browser = browser_of(make_user("lou", "Lookers", is_staff=True))
    assert "0 9 * * *" in text_of(browser.get(url_of(PeriodicTask, "changelist")))
    act(browser, schedule.beat_task, "disable_tasks")
    assert PeriodicTask.objects.get().enabled
