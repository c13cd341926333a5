"""Two editors of one deployment lose no changes, and no edit undoes a pause by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Deployment
from deployments.schedules.pausing import pause_unusable
from deployments.services import change_deployment
from designs.access import SYSTEM

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]


def test_two_who_change_different_fields_lose_nothing(deploy: Deploy) -> None:
    one = deploy()
    two = Deployment.objects.get(pk=one.pk)
    change_deployment(deployment=one, caller=SYSTEM, wait_seconds=5)
    change_deployment(deployment=two, caller=SYSTEM, max_tokens=7)
    stored = Deployment.objects.get(pk=one.pk)
    assert (stored.wait_seconds, stored.max_tokens) == (5, 7)


def test_only_what_differs_is_written(deploy: Deploy) -> None:
    deployment = deploy()
    with CaptureQueriesContext(connection) as queries:
        change_deployment(deployment=deployment, caller=SYSTEM, wait_seconds=5, max_tokens=None)
    [update] = [q["sql"] for q in queries if q["sql"].startswith('UPDATE "deployments_deployment"')]
    assert "wait_seconds" in update
    assert "status" not in update
    assert "max_tokens" not in update


def test_a_stale_row_does_not_undo_a_pause(deploy: Deploy) -> None:
    deployment = deploy()
    pause_unusable(deployment.pk)
    change_deployment(deployment=deployment, caller=SYSTEM, wait_seconds=5)
    stored = Deployment.objects.get(pk=deployment.pk)
    assert (stored.status, bool(stored.status_reason)) == ("error", True)


def test_a_form_keeps_the_pause_and_what_others_changed(
    deploy: Deploy, deployer: User, browser_of: Callable[[User], Client]
) -> None:
    deployment = deploy()
    browser = browser_of(deployer)
    url = f"/deployments/{deployment.pk}/configure/"

    def shown() -> dict[str, Any]:
        form = browser.get(url).context["form"]
        data = {}
        for bound in form:
            value = bound.value()
            data[bound.html_name] = "" if value is None else value
            if bound.field.show_hidden_initial:
                data[bound.html_initial_name] = data[bound.html_name]
        return data

    seen = shown()
    change_deployment(deployment=deployment, caller=SYSTEM, max_tokens=7)
    pause_unusable(deployment.pk)
    assert browser.post(url, {**seen, "wait_seconds": 9}).status_code == 302
    stored = Deployment.objects.get(pk=deployment.pk)
    assert (stored.status, stored.max_tokens, stored.wait_seconds) == ("error", 7, 9)
    paused = shown()
    assert paused["status"] == "error"
    assert browser.post(url, {**paused, "wait_seconds": 8}).status_code == 302
    stored.refresh_from_db()
    assert (stored.status, stored.wait_seconds) == ("error", 8)
    assert browser.post(url, {**paused, "status": "active"}).status_code == 302
    stored.refresh_from_db()
    assert (stored.status, stored.status_reason) == ("active", "")


def test_buttons_send_what_they_say(
    deploy: Deploy, deployer: User, browser_of: Callable[[User], Client]
) -> None:
    deployment = deploy(schedule={"interval_seconds": 30})
    browser = browser_of(deployer)
    page = browser.get("/deployments/").content.decode()
    assert 'value="inactive"' in page
    pause_unusable(deployment.pk)
    for path, data in (("", {"status": "inactive"}), ("", {}), ("", {"status": "error"})):
        browser.post(f"/deployments/{deployment.pk}/status/{path}", data)
    assert Deployment.objects.get().status == "inactive"
    url = f"/deployments/{deployment.pk}/schedules/{deployment.schedules.get().pk}/switch/"
    for data in ({"enabled": "off"}, {"enabled": "off"}, {}):
        assert browser.post(url, data).status_code == 302
    assert not deployment.schedules.get().beat_task.enabled


def test_put_sets_a_paused_deployment_back_only_by_name(
    deploy: Deploy, administrator: User, browser_of: Callable[[User], Client]
) -> None:
    deployment = deploy()
    pause_unusable(deployment.pk)
    browser = browser_of(administrator)
    url = f"/api/deployments/{deployment.pk}"
    body = {"endpoint_path": "/double", "wait_seconds": 7}
    answer = browser.put(url, body, content_type="application/json")
    assert (answer.status_code, answer.json()["status"]) == (200, "error")
    again = browser.put(url, {**body, "status": "active"}, content_type="application/json")
    assert (again.status_code, again.json()["status"]) == (200, "active")
