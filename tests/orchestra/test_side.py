"""The side bar tells how things stand: of what a person may see, and of the installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design, publish_design
from executor.acceptance.runs import Order, enqueue
from executor.following.presence import note
from executor.models import Trigger
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def failing() -> Deployment:
    design = create_design(document=doubling(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    deployment = deploy_design(design=design, endpoint_path="/ops/weekly-digest", caller=SYSTEM)
    Deployment.objects.filter(pk=deployment.pk).update(status=Deployment.Status.ERROR)
    return deployment


def side(browser: Client, at: str = "/executions/?status=failed") -> str:
    answer: Any = browser.get(
        "/side/", HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=f"http://testserver{at}"
    )
    assert answer.status_code == 200
    return answer.content.decode()


def badges(page: str) -> list[str]:
    return [part.split("<")[0] for part in page.split('<span class="badge ')[1:]]


def test_counts_are_of_failing_deployments_and_live_runs(
    viewer: User, browser_of: Browser, failing: Deployment
) -> None:
    enqueue(Order(failing.version, {"number": 1}, Trigger.MANUAL, SYSTEM))
    assert badges(side(browser_of(viewer))) == ['bad">1', 'plain">1']


def test_nobody_counts_what_is_hidden(
    viewer: User, browser_of: Browser, failing: Deployment
) -> None:
    failing.groups.add(Group.objects.create(name="Others"))
    assert badges(side(browser_of(viewer))) == []


def test_the_current_place_is_that_of_the_page(viewer: User, browser_of: Browser) -> None:
    page = side(browser_of(viewer))
    assert page.count("aria-current") == 1
    assert 'href="/executions/" aria-current="page"' in " ".join(page.split())


@pytest.mark.parametrize("address", ["http://[", "http://testserver]/", "[", "javascript:", "//"])
def test_an_address_that_is_none_marks_no_place(
    viewer: User, browser_of: Browser, address: str
) -> None:
    asked = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": address}
    answer: Any = browser_of(viewer).get("/side/", **asked)
    assert answer.status_code == 200
    assert "aria-current" not in answer.content.decode()
    signed_out: Any = Client().get("/side/", **asked)
    assert signed_out["HX-Redirect"].partition("?")[2] == ""


def test_the_foot_tells_of_the_installation(viewer: User, browser_of: Browser) -> None:
    browser = browser_of(viewer)
    assert "No worker, no scheduler" in side(browser)
    cache.clear()
    for kind in ("worker", "beat"):
        note(kind)
    page = side(browser)
    assert "Workers and scheduler up" in page
    assert "stand-in" in page


def test_pages_show_what_is_known_without_asking(
    viewer: User, browser_of: Browser, failing: Deployment
) -> None:
    browser = browser_of(viewer)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            page = browser.get("/account/").content.decode()
        counted.append(badges(page))
        return len(found)

    counted: list[list[str]] = []
    before = queries()
    side(browser)
    assert queries() == before
    assert counted == [[], ['bad">1']]


def test_who_may_see_nothing_has_no_part_that_refreshes(
    make_user: Callable[..., User], browser_of: Browser
) -> None:
    browser = browser_of(make_user("nobody"))
    assert browser.get("/side/", HTTP_HX_REQUEST="true").status_code == 403
    assert "data-fresh" not in browser.get("/account/").content.decode()


def test_without_htmx_it_is_the_home_page(viewer: User, browser_of: Browser) -> None:
    answer: Any = browser_of(viewer).get("/side/")
    assert answer["Location"] == "/"
