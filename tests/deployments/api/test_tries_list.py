"""The list of a design's tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from deployments.models import Deployment
from designs.access import SYSTEM, caller_of
from designs.services import create_design
from executor.history.filters import ExecutionFilter
from executor.models import Execution
from executor.services import try_design
from tests.deployments.ended_runs import ended
from tests.documents import doubling

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[User], APIClient]


@pytest.fixture
def rows(deploy: Callable[..., Deployment]) -> dict[str, Any]:
    deployment = deploy()
    other = create_design(document=doubling(), caller=SYSTEM)
    data: dict[str, Any] = {"input_data": {"number": 1}, "caller": SYSTEM}
    return {
        "design": deployment.version.design,
        "run": ended(deployment),
        "tries": [try_design(design=deployment.version.design, **data) for _ in range(3)],
        "foreign": try_design(design=other, **data),
    }


def listed(client: APIClient, query: str) -> list[str]:
    answer = client.get(f"/api/executions?{query}")
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_the_tries_of_a_design_newest_first(
    designer: User, api_of: Api, rows: dict[str, Any]
) -> None:
    client, design = api_of(designer), rows["design"].pk
    tries = [str(execution.pk) for execution in reversed(rows["tries"])]
    run, foreign = str(rows["run"].pk), str(rows["foreign"].pk)
    assert listed(client, f"design_id={design}&tries=true") == tries
    assert listed(client, f"design_id={design}&tries=true&limit=2") == tries[:2]
    assert set(listed(client, f"design_id={design}")) == {*tries, run}
    assert listed(client, f"design_id={design}&tries=false") == [run]
    assert set(listed(client, "tries=true")) == {*tries, foreign}


@pytest.mark.parametrize(
    ("query", "field"), [("design_id=1", "design_id"), ("tries=maybe", "tries"), ("try=1", "try")]
)
def test_other_values_are_refused(designer: User, api_of: Api, query: str, field: str) -> None:
    answer = api_of(designer).get(f"/api/executions?{query}")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]


def test_an_index_finds_them(designer: User, rows: dict[str, Any]) -> None:
    """Among however many runs of deployments of the same design."""
    if connection.vendor == "postgresql":
        # With few rows it reads the whole table.
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_sort = off")
    found = Execution.objects.for_caller(caller_of(designer))
    query = {"design_id": str(rows["design"].pk), "tries": "true"}
    plan = ExecutionFilter(query, queryset=found).qs.order_by("-pk")[:11].explain()
    assert "execution_tries_by_design" in plan
    if connection.vendor == "postgresql":
        connection.close()
