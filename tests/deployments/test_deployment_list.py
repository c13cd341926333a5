"""The page of deployments: cards, for those who may see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Deployment
from deployments.services import change_deployment, invoke_deployment
from designs.access import SYSTEM
from executor.models import Trigger
from tests.documents import greeting

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]


def text_of(response: Any) -> str:
    return response.content.decode()


def test_a_card_shows_path_version_schedule_and_runs(
    deployer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy(schedule={"cron_expression": "0 9 * * 1-5", "timezone": "Europe/Berlin"})
    invoke_deployment(
        deployment=deployment, input_data={"number": 2}, trigger=Trigger.MANUAL, caller=SYSTEM
    )
    page = text_of(browser_of(deployer).get("/deployments/"))
    assert "/double" in page
    assert deployment.endpoint_url in page
    assert "Europe/Berlin" in page
    assert "Queued" in page
    for verb in ("execute", "configure", "delete"):
        assert f"/deployments/{deployment.pk}/{verb}/" in page


def test_htmx_gets_the_cards_alone(viewer: User, browser_of: Browser, deploy: Deploy) -> None:
    deploy()
    part = text_of(browser_of(viewer).get("/deployments/", HTTP_HX_REQUEST="true"))
    assert part.lstrip().startswith('<div class="stack" id="live"')
    assert "/double" in part
    assert part.count("hx-swap-oob") == 3


def test_the_search_finds_by_path_and_by_design(
    viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deploy(path="/one")
    deploy(greeting(), "/two")
    browser = browser_of(viewer)
    assert "/two" not in text_of(browser.get("/deployments/?text=one"))
    assert "/two" in text_of(browser.get("/deployments/?text=greet"))
    assert "Show all" in text_of(browser.get("/deployments/?text=neither"))


@pytest.mark.parametrize("view", ["cards", "rows"])
def test_fifty_cost_no_more_queries_than_three(
    operator: User, browser_of: Browser, deploy: Deploy, view: str
) -> None:
    browser = browser_of(operator)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert browser.get("/deployments/", {"view": view}).status_code == 200
        return len(found)

    for number in range(3):
        deploy(path=f"/of/{number}", schedule={"interval_seconds": 60 + number})
    first = deploy(path="/first")
    queries()
    three = queries()
    Deployment.objects.bulk_create(
        Deployment(design=first.design, version=first.version, endpoint_path=f"/more/{number}")
        for number in range(46)
    )
    assert queries() == three <= 14


@pytest.mark.parametrize("view", ["cards", "rows"])
def test_the_view_that_was_chosen_is_remembered(
    viewer: User, browser_of: Browser, deploy: Deploy, view: str
) -> None:
    deploy()
    browser = browser_of(viewer)
    browser.get("/deployments/", {"view": view})
    page = text_of(browser.get("/deployments/"))
    assert ("<table" in page) == (view == "rows")
    assert "/double" in page
    assert browser.get("/deployments/", {"view": "odd"}).status_code == 200


def test_a_degraded_run_is_no_green_one(viewer: User, browser_of: Browser, deploy: Deploy) -> None:
    deployment = deploy()
    execution = invoke_deployment(
        deployment=deployment, input_data={"number": 2}, trigger=Trigger.MANUAL, caller=SYSTEM
    )
    # A completed run of which a part is missing.
    type(execution).objects.filter(pk=execution.pk).update(degraded=True)
    for view in ("cards", "rows"):
        page = text_of(browser_of(viewer).get("/deployments/", {"view": view}))
        assert "state degraded" in page
        assert "1 degraded" in page


def test_states_are_counted_and_narrow_the_list(
    viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deploy(path="/one")
    change_deployment(deployment=deploy(path="/two"), caller=SYSTEM, status="inactive")
    browser = browser_of(viewer)
    page = text_of(browser.get("/deployments/"))
    assert "?state=off" in page
    assert "?state=paused" not in page
    off = text_of(browser.get("/deployments/?state=off"))
    assert "/two" in off
    assert "/one" not in off
    for sort in ("path", "latest", "name", "odd"):
        assert "/one" in text_of(browser.get("/deployments/", {"sort": sort}))


def test_a_viewer_is_offered_nothing_that_changes(
    viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    browser = browser_of(viewer)
    page = text_of(browser.get("/deployments/"))
    assert "Deploy a design" not in page
    assert "Configure" not in page
    for verb in ("configure", "execute", "delete"):
        assert browser.get(f"/deployments/{deployment.pk}/{verb}/").status_code == 403
    assert browser.post(f"/deployments/{deployment.pk}/status/").status_code == 403


def test_a_limited_deployment_is_not_there_for_others(
    viewer: User, operator: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    deployment.groups.add(Group.objects.get(name="Operator"))
    assert "/double" not in text_of(browser_of(viewer).get("/deployments/"))
    assert browser_of(viewer).get(f"/deployments/{deployment.pk}/").status_code == 404
    assert "/double" in text_of(browser_of(operator).get("/deployments/"))


def test_who_is_not_signed_in_goes_to_sign_in(client: Client, deploy: Deploy) -> None:
    deploy()
    answer = client.get("/deployments/")
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=/deployments/"
    # Under an open page the whole page goes there, not the part that was asked for.
    part = client.get("/deployments/", HTTP_HX_REQUEST="true")
    assert part["HX-Redirect"] == "/sign-in/"


def test_switching_off_and_on(deployer: User, browser_of: Browser, deploy: Deploy) -> None:
    deployment = deploy()
    browser = browser_of(deployer)
    for status in ("inactive", "active"):
        # As often as it is pressed: the button says what is wanted.
        for _ in range(2):
            answer = browser.post(f"/deployments/{deployment.pk}/status/", {"status": status})
            assert answer.status_code == 302
        deployment.refresh_from_db()
        assert deployment.status == status


def test_deleting_asks_first_and_keeps_the_history(
    deployer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    invoke_deployment(
        deployment=deployment, input_data={"number": 1}, trigger=Trigger.MANUAL, caller=SYSTEM
    )
    browser = browser_of(deployer)
    url = f"/deployments/{deployment.pk}/delete/"
    assert "1 execution stay" in text_of(browser.get(url))
    assert Deployment.objects.present().count() == 1
    assert browser.post(url)["Location"] == "/deployments/"
    assert Deployment.objects.present().count() == 0
    assert "/double" in text_of(browser.get("/executions/"))
    assert browser.get(url).status_code == 404


def test_code_says_how_to_call_it(viewer: User, browser_of: Browser, deploy: Deploy) -> None:
    deployment = deploy()
    url, browser = f"/deployments/{deployment.pk}/api/", browser_of(viewer)
    assert f"curl -sS {deployment.endpoint_url}" in text_of(browser.get(url))
    assert "urllib.request" in text_of(browser.get(url, {"code": "python"}))
    assert "fetch(" in text_of(browser.get(url, {"code": "javascript"}))
    assert "respond-async" in text_of(browser.get(url, {"mode": "async"}))
    assert "text/event-stream" in text_of(browser.get(url, {"mode": "stream", "code": "odd"}))
