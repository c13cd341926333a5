"""Only superusers see, add, change and run Celery tasks of other programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from deployments.models import Deployment, Schedule
from deployments.schedules.store import TASK
from tests.admin_pages import act, saved, text_of, url_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
DANGEROUS = ("task", "regtask", "args", "kwargs", "queue", "exchange", "routing_key", "priority",
             "headers", "expire_seconds")  # fmt: skip


@pytest.fixture(params=["Deployer", "Administrator"])
def browser(
    request: pytest.FixtureRequest,
    make_user: Callable[..., User],
    browser_of: Callable[[User], Client],
) -> Client:
    return browser_of(make_user("person", request.param, is_staff=True))


@pytest.fixture
def every() -> IntervalSchedule:
    return IntervalSchedule.objects.create(every=1, period="days")


@pytest.fixture
def foreign(every: IntervalSchedule) -> PeriodicTask:
    return PeriodicTask.objects.create(name="Theirs", task="theirs.work", interval=every)


@pytest.fixture
def schedule(deploy: Deploy) -> Schedule:
    return deploy(schedule={"cron_expression": "0 9 * * *"}).schedules.get()


def test_others_make_none(browser: Client, every: IntervalSchedule) -> None:
    url = url_of(PeriodicTask, "add")
    fields = {"name": "Mine", "task": "any.task", "interval": every.pk, "queue": "_kombu"}
    assert browser.get(url).status_code == 403
    assert browser.post(url, fields).status_code == 403
    assert not PeriodicTask.objects.exists()


def test_others_neither_see_nor_change_nor_run_them(
    browser: Client, foreign: PeriodicTask, schedule: Schedule
) -> None:
    assert "Theirs" not in text_of(browser.get(url_of(PeriodicTask, "changelist")))
    assert browser.get(url_of(foreign)).status_code in (302, 403, 404)
    browser.post(url_of(foreign), {"name": "Mine", "task": "any.task"})
    for action in ("disable_tasks", "toggle_tasks", "run_tasks", "delete_selected"):
        act(browser, foreign, action)
    foreign.refresh_from_db()
    assert (foreign.name, foreign.task, foreign.enabled) == ("Theirs", "theirs.work", True)
    assert foreign.last_run_at is None
    # The same for its rule.
    assert foreign.interval is not None
    browser.post(url_of(foreign.interval), {"every": 2, "period": "seconds"})
    foreign.interval.refresh_from_db()
    assert foreign.interval.every == 1


def test_of_our_rows_only_the_rule_is_changed(browser: Client, schedule: Schedule) -> None:
    task = schedule.beat_task
    page = browser.get(url_of(task)).content.decode()
    assert not [name for name in DANGEROUS if f'name="{name}"' in page]
    sent: dict[str, Any] = {"queue": "_kombu", "task": "any.task", "headers": '{"a": 1}',
                            "exchange": "e", "routing_key": "r", "priority": 9}  # fmt: skip
    saved(browser, url_of(task), description="Daily", **sent)
    task.refresh_from_db()
    assert (task.description, task.task) == ("Daily", TASK)
    assert (task.queue, task.exchange, task.routing_key, task.priority) == (None,) * 4
    assert task.headers == "{}"


def test_nobody_else_runs_a_row_by_hand(browser: Client, schedule: Schedule) -> None:
    page = browser.get(url_of(PeriodicTask, "changelist")).content.decode()
    assert "run_tasks" not in page
    assert "disable_tasks" in page


@pytest.mark.parametrize(
    ("every", "period", "is_kept"),
    [
        (1, "microseconds", False), (999_999, "microseconds", False),
        (1_000_000, "microseconds", True), (1, "seconds", True), (0, "seconds", False),
    ],
)  # fmt: skip
def test_an_interval_is_at_least_a_second(
    admin_client: Client, every: int, period: str, is_kept: bool
) -> None:
    admin_client.post(url_of(IntervalSchedule, "add"), {"every": every, "period": period})
    assert IntervalSchedule.objects.exists() == is_kept


def test_a_superuser_makes_one(admin_client: Client, every: IntervalSchedule) -> None:
    url = url_of(PeriodicTask, "add")
    saved(admin_client, url, name="Theirs", task="theirs.work", interval=every.pk, queue="theirs")
    task = PeriodicTask.objects.get()
    assert (task.task, task.queue) == ("theirs.work", "theirs")
