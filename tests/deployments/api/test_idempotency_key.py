"""An idempotency key starts one execution, however often and however fast it is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from deployments.models import Deployment
from deployments.services import change_deployment
from designs.access import SYSTEM
from executor.models import Execution

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(f"/api/deployed{path}", body, format="json", headers=headers)


def test_an_idempotency_key_starts_one_execution(deploy: Deploy, client: APIClient) -> None:
    deploy()
    first = post(client, "/double", {"number": 3}, idempotency_key="order-1")
    again = post(client, "/double", {"number": 3}, idempotency_key="order-1")
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["log_id"] == first.json()["log_id"]
    assert again.json()["result"] == 6
    assert Execution.objects.count() == 1
    assert post(client, "/double", {"number": 4}, idempotency_key="order-1").status_code == 409
    assert post(client, "/double", {"number": 4}, idempotency_key="order-2").status_code == 200


@pytest.mark.parametrize(
    "changed", [{"status": "inactive"}, {"max_input_bytes": 1}, {"max_concurrent": 1}]
)
def test_a_run_that_was_started_is_answered_whatever_changed_since(
    deploy: Deploy, client: APIClient, changed: dict[str, Any]
) -> None:
    deployment = deploy()
    first = post(client, "/double", {"number": 3}, idempotency_key="order-1")
    queued = post(client, "/double", {"number": 5}, prefer="respond-async")
    assert queued.status_code == 202
    change_deployment(deployment=deployment, caller=SYSTEM, **changed)
    again = post(client, "/double", {"number": 3}, idempotency_key="order-1")
    assert again.status_code == 200, again.content
    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["log_id"] == first.json()["log_id"]
    assert post(client, "/double", {"number": 4}, idempotency_key="order-1").status_code == 409
    assert post(client, "/double", {"number": 3}, idempotency_key="other").status_code >= 400
    assert Execution.objects.count() == 2


def test_racing_calls_with_one_key_start_one_execution(
    deploy: Deploy, operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> None:
    deploy()
    key = key_of(operator)
    found: list[str] = []

    def call() -> None:
        answer = post(api_with(key), "/double", {"number": 3}, idempotency_key="race")
        found.append(answer.json()["log_id"])
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert Execution.objects.count() == 1
