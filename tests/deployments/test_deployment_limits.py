"""Limits are changed where they stand, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from deployments.access.limits import count_request, limits_of
from deployments.models import LIMITS, Deployment

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]
HTMX = {"HX-Request": "true"}


def text_of(response: Any) -> str:
    return response.content.decode()


def test_a_limit_is_changed_in_its_row(deployer: User, browser_of: Browser, deploy: Deploy) -> None:
    deployment = deploy()
    url, browser = f"/deployments/{deployment.pk}/limits/", browser_of(deployer)
    page = text_of(browser.get(url))
    for name in LIMITS:
        assert f'id="limit-{name}"' in page
    asked = text_of(browser.get(f"{url}timeout_seconds/", headers=HTMX))
    assert asked.lstrip().startswith('<tr id="limit-timeout_seconds"')
    assert 'value="600"' in asked
    refused = browser.post(f"{url}timeout_seconds/", {"timeout_seconds": "0"}, headers=HTMX)
    assert refused.status_code == 422
    assert "errors" in text_of(refused)
    changed = browser.post(f"{url}timeout_seconds/", {"timeout_seconds": "90"}, headers=HTMX)
    assert "1 min 30 s" in text_of(changed)
    deployment.refresh_from_db()
    assert deployment.timeout_seconds == 90


def test_without_a_script_it_is_a_page(deployer: User, browser_of: Browser, deploy: Deploy) -> None:
    deployment = deploy()
    url, browser = f"/deployments/{deployment.pk}/limits/", browser_of(deployer)
    assert "<html" in text_of(browser.get(f"{url}max_cost_usd/"))
    answer = browser.post(f"{url}max_cost_usd/", {"max_cost_usd": "0.05"})
    assert answer["Location"] == url
    assert "$0.0500" in text_of(browser.get(url))
    assert browser.post(f"{url}max_cost_usd/", {"max_cost_usd": ""})["Location"] == url
    deployment.refresh_from_db()
    assert deployment.max_cost_usd is None


def test_groups_are_chosen_there_too(deployer: User, browser_of: Browser, deploy: Deploy) -> None:
    deployment = deploy()
    url, browser = f"/deployments/{deployment.pk}/limits/", browser_of(deployer)
    group = Group.objects.get(name="Deployer")
    browser.post(f"{url}groups/", {"groups": [group.pk]})
    assert list(deployment.groups.all()) == [group]
    assert "Deployer" in text_of(browser.get(url))
    large = browser.post(f"{url}groups/", {"groups": ["9" * 30]}, headers=HTMX)
    assert large.status_code == 422
    odd = browser.post(f"{url}groups/", {"groups": ["x", "9" * 30]}, headers=HTMX)
    assert odd.status_code == 422


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_nobody_takes_a_deployment_out_of_their_own_sight(
    deployer: User, browser_of: Browser, deploy: Deploy, headers: dict[str, str]
) -> None:
    deployment, other = deploy(), Group.objects.create(name="Others")
    url = f"/deployments/{deployment.pk}/limits/groups/"
    refused = browser_of(deployer).post(url, {"groups": [other.pk]}, headers=headers)
    assert refused.status_code == 422
    assert "You are in none of these groups" in text_of(refused)
    assert not deployment.groups.exists()
    groups = {other.pk, Group.objects.get(name="Deployer").pk}
    saved = browser_of(deployer).post(url, {"groups": list(groups)}, headers=headers)
    assert saved.status_code < 400
    assert {group.pk for group in deployment.groups.all()} == groups


@pytest.mark.parametrize("name", ["status", "pk", "endpoint_path", "version", "x" * 300])
def test_nothing_else_is_changed_that_way(
    deployer: User, browser_of: Browser, deploy: Deploy, name: str
) -> None:
    url = f"/deployments/{deploy().pk}/limits/{name}/"
    assert browser_of(deployer).post(url, {name: "1"}).status_code == 404


def test_calls_of_this_minute_and_day_are_told(
    viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    Deployment.objects.filter(pk=deployment.pk).update(requests_per_minute=5, requests_per_day=9)
    url, browser = f"/deployments/{deployment.pk}/limits/", browser_of(viewer)
    assert "0 calls this minute" in text_of(browser.get(url))
    for _ in range(3):
        count_request(limits_of("deployment", deployment.pk, 5, 9))
    for _ in range(2):
        # Looking counts nothing.
        page = text_of(browser.get(url))
        assert "3 calls this minute" in page
        assert "3 calls today" in page


def test_a_viewer_sees_limits_and_changes_none(
    viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    url, browser = f"/deployments/{deploy().pk}/limits/", browser_of(viewer)
    assert "Change Time" not in text_of(browser.get(url))
    assert browser.post(f"{url}timeout_seconds/", {"timeout_seconds": "5"}).status_code == 403
