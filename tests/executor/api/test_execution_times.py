"""Times that executions are filtered by: from the ends of the calendar, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from executor.models import Execution

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]
)
@pytest.mark.parametrize("name", ["started_after", "started_before"])
def test_no_time_is_too_much(
    viewer: User, api_of: Callable[[User], APIClient], name: str, at: str
) -> None:
    answer = api_of(viewer).get("/api/executions", {name: at})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {name: ["Choose a year from 1970 to 9000."]}


def test_others_are_taken(
    viewer: User, api_of: Callable[[User], APIClient], queue: Callable[..., Execution]
) -> None:
    queue()
    client = api_of(viewer)
    for query, count in (
        ({"started_after": "1970-01-01T00:00:00Z"}, 1),
        ({"started_before": "1970-01-01T00:00:00Z"}, 0),
        ({"started_before": "9000-12-31T00:00:00Z"}, 1),
    ):
        assert len(client.get("/api/executions", query).json()["results"]) == count, query
