"""A deployment's schedule, changed in part with the deployment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment

pytestmark = pytest.mark.django_db

WHOLE = {
    "cron_expression": "0 9 * * 1-5",
    "timezone": "Europe/Berlin",
    "overlap": "queue",
    "input_data": {"number": 3},
}


NEEDED = {"input_data": {"number": 4}}


@pytest.fixture
def client(
    administrator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(administrator))


@pytest.fixture
def url(deploy: Callable[..., Deployment]) -> str:
    return f"/api/deployments/{deploy(schedule=WHOLE).pk}"


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"cron_expression": "0 4 * * *"}, {}),
        ({"enabled": False}, {}),
        # Intervals know no zone.
        ({"interval_seconds": 60}, {"cron_expression": None, "timezone": "UTC"}),
        ({"timezone": "Asia/Tokyo", "overlap": "skip"}, {}),
    ],
)
def test_patch_leaves_the_rest(client: APIClient, url: str, given: dict, changed: dict) -> None:
    answer = client.patch(url, {"schedule": given}, format="json")
    assert answer.status_code == 200, answer.content
    found = answer.json()["schedule"]
    wanted = {**WHOLE, "enabled": True, **changed, **given}
    assert {name: found[name] for name in wanted} == wanted


def test_put_replaces_the_whole(client: APIClient, url: str) -> None:
    given = {**client.get(url).json(), "schedule": {"cron_expression": "0 4 * * *", **NEEDED}}
    found = client.put(url, given, format="json").json()["schedule"]
    assert (found["timezone"], found["overlap"], found["input_data"]) == (
        "UTC",
        "skip",
        {"number": 4},
    )


def test_null_takes_it_away_and_a_part_makes_none(client: APIClient, url: str) -> None:
    assert client.patch(url, {"schedule": None}, format="json").json()["schedule"] is None
    assert client.patch(url, {"schedule": {"enabled": False}}, format="json").status_code == 422
    made = client.patch(url, {"schedule": {"interval_seconds": 60, **NEEDED}}, format="json").json()
    assert made["schedule"]["timezone"] == "UTC"


def test_what_is_wrong_is_named_and_changes_nothing(client: APIClient, url: str) -> None:
    answer = client.patch(url, {"schedule": {"timezone": "Mars/Base"}}, format="json")
    assert answer.status_code == 422
    assert "time zone" in str(answer.json())
    assert client.get(url).json()["schedule"]["timezone"] == "Europe/Berlin"
