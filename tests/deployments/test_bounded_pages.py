"""Pages that people leave open count no history, and have an end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment
from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.history.totals import add_up
from executor.models import Execution
from tests.deployments.ended_runs import ended
from tests.documents import doubling

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]
# What a count of executions reads: an index of those that live, or that are not added up yet; or
# it counts deployments by the newest run of each.
BOUNDED = ('"is_counted" IS NULL', '."status" IN (', '"id" DESC LIMIT 1')


def statements(browser: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(path).status_code == 200
    return [query["sql"] for query in queries]


@pytest.mark.parametrize(
    "path",
    ["/", "/deployments/", "/deployments/{}/", "/api/deployments", "/api/deployments/{}",
     "/admin/", "/admin/deployments/deployment/"],
)  # fmt: skip
def test_no_page_counts_the_history(
    deploy: Deploy, administrator: User, browser_of: Browser, path: str
) -> None:
    deployment = deploy()
    ended(deployment)
    add_up()
    ended(deployment)
    for sql in statements(browser_of(administrator), path.format(deployment.pk)):
        counts = 'FROM "executor_execution"' in sql and ("COUNT(" in sql or "SUM(" in sql)
        assert not counts or any(part in sql for part in BOUNDED), sql


def test_figures_of_the_start_page_are_todays(
    deploy: Deploy, viewer: User, browser_of: Browser
) -> None:
    deployment = deploy()
    now = timezone.now()
    ended(deployment, at=now, completed_at=now)
    ended(deployment, at=now, completed_at=now, status="failed")
    ended(deployment, days_ago=3)
    browser = browser_of(viewer)
    before = browser.get("/").context["board"].figures
    add_up()
    after = browser.get("/").context["board"].figures
    for found in (before, after):
        assert (found.ended, found.kinds["bad"], found.share) == (2, 1, 50)


def test_deployments_come_in_pages(deploy: Deploy, viewer: User, browser_of: Browser) -> None:
    first = deploy(path="/of/0000")
    Deployment.objects.bulk_create(
        Deployment(design=first.design, version=first.version, endpoint_path=f"/of/{number:04}")
        for number in range(1, 120)
    )
    browser = browser_of(viewer)
    seen, query = [], ""
    while True:
        page = browser.get(f"/deployments/?text=of&{query}")
        seen += [one.deployment.endpoint_path for one in page.context["shown"]]
        assert len(page.context["shown"]) <= 50
        query = page.context["next_page"]
        if not query:
            break
    assert seen == [f"/of/{number:04}" for number in range(120)]
    assert len(browser.get("/deployments/", HTTP_HX_REQUEST="true").context["shown"]) == 50
    for odd in ("0", "-1", "x", "9" * 5_000, "²"):
        assert browser.get(f"/deployments/?page={odd}").status_code == 200


def test_designs_come_in_pages(designer: User, browser_of: Browser) -> None:
    Design.objects.bulk_create(Design(name=f"D{number:03}", draft={}) for number in range(60))
    browser = browser_of(designer)
    one = browser.get("/designs/").context
    two = browser.get(f"/designs/?{one['next_page']}").context
    assert [len(one["cards"]), len(two["cards"]), two["next_page"]] == [50, 10, ""]


def found_by(text: str) -> tuple[set[Execution], list[str]]:
    with CaptureQueriesContext(connection) as queries:
        rows = set(Execution.objects.about(text, SYSTEM).page()[0])
    return rows, [query["sql"] for query in queries]


def test_a_text_is_looked_up_before_the_history_is(deploy: Deploy, operator: User) -> None:
    one, two = deploy(path="/billing"), deploy(path="/support")
    named = create_design(document={**doubling(), "name": "Triage"}, caller=SYSTEM)
    runs: list[Any] = [
        ended(one), ended(two), ended(two, user_id=operator.pk), ended(two, design_id=named.pk),
        ended(one, at=timezone.now() - timedelta(days=400)),
    ]  # fmt: skip
    for text, wanted in (
        ("BILL", {0, 4}), ("operator", {2}), ("triage", {3}), ("nothing like it", set()),
    ):  # fmt: skip
        rows, sql = found_by(text)
        assert rows == {runs[number] for number in wanted}, text
        assert len(sql) <= 7
        of_history = [one for one in sql if 'FROM "executor_execution"' in one]
        assert not any("LIKE" in one for one in of_history)
        assert len(of_history) == (1 if wanted else 0)
