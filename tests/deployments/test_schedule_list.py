"""The list of next runs of all deployments, backfills, and the rights for both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.pump import wake_schedules
from deployments.services import change_deployment
from designs.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
Deploy = Callable[..., Deployment]
Scheduled = Callable[..., Schedule]


@pytest.fixture
def browser(deployer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(deployer)


def url_of(schedule: Schedule, verb: str = "") -> str:
    return f"/deployments/{schedule.deployment_id}/schedules/{schedule.pk}/{verb}"


def text_of(response: Any) -> str:
    return response.content.decode()


def test_upcoming_runs_of_all_in_order(browser: Client, deploy: Deploy) -> None:
    deploy(path="/often", schedule={"interval_seconds": 60})
    deploy(path="/seldom", schedule={"interval_seconds": 150})
    page = browser.get("/schedules/")
    runs = page.context["upcoming"]
    assert [run.at for run in runs] == sorted(run.at for run in runs)
    paths = [run.schedule.deployment.endpoint_path for run in runs]
    assert paths == ["/often", "/often", "/seldom", "/often", "/seldom", "/seldom"]
    assert "data-countdown" in text_of(page)
    part = browser.get("/schedules/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="upcoming")
    assert 'id="upcoming"' in text_of(part)
    assert "<html" not in text_of(part)
    assert "occurrences" not in part.context


@pytest.mark.usefixtures("_compare_at_once")
def test_those_that_do_not_run_say_why(browser: Client, deploy: Deploy) -> None:
    deploy(path="/off", schedule={"interval_seconds": 60, "enabled": False})
    inactive = deploy(path="/inactive", schedule={"interval_seconds": 60})
    change_deployment(deployment=inactive, caller=SYSTEM, status="inactive")
    past = timezone.now() - timedelta(days=1)
    deploy(path="/ended", schedule={"interval_seconds": 60})
    ended = PeriodicTask.objects.get(orchestra_schedule__deployment__endpoint_path="/ended")
    ended.expires = past
    ended.save()
    deploy(path="/wrong", schedule={"cron_expression": "0 9 * * *"})
    CrontabSchedule.objects.update(minute="5/15")
    wake_schedules()
    page = browser.get("/schedules/")
    assert not page.context["upcoming"]
    found = {row.deployment.endpoint_path: words for row, words in page.context["silent"]}
    assert set(found) == {"/off", "/inactive", "/ended", "/wrong"}
    assert "a step follows" in found["/wrong"]
    for badge in ("off", "error", "ended", "deployment inactive"):
        assert f">{badge}</span>" in text_of(page)
    wrong = Schedule.objects.get(deployment__endpoint_path="/wrong")
    tab = f"/deployments/{wrong.deployment_id}/schedules/"
    for url in (url_of(wrong), tab, url_of(wrong, "edit/")):
        assert "a step follows" in text_of(browser.get(url))


def test_filling_in_asks_and_says_how_many(browser: Client, scheduled: Scheduled) -> None:
    schedule = scheduled(missed=0, interval_seconds=600)
    now = timezone.now().replace(tzinfo=None)
    span = {"since": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}", "until": f"{now:%Y-%m-%dT%H:%M}"}
    assert "backfill/" in text_of(browser.get(url_of(schedule)))
    asked = browser.post(url_of(schedule, "backfill/"), span)
    assert asked.status_code == 200
    assert "This starts 6 runs, one after another." in text_of(asked)
    assert "Start 6 runs" in text_of(asked)
    assert not Occurrence.objects.exists()
    done = browser.post(url_of(schedule, "backfill/"), {**span, "confirm": "true"}, follow=True)
    assert "Runs started: 6." in text_of(done)
    assert Occurrence.objects.filter(policy="backfill", outcome="waiting").count() == 6
    again = browser.post(url_of(schedule, "backfill/"), span)
    assert "Nothing is left to backfill." in text_of(again)


@pytest.mark.parametrize(
    ("since", "until", "sentence"),
    [
        ("2026-01-02T00:00", "2026-01-01T00:00", "lies before the beginning"),
        ("2026-01-01T00:00", "2099-01-01T00:00", "Only the past"),
        ("2020-01-01T00:00", "2026-01-01T00:00", "Choose a shorter one"),
        ("", "2026-01-01T00:00", "required"),
        ("never", "2026-01-01T00:00", "Write a date and a time"),
    ],
)
def test_spans_that_cannot_be_filled_in(
    browser: Client, scheduled: Scheduled, since: str, until: str, sentence: str
) -> None:
    schedule = scheduled(missed=0)
    fields = {"since": since, "until": until, "confirm": "true"}
    answer = browser.post(url_of(schedule, "backfill/"), fields)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not Occurrence.objects.exists()


def test_an_inactive_deployment_is_not_filled_in(browser: Client, scheduled: Scheduled) -> None:
    schedule = scheduled(missed=0)
    change_deployment(deployment=schedule.deployment, caller=SYSTEM, status="inactive")
    fields = {"since": "2026-11-01T00:00", "until": "2026-11-01T00:01", "confirm": "true"}
    answer = browser.post(url_of(schedule, "backfill/"), fields)
    assert answer.status_code == 422
    assert "is inactive" in text_of(answer)


def test_who_may_see_and_who_may_change(
    viewer: User, operator: User, browser_of: Callable[[User], Client], scheduled: Scheduled
) -> None:
    schedule = scheduled(input_data={"number": 471_147_114_711})
    wake_schedules()
    verbs = ("edit/", "switch/", "delete/", "backfill/")
    for person in (viewer, operator):
        browser = browser_of(person)
        for verb in verbs:
            assert browser.post(url_of(schedule, verb)).status_code == 403
        new = f"/deployments/{schedule.deployment_id}/schedules/new/"
        assert browser.get(new).status_code == 403
        page = text_of(browser.get(url_of(schedule)))
        assert "backfill/" not in page
        assert ("471147114711" in page) is (person is operator)
        assert not any(f'href="{url_of(schedule, verb)}"' in page for verb in verbs)
    assert Client().get(url_of(schedule))["Location"].startswith("/sign-in/")


def test_a_hidden_deployments_schedules_are_not_there(
    browser: Client, scheduled: Scheduled, deploy: Deploy
) -> None:
    schedule, other = scheduled(), deploy(path="/other", schedule={"interval_seconds": 60})
    wake_schedules()
    foreign = f"/deployments/{other.pk}/schedules/{schedule.pk}/"
    assert browser.get(foreign).status_code == 404
    schedule.deployment.groups.set([Group.objects.create(name="Elsewhere")])
    for verb in ("", "edit/", "delete/", "backfill/"):
        assert browser.get(url_of(schedule, verb)).status_code == 404
    assert browser.post(url_of(schedule, "switch/")).status_code == 404
    page = browser.get("/schedules/")
    assert "/double" not in text_of(page)
    assert not page.context["occurrences"]
