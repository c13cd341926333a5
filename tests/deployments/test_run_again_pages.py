"""Running a deployment's execution again on pages and in the admin: by its rules, said in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from deployments.models import Deployment
from deployments.services import change_deployment, undeploy
from designs.access import SYSTEM
from executor.models import Execution
from tests.admin_pages import act, text_of, url_of
from tests.deployments.api.test_run_again import VERBS, deployment_of, failed_run

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]


@pytest.fixture
def failed(deploy: Deploy) -> Execution:
    return failed_run(deploy())


@pytest.fixture
def browser(make_user: Callable[..., User], browser_of: Browser) -> Client:
    return browser_of(make_user("ann", "Operator", is_staff=True))


@VERBS
def test_a_page_says_why_nothing_was_started(browser: Client, failed: Execution, verb: str) -> None:
    url = f"/executions/{failed.pk}/{verb}/"
    deployment = deployment_of(failed)
    change_deployment(deployment=deployment, caller=SYSTEM, requests_per_minute=1)
    assert browser.post(url).status_code == 302
    assert "request in a minute" in text_of(browser.post(url, follow=True))
    change_deployment(deployment=deployment, caller=SYSTEM, status="inactive")
    assert "This deployment is inactive." in text_of(browser.post(url, follow=True))
    undeploy(deployment=deployment, caller=SYSTEM)
    assert "was undeployed" in text_of(browser.post(url, follow=True))
    assert Execution.objects.count() == 2


@VERBS
def test_a_page_offers_it_to_those_who_may_execute(
    make_user: Callable[..., User], browser_of: Browser, failed: Execution, verb: str
) -> None:
    person = make_user("janitor", "Viewer")
    person.user_permissions.add(Permission.objects.get(codename="operate_execution"))
    browser = browser_of(person)
    url = f"/executions/{failed.pk}/{verb}/"
    assert url not in text_of(browser.get(f"/executions/{failed.pk}/"))
    assert browser.post(url).status_code == 403
    assert Execution.objects.count() == 1


@VERBS
def test_the_admin_says_why_nothing_was_started(
    browser: Client, failed: Execution, verb: str
) -> None:
    change_deployment(deployment=deployment_of(failed), caller=SYSTEM, status="inactive")
    answer = browser.post(url_of(failed, verb))
    assert answer.status_code == 422
    assert "This deployment is inactive." in text_of(answer)
    assert "This deployment is inactive." in text_of(act(browser, failed, f"{verb}_selected"))
    assert Execution.objects.count() == 1


@VERBS
def test_the_admin_starts_it_by_todays_rules(browser: Client, failed: Execution, verb: str) -> None:
    change_deployment(
        deployment=deployment_of(failed), caller=SYSTEM, max_tokens=9, requests_per_day=1
    )
    browser.post(url_of(failed, verb))
    again = Execution.objects.exclude(pk=failed.pk).get()
    assert again.limits["tokens"] == 9
    assert "request" in text_of(act(browser, failed, f"{verb}_selected"))
    assert Execution.objects.count() == 2


def test_executing_by_hand_is_counted_as_a_request(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(requests_per_minute=2)
    page = f"/deployments/{deployment.pk}/execute/"
    given = {"input_data": '{"number": 1}'}
    assert browser.post(page, given).status_code == 302
    assert browser.post(url_of(deployment, "execute"), given).status_code == 302
    assert "requests in a minute" in text_of(browser.post(page, given))
    assert "requests in a minute" in text_of(browser.post(url_of(deployment, "execute"), given))
    assert Execution.objects.count() == 2
