"""A result that does not fit the design's output schema is never handed on as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment
from executor.models import Execution
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db(transaction=True)

SMALL = {"type": "number", "maximum": 10}


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient, path: str, body: Any) -> Any:
    return client.post(f"/api/deployed{path}", body, format="json")


def test_what_fits_is_the_answer(deploy: Callable[..., Deployment], client: APIClient) -> None:
    deploy({**doubling(), "output_schema": SMALL})
    assert post(client, "/double", {"number": 5}).json()["result"] == 10


def test_what_does_not_fit_fails_the_run(
    deploy: Callable[..., Deployment], client: APIClient
) -> None:
    deploy({**doubling(), "output_schema": SMALL})
    answer = post(client, "/double", {"number": 6})
    assert answer.status_code == 502
    body = answer.json()
    assert body["type"] == "/problems/run-failed"
    assert body["error_class"] == "output"
    assert "This must be at most 10, not 12." in body["detail"]
    execution = Execution.objects.get(pk=body["log_id"])
    assert execution.status == "failed"
    assert execution.error["class"] == "output"
    assert execution.result_data is None


def test_a_models_text_is_judged_too(deploy: Callable[..., Deployment], client: APIClient) -> None:
    schema = {"type": "object", "required": ["greeting"]}
    deploy({**greeting(), "output_schema": schema}, "/greet")
    answer = post(client, "/greet", {"name": "Ada"})
    assert answer.status_code == 502
    assert answer.json()["error_class"] == "output"
    assert Execution.objects.get().steps.count() == 2
