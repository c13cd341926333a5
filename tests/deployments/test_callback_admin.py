"""Callbacks in the admin: their URLs, secrets and outcomes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import CallbackSecret, Delivery, Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor.models import Trigger
from executor.services import cancel_execution
from tests.admin_pages import act, saved, text_of, url_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
SECRET = re.compile(r"whsec_[\w+/]{20,}")
URL = "https://example.org/told"


@pytest.fixture
def browser(make_user: Callable[..., User], browser_of: Callable[[User], Client]) -> Client:
    return browser_of(make_user("deployer", "Deployer", is_staff=True))


@pytest.fixture
def delivery(deploy: Deploy) -> Delivery:
    deployment = deploy(callback_url=URL)
    invoke_deployment(
        deployment=deployment, input_data={"number": 1}, trigger=Trigger.MANUAL, caller=SYSTEM
    )
    return Delivery.objects.get()


def test_a_deployment_gets_an_address_and_limits(browser: Client, deploy: Deploy) -> None:
    deployment = deploy()
    saved(browser, url_of(deployment), callback_url=URL, requests_per_minute="30")
    deployment.refresh_from_db()
    assert (deployment.callback_url, deployment.requests_per_minute) == (URL, 30)


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.org/", "file:///etc/passwd"])
def test_wrong_addresses_are_refused(browser: Client, deploy: Deploy, url: str) -> None:
    page = saved(browser, url_of(deploy()), callback_url=url)
    assert "callback_url" in page.context["adminform"].form.errors
    assert not Deployment.objects.exclude(callback_url="").exists()


def test_a_secret_is_shown_once(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(callback_url=URL)
    url = url_of(deployment, "callback_secret")
    assert not CallbackSecret.objects.exists()
    found = SECRET.search(text_of(browser.post(url, {"overlap_seconds": "0"}, follow=True)))
    assert found is not None
    assert CallbackSecret.objects.get().secret.reveal() == found[0]
    assert not SECRET.search(text_of(browser.get(url_of(deployment))))


def test_the_list_shows_what_became_of_them(browser: Client, delivery: Delivery) -> None:
    page = text_of(browser.get(url_of(Delivery, "changelist")))
    for words in (delivery.message_id, "Pending", URL, "/double"):
        assert words in page
    assert browser.post(url_of(delivery), {"url": "x"}).status_code == 403
    assert browser.post(url_of(delivery, "delete"), {"post": "yes"}).status_code == 403


def test_one_is_delivered_again_when_its_run_has_ended(browser: Client, delivery: Delivery) -> None:
    url = url_of(delivery, "redeliver")
    assert "has not ended yet" in text_of(browser.post(url))
    assert "has not ended yet" in text_of(act(browser, delivery, "redeliver_selected"))
    cancel_execution(execution=delivery.execution, caller=SYSTEM)
    Delivery.objects.update(status="failed", attempts=9)
    assert "is sent again" in text_of(browser.post(url, follow=True))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("pending", 0)


def test_viewers_see_none(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], delivery: Delivery
) -> None:
    browser = browser_of(make_user("vera", "Viewer", is_staff=True))
    assert browser.get(url_of(Delivery, "changelist")).status_code == 403
    assert browser.post(url_of(delivery, "redeliver")).status_code == 403
    url = url_of(delivery.deployment, "callback_secret")
    assert browser.post(url, {"overlap_seconds": "0"}).status_code == 403
