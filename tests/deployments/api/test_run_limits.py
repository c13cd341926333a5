"""The limits of a deployment, as its callers meet them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor import states
from executor.errors import InputTooLarge
from executor.models import Execution, Status, Trigger
from tests.documents import doubling, greeting
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(f"/api/deployed{path}", body, format="json", headers=headers)


def occupy(deployment: Deployment) -> Execution:
    """One execution of the deployment that a worker runs, for as long as the test likes."""
    execution = invoke_deployment(
        deployment=deployment, input_data={}, trigger=Trigger.MANUAL, caller=SYSTEM
    )
    assert states.claim(execution.pk, owner="test", lease_seconds=60)
    return execution


@pytest.mark.parametrize("document", [greeting(), {**doubling(), "input_schema": None}])
def test_a_call_beyond_the_runs_at_once_is_refused_before_it_is_accepted(
    deploy: Deploy, client: APIClient, document: dict[str, Any]
) -> None:
    deployment = deploy(document, "/one", max_concurrent=1)
    occupied = occupy(deployment)
    answer = post(client, "/one", {"number": 1}, idempotency_key="first")
    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/too-many-at-once"
    assert int(answer["Retry-After"]) > 0
    assert Execution.objects.count() == 1
    states.finish(occupied.pk, Status.COMPLETED, attempt=1)
    # The key of what was refused has started nothing.
    assert post(client, "/one", {"number": 1}, idempotency_key="first").status_code == 200


def test_whoever_does_not_wait_for_the_answer_waits_in_line(
    deploy: Deploy, client: APIClient
) -> None:
    deployment = deploy(greeting(), "/one", max_concurrent=1)
    occupied = occupy(deployment)
    answer = post(client, "/one", {}, prefer="respond-async")
    assert answer.status_code == 202
    waiting = Execution.objects.get(pk=answer.json()["log_id"])
    manual = invoke_deployment(
        deployment=deployment, input_data={}, trigger=Trigger.MANUAL, caller=SYSTEM
    )
    assert perform_execution(waiting.pk) is None
    states.finish(occupied.pk, Status.COMPLETED, attempt=1)
    future = perform_execution(waiting.pk)
    assert future is not None
    assert future.result(60).status == "completed"
    assert manual.max_concurrent == 1


def test_other_deployments_are_not_counted(deploy: Deploy, client: APIClient) -> None:
    occupy(deploy(greeting(), "/one", max_concurrent=1))
    deploy(greeting(), "/two", max_concurrent=1)
    assert post(client, "/two", {}).status_code == 200


def test_an_input_that_is_too_large_is_refused(deploy: Deploy, client: APIClient) -> None:
    deployment = deploy(greeting(), "/small", max_input_bytes=30)
    assert post(client, "/small", {"name": "Ada"}).status_code == 200
    answer = post(client, "/small", {"name": "A" * 40})
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/input-too-large"
    assert "takes 30" in answer.json()["errors"]["input_data"][0]
    with pytest.raises(InputTooLarge):
        invoke_deployment(
            deployment=deployment,
            input_data={"name": "A" * 40},
            trigger=Trigger.MANUAL,
            caller=SYSTEM,
        )
    assert Execution.objects.count() == 1


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [
        ("9223372036854775807", 200, ""),
        ("-9223372036854775808", 200, ""),
        ("18446744073709551616", 400, "Write it as text"),
        ("1" + "0" * 30, 400, "Write it as text"),
        ("1e999", 400, "too large"),
        ("5e-324", 200, ""),
    ],
)
def test_odd_numbers_are_measured_or_refused(
    deploy: Deploy, client: APIClient, number: str, status: int, word: str
) -> None:
    deploy(greeting(), "/small", max_input_bytes=100)
    body = f'{{"name": "Ada", "n": {number}}}'
    answer = client.generic("POST", "/api/deployed/small", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    assert word in answer.content.decode()


def test_a_result_that_is_too_large_fails_the_run(deploy: Deploy, client: APIClient) -> None:
    deploy(greeting(), "/short", max_output_bytes=5)
    answer = post(client, "/short", {})
    assert answer.status_code == 502
    assert answer.json()["error_class"] == "limit"
    assert Execution.objects.get().result_data is None


def test_a_run_with_limited_memory_goes_to_the_workers(deploy: Deploy, client: APIClient) -> None:
    deploy(greeting(), "/apart", max_memory_mb=64, wait_seconds=0)
    answer = post(client, "/apart", {}, prefer="wait=1")
    assert answer.status_code == 202
    execution = Execution.objects.get()
    assert execution.limits["memory_mb"] == 64
    assert execution.owner == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_concurrent", 0), ("max_memory_mb", 1), ("max_input_bytes", 0), ("max_output_bytes", -1)],
)
def test_limits_that_cannot_be_are_refused(
    deploy: Deploy,
    administrator: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
    field: str,
    value: int,
) -> None:
    deployment = deploy()
    manager = api_with(key_of(administrator))
    url = f"/api/deployments/{deployment.pk}"
    answer = manager.patch(url, {field: value}, format="json")
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert manager.patch(url, {field: 100}, format="json").json()[field] == 100
