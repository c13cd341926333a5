"""Lists of deployments read no more of their schedules' inputs than they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Deployment, Schedule
from deployments.schedules.scheduling import add_schedule
from designs.rows import bounded

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]
RULE = {"interval_seconds": 60, "input_data": {"number": 1}}


@pytest.fixture
def deployments(deploy: Deploy) -> list[Deployment]:
    """Four deployments, each with two schedules with large inputs."""
    found = [deploy(path=f"/{name}", schedule=RULE) for name in "abcd"]
    for deployment in found:
        add_schedule(deployment=deployment, fields=RULE)
    Schedule.objects.update(input_data={"number": 1, "text": "plan " * 20_000})
    return found


def asked_for_inputs(queries: CaptureQueriesContext) -> list[str]:
    return [q["sql"] for q in queries if '"deployments_schedule"."input_data"' in q["sql"]]


@pytest.mark.parametrize("url", ["/deployments/", "/admin/deployments/deployment/"])
def test_pages_read_none(
    deployments: list[Deployment],
    administrator: User,
    browser_of: Callable[[User], Client],
    url: str,
) -> None:
    browser = browser_of(administrator)
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(url)
    assert page.status_code == 200
    assert "every minute" in page.content.decode().lower()
    assert asked_for_inputs(queries) == []


def test_a_list_ends_where_its_bytes_are_spent(
    deployments: list[Deployment],
    administrator: User,
    browser_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded, "MAX_BYTES", 250_000)
    browser = browser_of(administrator)
    first = browser.get("/api/deployments").json()
    assert [row["endpoint_path"] for row in first["results"]] == ["/a", "/b"]
    assert all(row["schedule"]["input_data"]["number"] == 1 for row in first["results"])
    rest = browser.get(first["next"]).json()
    assert [row["endpoint_path"] for row in rest["results"]] == ["/c", "/d"]
    assert rest["next"] is None
    one = browser.get(f"/api/deployments/{deployments[0].pk}").json()
    assert one["schedule"]["id"] == first["results"][0]["schedule"]["id"]


def test_a_form_keeps_the_input(
    deployments: list[Deployment], deployer: User, browser_of: Callable[[User], Client]
) -> None:
    page: Any = browser_of(deployer).get(f"/deployments/{deployments[0].pk}/configure/")
    assert "plan plan" in page.content.decode()
