"""Undeploying in the admin: it asks, keeps the history, and leaves a row to look at."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment, Schedule
from deployments.services import undeploy
from designs.access import SYSTEM
from executor.models import Execution
from tests.admin_pages import act, text_of, url_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]


@pytest.fixture
def browser(make_user: Callable[..., User], browser_of: Callable[[User], Client]) -> Client:
    return browser_of(make_user("deployer", "Deployer", is_staff=True))


def test_undeploying_asks_and_keeps_the_history(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 60})
    browser.post(url_of(deployment, "execute"), {"input_data": json.dumps({"number": 1})})
    assert "history of its executions stays" in text_of(browser.get(url_of(deployment, "delete")))
    browser.post(url_of(deployment, "delete"), {"post": "yes"})
    deployment.refresh_from_db()
    assert deployment.removed_at is not None
    assert not Schedule.objects.exists()
    assert Execution.objects.get().deployment == deployment


def test_what_was_undeployed_is_only_looked_at(browser: Client, deploy: Deploy) -> None:
    deployment = deploy()
    undeploy(deployment=deployment, caller=SYSTEM)
    listed = browser.get(url_of(Deployment, "changelist"))
    assert not listed.context["cl"].result_list
    removed = browser.get(url_of(Deployment, "changelist"), {"offered": "removed"})
    assert list(removed.context["cl"].result_list) == [deployment]
    page = text_of(browser.get(url_of(deployment)))
    assert "Undeployed by system." in page
    assert 'name="_save"' not in page
    assert browser.post(url_of(deployment), {}).status_code == 403
    assert browser.post(url_of(deployment, "delete"), {"post": "yes"}).status_code == 403
    for verb in ("execute", "clone"):
        assert browser.post(url_of(deployment, verb), {}).status_code == 404
    act(browser, deployment, "activate")
    deployment.refresh_from_db()
    assert deployment.status == "inactive"


def test_selected_ones_are_undeployed(browser: Client, deploy: Deploy) -> None:
    first, second = deploy(path="/a"), deploy(path="/b", schedule={"interval_seconds": 60})
    asked = text_of(act(browser, first, "delete_selected", second))
    assert "The history of the executions stays" in asked
    assert Deployment.objects.present().count() == 2
    act(browser, first, "delete_selected", second, post="yes")
    assert not Deployment.objects.present().exists()
    assert Deployment.objects.count() == 2
    assert not Schedule.objects.exists()


def test_who_may_not_undeploy_is_refused(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], deploy: Deploy
) -> None:
    deployment = deploy()
    operator = browser_of(make_user("operator", "Operator", is_staff=True))
    assert operator.post(url_of(deployment, "delete"), {"post": "yes"}).status_code == 403
    act(operator, deployment, "delete_selected", post="yes")
    assert Deployment.objects.present().count() == 1
