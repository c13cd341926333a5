"""The steps of one execution in the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from executor.models import Execution, Step

pytestmark = pytest.mark.django_db
Queue = Callable[..., Execution]


@pytest.fixture
def execution(queue: Queue) -> Execution:
    found = queue()
    now = timezone.now()
    for number in range(3):
        Step.objects.create(
            execution=found,
            key=f"a/w/{number}/answer",
            block_id="a",
            purpose="answer",
            text=f"said {number}",
            started_at=now,
            finished_at=now,
        )
    return found


def test_steps_come_in_order_and_in_pages(
    operator: User, api_of: Callable[[User], APIClient], execution: Execution
) -> None:
    client = api_of(operator)
    body = client.get(f"/api/executions/{execution.public_id}/steps?limit=2").json()
    assert [row["text"] for row in body["results"]] == ["said 0", "said 1"]
    assert body["previous"] is None
    rest = client.get(body["next"]).json()
    assert [row["text"] for row in rest["results"]] == ["said 2"]


def test_payloads_are_hidden_from_a_viewer(
    viewer: User, api_of: Callable[[User], APIClient], execution: Execution
) -> None:
    client = api_of(viewer)
    for row in client.get(f"/api/executions/{execution.pk}/steps").json()["results"]:
        assert (row["text"], row["prompt"], row["output"]) == (None, None, None)
    for row in client.get(f"/api/executions/{execution.pk}").json()["steps"]:
        assert row["text"] is None


def test_there_are_none_for_strangers(
    viewer: User, api_of: Callable[[User], APIClient], execution: Execution
) -> None:
    assert APIClient().get(f"/api/executions/{execution.pk}/steps").status_code == 401
    assert api_of(viewer).get("/api/executions/nothing/steps").status_code == 404
