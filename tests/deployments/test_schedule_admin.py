"""Schedules in the admin: rules, policies, inputs, next runs and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django_celery_beat.models import PeriodicTask

from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.store import describe
from tests.admin_pages import act, saved, text_of, url_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
ADD = "/admin/deployments/schedule/add/"


@pytest.fixture
def browser(make_user: Callable[..., User], browser_of: Callable[[User], Client]) -> Client:
    return browser_of(make_user("deployer", "Deployer", is_staff=True))


def test_a_deployment_gets_several_schedules(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 3600})
    for cron in ("0 9 * * 1-5", "0 18 * * *"):
        saved(
            browser,
            f"{ADD}?deployment={deployment.pk}",
            cron_expression=cron,
            timezone="Europe/Berlin",
            input_data='{"number": 5}',
            overlap="allow",
        )
    assert deployment.schedules.count() == 3
    made = deployment.schedules.order_by("created_at").last()
    assert made is not None
    assert str(made.beat_task.crontab.timezone) == "Europe/Berlin"
    assert (made.input_data, made.overlap) == ({"number": 5}, "allow")
    assert made.next_due_at is not None


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({}, "cron_expression", "Give either"),
        ({"cron_expression": "61 * * * *"}, "cron_expression", "goes from 0 to 59"),
        ({"cron_expression": "* * *"}, "cron_expression", "five fields"),
        ({"cron_expression": "* * * * *", "interval_seconds": "5"}, "cron_expression", "either"),
        ({"interval_seconds": "0"}, "interval_seconds", "greater than"),
        ({"interval_seconds": "9" * 20}, "interval_seconds", "less than"),
        ({"interval_seconds": "5", "timezone": "Mars/Base"}, "timezone", "valid choice"),
        ({"interval_seconds": "5", "overlap": "maybe"}, "overlap", "valid choice"),
        ({"interval_seconds": "5", "input_data": "{"}, "input_data", "line 1"),
        ({"interval_seconds": "5", "deployment": "x"}, "deployment", "valid"),
    ],
)
def test_wrong_fields_are_named(
    browser: Client, deploy: Deploy, fields: dict[str, Any], field: str, words: str
) -> None:
    page = saved(browser, ADD, **{"deployment": deploy().pk, **fields})
    assert words in str(page.context["adminform"].form.errors[field])
    assert not Schedule.objects.exists()
    assert not PeriodicTask.objects.exists()


def test_a_schedule_is_changed_and_shows_what_comes(browser: Client, deploy: Deploy) -> None:
    schedule = deploy(schedule={"interval_seconds": 3600}).schedules.get()
    saved(browser, url_of(schedule), interval_seconds="", cron_expression="30 6 * * 1")
    schedule.refresh_from_db()
    page = text_of(browser.get(url_of(schedule)))
    assert "06:30" in page or "6:30" in page
    assert page.count("06:30:00 +00:00") == 10
    assert "Monday" in page


def test_all_policies_are_kept_when_one_is_changed(browser: Client, deploy: Deploy) -> None:
    policies = {
        "misfire": "run_all", "misfire_window_seconds": 60, "jitter_seconds": 5,
        "pause_after_failures": 3, "nonexistent_time": "skip", "repeated_time": "twice",
    }  # fmt: skip
    rule = {"cron_expression": "30 6 * * 1", "timezone": "Europe/Berlin", "one_off": True}
    schedule = deploy(schedule={**rule, **policies}).schedules.get()
    saved(browser, url_of(schedule), overlap="queue", end_at_0="2099-01-01", end_at_1="12:00:00")
    shown = describe(Schedule.objects.get())
    expected = {**rule, **policies, "overlap": "queue"}
    assert {name: shown[name] for name in expected} == expected
    assert shown["end_at"] == datetime(2099, 1, 1, 12, tzinfo=UTC)


def test_many_are_switched_off_and_on(browser: Client, deploy: Deploy) -> None:
    first = deploy(path="/a", schedule={"interval_seconds": 60}).schedules.get()
    second = deploy(path="/b", schedule={"cron_expression": "* * * * *"}).schedules.get()
    assert "2 switched off." in text_of(act(browser, first, "disable", second))
    assert not PeriodicTask.objects.filter(enabled=True).exists()
    assert not Schedule.objects.exclude(next_due_at=None).exists()
    assert "2 switched on." in text_of(act(browser, first, "enable", second))
    assert Schedule.objects.exclude(next_due_at=None).count() == 2


def test_a_schedule_is_deleted_with_its_beat_row(browser: Client, deploy: Deploy) -> None:
    schedule = deploy(schedule={"interval_seconds": 60}).schedules.get()
    assert Schedule.objects.exists()
    browser.post(url_of(schedule, "delete"), {"post": "yes"})
    assert not Schedule.objects.exists()
    assert not PeriodicTask.objects.exists()


def test_the_ledger_shows_outcomes_and_delays(browser: Client, deploy: Deploy) -> None:
    schedule = deploy(schedule={"interval_seconds": 60}).schedules.get()
    due = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    for number, outcome in enumerate(Occurrence.Outcome.values):
        row = Occurrence.objects.create(
            schedule=schedule, due_at=due + timedelta(minutes=number), outcome=outcome
        )
        late = row.due_at + timedelta(seconds=2, milliseconds=500)
        Occurrence.objects.filter(pk=row.pk).update(decided_at=late)
    url = url_of(Occurrence, "changelist")
    page = text_of(browser.get(url))
    for words in ("Ran", "Skipped: overlap", "Skipped: missed", "Skipped: inactive", "2.5 s"):
        assert words in page
    assert "every minute" in page
    found = browser.get(url, {"outcome__exact": "ran", "schedule__id__exact": schedule.pk})
    assert [row.outcome for row in found.context["cl"].result_list] == ["ran"]
    assert browser.get(url_of(Occurrence, "add")).status_code == 403
    assert browser.post(url_of(row, "delete"), {"post": "yes"}).status_code == 403
    link = browser.get(url_of(schedule, "occurrences"))
    assert link["Location"] == f"{url}?schedule__id__exact={schedule.pk}"


def test_the_input_is_for_those_who_may_see_payloads(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], deploy: Deploy
) -> None:
    group = Group.objects.create(name="Schedulers")
    names = ("view_deployment", "view_schedule", "change_schedule")
    group.permissions.set(Permission.objects.filter(codename__in=names))
    browser = browser_of(make_user("sam", "Schedulers", is_staff=True))
    fields = {"interval_seconds": 60, "input_data": {"number": 471_147_114_711}}
    schedule = deploy(schedule=fields).schedules.get()
    assert "471147114711" not in text_of(browser.get(url_of(schedule)))
    saved(browser, url_of(schedule), interval_seconds="90")
    schedule.refresh_from_db()
    assert schedule.input_data == {"number": 471_147_114_711}
    assert schedule.beat_task.interval.every == 90


def test_operators_look_and_change_nothing(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], deploy: Deploy
) -> None:
    browser = browser_of(make_user("otto", "Operator", is_staff=True))
    schedule = deploy(schedule={"interval_seconds": 60}).schedules.get()
    page = text_of(browser.get(url_of(schedule)))
    assert "every minute" in page
    assert 'name="_save"' not in page
    assert browser.post(url_of(schedule), {"interval_seconds": "1"}).status_code == 403
    assert browser.get(ADD).status_code == 403
    act(browser, schedule, "disable")
    assert PeriodicTask.objects.get().enabled
