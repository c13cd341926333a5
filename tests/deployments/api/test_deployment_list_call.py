"""The list of deployments in the API: filters, and what it costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from deployments.access.keys import forget_keys
from deployments.models import Deployment

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(
    administrator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(administrator))


def test_lists_are_filtered(client: APIClient, deploy: Callable[..., Deployment]) -> None:
    first, second = deploy(path="/first"), deploy(path="/second")
    client.patch(f"/api/deployments/{first.pk}", {"status": "inactive"}, format="json")

    def paths(query: str) -> list[str]:
        body = client.get(f"/api/deployments?{query}").json()
        assert set(body) == {"results", "next", "previous"}
        return [row["endpoint_path"] for row in body["results"]]

    assert paths("") == ["/first", "/second"]
    assert paths("status=inactive") == ["/first"]
    assert paths(f"design_id={second.design_id}") == ["/second"]
    assert paths("text=sec") == ["/second"]
    assert paths("limit=1&offset=1") == ["/second"]
    assert client.get("/api/deployments?status=strange").status_code == 422


def test_lists_cost_the_same_for_one_and_for_many(
    client: APIClient, deploy: Callable[..., Deployment]
) -> None:
    deploy(path="/a", schedule={"interval_seconds": 60})
    client.get("/api/deployments")
    # A key is remembered for half a second: each time it is looked up anew.
    forget_keys()
    with CaptureQueriesContext(connection) as one:
        client.get("/api/deployments")
    for number in range(4):
        deploy(path=f"/a{number}", schedule={"cron_expression": "0 9 * * *"})
    forget_keys()
    with CaptureQueriesContext(connection) as many:
        client.get("/api/deployments")
    assert len(many) <= len(one) + 1
