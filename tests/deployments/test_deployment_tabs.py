"""The tabs of one deployment: what they show, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from deployments.models import ApiKey, Deployment
from deployments.services import change_deployment, invoke_deployment
from designs.access import SYSTEM
from designs.services import publish_design
from executor.models import Execution, Trigger
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]
TABS = ("", "api/", "schedules/", "versions/", "limits/")
HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>"


def text_of(response: Any) -> str:
    return response.content.decode()


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_is_an_address(
    viewer: User, browser_of: Browser, deploy: Deploy, tab: str
) -> None:
    document = {**doubling(), "name": HOSTILE}
    deployment = deploy(
        document, schedule={"cron_expression": "0 9 * * 1-5", "input_data": {"number": 1}}
    )
    page = text_of(browser_of(viewer).get(f"/deployments/{deployment.pk}/{tab}"))
    assert 'aria-current="page"' in page
    assert "/double" in page
    assert HOSTILE not in page
    for verb in ("configure", "delete", "execute", "use"):
        assert f"/{verb}/" not in page


def test_three_failures_in_a_row_are_a_warning(
    operator: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    url = f"/deployments/{deployment.pk}/"
    for _ in range(3):
        assert "The last 3 runs failed" not in text_of(browser_of(operator).get(url))
        invoke_deployment(
            deployment=deployment, input_data={"number": 1}, trigger=Trigger.MANUAL, caller=SYSTEM
        )
        Execution.objects.update(status="failed", error={"class": "unavailable", "message": "Why."})
    page = text_of(browser_of(operator).get(url))
    assert "The last 3 runs failed" in page
    assert "Why." in page


def test_the_overview_is_sent_only_if_it_has_changed(
    viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    url, browser = f"/deployments/{deploy().pk}/", browser_of(viewer)
    first = browser.get(url, headers=HTMX)
    assert browser.get(url, headers=HTMX | {"X-Seen": first["X-Seen"]}).status_code == 204


def test_a_key_is_made_in_place_and_fills_the_code(
    deployer: User, operator: User, viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    url = f"/deployments/{deployment.pk}/api/"
    browser = browser_of(deployer)
    assert "$ORCHESTRA_KEY" in text_of(browser.get(url))
    refused = browser.post(f"{url}keys/", {"name": ""}, headers=HTMX)
    assert refused.status_code == 422
    assert not ApiKey.objects.exists()
    answer = browser.post(f"{url}keys/?code=python", {"name": "crm"}, headers=HTMX)
    key = ApiKey.objects.get()
    assert answer["Cache-Control"] == "no-store"
    assert text_of(answer).count(f"orc_{key.prefix}_") >= 2
    assert "urllib.request" in text_of(answer)
    assert list(key.deployments.all()) == [deployment]
    assert key.scopes == ["execute"]
    again = text_of(browser.get(url))
    assert "crm" in again
    assert again.count(f"orc_{key.prefix}_") == 1


def test_who_may_make_no_key_is_not_asked_to(
    viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    url = f"/deployments/{deploy().pk}/api/"
    browser = browser_of(viewer)
    has_form = f'action="{url}keys/' in text_of(browser.get(url))
    status = browser.post(f"{url}keys/", {"name": "x"}).status_code
    assert status == (200 if has_form else 403)


def test_a_version_is_rolled_back_and_forth(
    deployer: User, viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    publish_design(design=deployment.design, caller=SYSTEM, note="again")
    change_deployment(deployment=deployment, caller=SYSTEM, version=2)
    url, browser = f"/deployments/{deployment.pk}/versions/", browser_of(deployer)
    page = text_of(browser.get(url))
    assert "Roll back to v1" in page
    assert "?from=1&amp;to=2" in page
    assert "in progress keep" in text_of(browser.get(f"{url}1/use/"))
    assert browser.post(f"{url}1/use/")["Location"] == url
    deployment.refresh_from_db()
    assert deployment.version.number == 1
    assert "Move to v2" in text_of(browser.get(url))
    assert browser.get(f"{url}1/use/")["Location"] == url
    assert browser.get(f"{url}{'9' * 30}/use/").status_code == 404
    assert browser_of(viewer).post(f"{url}2/use/").status_code == 403


def test_schedules_need_their_right(
    make_user: Callable[..., User], browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy(schedule={"cron_expression": "0 9 * * 1-5"})
    schedule = deployment.schedules.get()
    schedule.error = "This went wrong."
    schedule.save()
    user = make_user("guest")
    rights = ("view_deployment", "view_execution")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    browser = browser_of(user)
    addresses = ["?view=cards", "?view=rows"]
    addresses += [f"{deployment.pk}/{tab}" for tab in ("", "api/", "versions/", "limits/")]
    pages = [browser.get(f"/deployments/{address}") for address in addresses]
    assert {page.status_code for page in pages} == {200}
    for page in map(text_of, pages):
        assert "went wrong" not in page
        assert "<dt>Schedule</dt>" not in page
        assert "<th>Schedule</th>" not in page
        assert "/schedules/" not in page.split('id="main"', 1)[-1]
    assert "09:00" not in "".join(map(text_of, pages))
    assert browser.get(f"/deployments/{deployment.pk}/schedules/").status_code == 403
