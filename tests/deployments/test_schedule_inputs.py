"""The input of a schedule's runs: filled in as fields, or as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from deployments.models import Deployment, Schedule

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
FORM = {
    "kind": "cron", "cron_expression": "0 9 * * 1-5", "timezone": "UTC", "enabled": "on",
    "schedule_input:mode": "form", "schedule_input:base": "{}", "schedule_input:/number": "5",
}  # fmt: skip


@pytest.fixture
def browser(deployer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(deployer)


@pytest.fixture
def url(deploy: Deploy) -> str:
    return f"/deployments/{deploy().pk}/schedules/new/"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_fields_of_the_schema_are_filled_in(browser: Client, url: str) -> None:
    assert 'name="schedule_input:/number"' in text_of(browser.get(url))
    assert browser.post(url, FORM).status_code == 302
    schedule = Schedule.objects.get()
    assert schedule.input_data == {"number": 5}
    edit = f"/deployments/{schedule.deployment_id}/schedules/{schedule.pk}/edit/"
    assert 'value="5"' in text_of(browser.get(edit))
    assert browser.post(edit, {**FORM, "schedule_input:/number": "6"}).status_code == 302
    schedule.refresh_from_db()
    assert schedule.input_data == {"number": 6}


def test_a_button_of_the_input_saves_and_judges_nothing(browser: Client, url: str) -> None:
    asked = {**FORM, "cron_expression": "", "schedule_input:do": "json"}
    answer = browser.post(url, asked)
    assert answer.status_code == 200
    page = text_of(answer)
    assert "Write a cron expression" not in page
    assert "&quot;number&quot;: 5" in page
    assert not Schedule.objects.exists()


def test_what_does_not_fit_is_said_at_its_field(browser: Client, url: str) -> None:
    answer = browser.post(url, {**FORM, "schedule_input:/number": "many"})
    assert answer.status_code == 422
    assert "1 field needs another look" in text_of(answer)
    broken = {**FORM, "schedule_input:mode": "json", "schedule_input": "{"}
    answer = browser.post(url, broken)
    assert answer.status_code == 422
    assert "This is not JSON" in text_of(answer)
    assert not Schedule.objects.exists()


def test_without_a_schedule_its_input_does_not_count(browser: Client, deploy: Deploy) -> None:
    deployment = deploy()
    configure = f"/deployments/{deployment.pk}/configure/"
    data = {
        "endpoint_path": "/double", "version": "1", "status": "active", "kind": "none",
        "timeout_seconds": "60", "wait_seconds": "10", "schedule_input": "{",
    }  # fmt: skip
    assert browser.post(configure, data).status_code == 302


def test_who_may_not_see_inputs_keeps_what_is_there(
    browser_of: Callable[[User], Client], make_user: Callable[..., User], deploy: Deploy
) -> None:
    schedule = deploy(schedule={"interval_seconds": 60}).schedules.get()
    user = make_user("guest")
    rights = ("view_deployment", "view_schedule", "change_schedule")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    edit = f"/deployments/{schedule.deployment_id}/schedules/{schedule.pk}/edit/"
    browser = browser_of(user)
    assert "schedule_input" not in text_of(browser.get(edit))
    assert browser.post(edit, FORM).status_code == 302
    schedule.refresh_from_db()
    assert schedule.input_data == {"number": 1}
