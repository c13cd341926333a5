"""Deploying and configuring by the pages' forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment
from deployments.schedules.store import schedule_of
from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design, publish_design
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]


@pytest.fixture
def design() -> Design:
    found = create_design(document=doubling(), caller=SYSTEM)
    publish_design(design=found, caller=SYSTEM)
    return found


@pytest.fixture
def browser(deployer: User, browser_of: Browser) -> Client:
    return browser_of(deployer)


def post(browser: Client, chosen: Design, /, **fields: Any) -> Any:
    data = {"design": str(chosen.pk), "endpoint_path": "/double", "kind": "none", **fields}
    return browser.post("/deployments/new/", data)


def text_of(response: Any) -> str:
    return response.content.decode()


def test_a_design_is_deployed(browser: Client, design: Design) -> None:
    assert "Doubling" in text_of(browser.get(f"/deployments/new/?design={design.pk}"))
    answer = post(browser, design)
    deployment = Deployment.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/deployments/{deployment.pk}/"
    assert deployment.endpoint_path == "/double"
    assert schedule_of(deployment) is None


def test_with_an_interval_and_an_input(browser: Client, design: Design) -> None:
    fields = {"kind": "interval", "every": "2", "unit": "minutes", "enabled": "on"}
    post(browser, design, **fields, schedule_input='{"number": 4}', timezone="UTC")
    schedule = schedule_of(Deployment.objects.get())
    assert schedule is not None
    assert schedule["interval_seconds"] == 120
    assert schedule["input_data"] == {"number": 4}
    assert schedule["enabled"] is True


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"endpoint_path": "Bad Path"}, "starts with /"),
        ({"kind": "cron", "cron_expression": "61 * * * *"}, "goes from 0 to 59"),
        ({"kind": "cron", "cron_expression": ""}, "Write a cron expression"),
        ({"kind": "cron", "cron_expression": "0 9 * * *", "timezone": "Mars/Base"}, "time zone"),
        ({"kind": "interval", "every": "0", "unit": "seconds"}, "greater than or equal to 1"),
        ({"kind": "interval", "every": "", "unit": "seconds"}, "Say how often"),
        ({"kind": "interval", "every": "999999999", "unit": "days"}, "less than or equal"),
        ({"kind": "interval", "every": "5", "schedule_input": "{"}, "This is not JSON"),
        ({"kind": "interval", "every": "5", "schedule_input": "[1]"}, "JSON object"),
        ({"kind": "whenever"}, "Select a valid choice"),
        ({"design": "nonsense"}, "not a valid"),
        ({"endpoint_path": "/a\x00b"}, "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    browser: Client, design: Design, fields: dict[str, str], sentence: str
) -> None:
    answer = post(browser, design, **fields)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not Deployment.objects.exists()


def test_a_path_that_is_taken(browser: Client, design: Design, deploy: Deploy) -> None:
    deploy()
    answer = post(browser, design)
    assert answer.status_code == 422
    assert "Choose another path" in text_of(answer)


def test_a_design_with_problems_says_them(browser: Client) -> None:
    answer = post(browser, create_design(document=cyclic(), caller=SYSTEM))
    assert answer.status_code == 422
    # A deployer may not publish; whoever may is told of the circle.
    assert "never published" in text_of(answer)


def test_an_administrator_is_told_of_the_circle(administrator: User, browser_of: Browser) -> None:
    design = create_design(document=cyclic(), caller=SYSTEM)
    assert "in a circle" in text_of(post(browser_of(administrator), design))


def test_htmx_gets_the_form_again_or_is_sent_on(browser: Client, design: Design) -> None:
    data = {"design": str(design.pk), "endpoint_path": "Bad", "kind": "none"}
    answer = browser.post("/deployments/new/", data, HTTP_HX_REQUEST="true")
    assert answer.status_code == 422
    assert text_of(answer).lstrip().startswith("<form")
    data["endpoint_path"] = "/good"
    answer = browser.post("/deployments/new/", data, HTTP_HX_REQUEST="true")
    assert answer["HX-Redirect"] == f"/deployments/{Deployment.objects.get().pk}/"


def test_only_deployers_deploy(designer: User, browser_of: Browser, design: Design) -> None:
    assert browser_of(designer).get("/deployments/new/").status_code == 403
    assert post(browser_of(designer), design).status_code == 403


CONFIGURED = {
    "endpoint_path": "/twice",
    "version": "1",
    "status": "inactive",
    "timeout_seconds": "30",
    "wait_seconds": "5",
    "max_tokens": "1000",
    "max_cost_usd": "0.5",
    "kind": "cron",
    "cron_expression": "0 9 * * 1-5",
    "timezone": "Europe/Berlin",
    "enabled": "on",
    "schedule_input": '{"number": 1}',
}


def test_configuring_changes_everything_that_is_shown(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 7200, "input_data": {"number": 2}})
    url = f"/deployments/{deployment.pk}/configure/"
    page = text_of(browser.get(url))
    assert 'value="2"' in page
    assert '<option value="hours" selected>' in page
    assert browser.post(url, CONFIGURED).status_code == 302
    deployment.refresh_from_db()
    assert deployment.endpoint_path == "/twice"
    assert deployment.status == "inactive"
    assert (deployment.timeout_seconds, deployment.wait_seconds) == (30, 5)
    assert (deployment.max_tokens, deployment.max_model_calls) == (1000, None)
    schedule = schedule_of(Deployment.objects.get())
    assert schedule is not None
    assert schedule["cron_expression"] == "0 9 * * 1-5"
    browser.post(url, {**CONFIGURED, "kind": "none"})
    assert schedule_of(Deployment.objects.get()) is None


def test_configuring_refuses_what_cannot_be(browser: Client, deploy: Deploy) -> None:
    deployment = deploy()
    url = f"/deployments/{deployment.pk}/configure/"
    for name, value in {"version": "9", "timeout_seconds": "0", "status": "error"}.items():
        answer = browser.post(url, {**CONFIGURED, name: value})
        assert answer.status_code == 422, name
    deployment.refresh_from_db()
    assert deployment.endpoint_path == "/double"
