"""Deployments in the admin: deploying, changing, executing, cloning, undeploying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from deployments.models import Deployment, Schedule
from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from executor.models import Execution, Trigger
from tests.admin_pages import act, saved, text_of, url_of
from tests.documents import cyclic, doubling, greeting

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
ADD = "/admin/deployments/deployment/add/"


@pytest.fixture
def deployer(make_user: Callable[..., User]) -> User:
    return make_user("deployer", "Deployer", is_staff=True)


@pytest.fixture
def browser(deployer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(deployer)


@pytest.fixture
def design() -> Design:
    design = create_design(document=doubling(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return design


def test_a_design_is_deployed(browser: Client, deployer: User, design: Design) -> None:
    group = Group.objects.get(name="Deployer")
    page = saved(
        browser, ADD, design=design.pk, endpoint_path="/double", max_tokens="9", groups=[group.pk]
    )
    assert "was added successfully" in text_of(page)
    deployment = Deployment.objects.get()
    assert (deployment.version.number, deployment.created_by) == (1, deployer)
    assert (deployment.timeout_seconds, deployment.max_tokens) == (600, 9)
    assert list(deployment.groups.all()) == [group]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"endpoint_path": "double"}, "endpoint_path", "starts with /"),
        ({"endpoint_path": "/taken"}, "endpoint_path", "Choose another path"),
        ({"version_number": "7"}, "version_number", "no version 7"),
        ({"timeout_seconds": "0"}, "timeout_seconds", "greater than or equal to 1"),
        ({"timeout_seconds": "9" * 30}, "timeout_seconds", "less than or equal to"),
        ({"max_cost_usd": "much"}, "max_cost_usd", "Enter a number"),
        ({"design": "0190f000-0000-7000-8000-000000000000"}, "design", "Select a valid choice"),
        ({"design": "nonsense"}, "design", "not a valid"),
        ({"groups": ["9999"]}, "groups", "Select a valid choice"),
    ],
)
def test_wrong_fields_are_named(
    browser: Client, design: Design, deploy: Deploy, fields: Any, field: str, words: str
) -> None:
    deploy(path="/taken")
    page = saved(browser, ADD, **{"design": design.pk, "endpoint_path": "/double", **fields})
    assert words in str(page.context["adminform"].form.errors[field])
    assert not Deployment.objects.exclude(endpoint_path="/taken").exists()


def test_what_the_service_refuses_stands_above_the_form(browser: Client) -> None:
    unpublished = create_design(document=doubling(), caller=SYSTEM)
    page = saved(browser, ADD, design=unpublished.pk, endpoint_path="/double")
    assert "This design was never published." in text_of(page)
    assert not Deployment.objects.exists()


def test_a_design_with_problems_is_not_deployed(admin_client: Client) -> None:
    wrong = create_design(document=cyclic(), caller=SYSTEM)
    page = saved(admin_client, ADD, design=wrong.pk, endpoint_path="/wrong")
    assert "The blocks go in a circle" in text_of(page)


def test_a_deployment_is_changed(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 60})
    change_draft(
        design=deployment.design, caller=SYSTEM, document={**doubling(), "description": "Second"}
    )
    publish_design(design=deployment.design, caller=SYSTEM, note="Better")
    assert "v2 – Better" in text_of(browser.get(url_of(deployment)))
    saved(
        browser, url_of(deployment), version_number="2", status="inactive", endpoint_path="/other"
    )
    deployment.refresh_from_db()
    assert (deployment.version.number, deployment.status) == (2, "inactive")
    assert deployment.endpoint_path == "/other"
    assert deployment.schedules.count() == 1


def test_nobody_locks_themselves_out(browser: Client, deploy: Deploy) -> None:
    deployment = deploy()
    viewers = Group.objects.get(name="Viewer")
    page = saved(browser, url_of(deployment), groups=[viewers.pk])
    assert "you would not see this deployment any more" in text_of(page)
    assert not deployment.groups.exists()


def test_schedules_and_keys_hang_below(
    browser: Client, deploy: Deploy, deployer: User, key_of: Callable[..., str]
) -> None:
    deployment = deploy(schedule={"cron_expression": "0 9 * * 1-5", "timezone": "Europe/Berlin"})
    key_of(deployer, name="Reports", deployments=[deployment])
    page = text_of(browser.get(url_of(deployment)))
    assert "Europe/Berlin" in page
    assert "Reports" in page
    assert url_of(Schedule.objects.get()) in page


def test_it_is_executed_with_an_input(browser: Client, deploy: Deploy, deployer: User) -> None:
    deployment = deploy()
    url = url_of(deployment, "execute")
    assert "&quot;number&quot;: 0" in text_of(browser.get(url))
    answer = browser.post(url, {"input_data": '{"number": 21}'})
    execution = Execution.objects.get()
    assert answer["Location"] == f"/executions/{execution.pk}/"
    assert (execution.input_data, execution.user) == ({"number": 21}, deployer)
    assert execution.trigger_type == Trigger.MANUAL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"number": "x"}', "input_data/number"),
        ("{", "line 1"),
        ("[1]", "Write a JSON object"),
        ("", "is a required property"),
    ],
)
def test_inputs_that_do_not_fit_are_said(
    browser: Client, deploy: Deploy, text: str, words: str
) -> None:
    page = browser.post(url_of(deploy(), "execute"), {"input_data": text})
    assert page.status_code == 422
    assert words in text_of(page)
    assert not Execution.objects.exists()


def test_an_inactive_one_says_so(browser: Client, deploy: Deploy) -> None:
    page = browser.post(
        url_of(deploy(status="inactive"), "execute"), {"input_data": '{"number":1}'}
    )
    assert "This deployment is inactive" in text_of(page)


def test_many_are_switched_and_executed(browser: Client, deploy: Deploy) -> None:
    first, second = deploy(greeting(), "/a"), deploy(path="/b")
    assert "2 deactivated." in text_of(act(browser, first, "deactivate", second))
    assert {d.status for d in Deployment.objects.all()} == {"inactive"}
    assert "2 activated." in text_of(act(browser, first, "activate", second))
    page = text_of(act(browser, first, "execute_selected", second))
    assert "1 started." in page
    assert "/b: " in page
    assert Execution.objects.get().deployment == first


def test_a_clone_is_inactive_and_has_its_own_path(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(max_tokens=7, schedule={"interval_seconds": 60})
    page = browser.post(url_of(deployment, "clone"), {"endpoint_path": deployment.endpoint_path})
    assert "Choose another path" in text_of(page)
    browser.post(url_of(deployment, "clone"), {"endpoint_path": "/again"})
    copy = Deployment.objects.get(endpoint_path="/again")
    assert (copy.status, copy.max_tokens, copy.version) == ("inactive", 7, deployment.version)
    assert not copy.schedules.exists()
