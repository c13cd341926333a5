"""The calls about callbacks: what was delivered, once more, and the secret to check them with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from deployments.models import CallbackSecret, Delivery, Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor import states
from executor.models import Status, Trigger

pytestmark = pytest.mark.django_db

Api = Callable[[str], APIClient]
KeyOf = Callable[..., str]
HOOK = "https://hooks.example/orchestra"


@pytest.fixture
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    return deploy(callback_url=HOOK)


@pytest.fixture
def delivery(deployment: Deployment) -> Delivery:
    """Of a run that goes on."""
    execution = invoke_deployment(
        deployment=deployment, input_data={"number": 4}, trigger=Trigger.API, caller=SYSTEM
    )
    return execution.deliveries.get()


@pytest.fixture
def client(deployer: User, key_of: KeyOf, api_with: Api) -> APIClient:
    return api_with(key_of(deployer))


def end(delivery: Delivery) -> None:
    states.claim(delivery.execution_id, owner="test", lease_seconds=30)
    assert states.finish(delivery.execution_id, Status.COMPLETED, attempt=1)


def test_deliveries_are_listed_and_sent_once_more(client: APIClient, delivery: Delivery) -> None:
    url = f"/api/deployments/{delivery.deployment_id}/deliveries"
    [row] = client.get(url).json()["results"]
    assert (row["status"], row["url"], row["attempts"], row["tries"]) == ("pending", HOOK, 0, [])
    assert row["message_id"] == f"msg_{delivery.pk.hex}"
    again = f"{url}/{delivery.pk}/redeliver"
    assert client.post(again).status_code == 409
    end(delivery)
    tried = {"at": "2026-01-05T09:00:00Z", "status_code": 500, "error": "No.", "duration_ms": 3}
    Delivery.objects.update(status="failed", attempts=10, log=[tried])
    assert [r["tries"] for r in client.get(f"{url}?status=failed").json()["results"]] == [[tried]]
    assert client.get(f"{url}?status=pending").json()["results"] == []
    assert client.get(f"{url}?status=strange").status_code == 422
    answer = client.post(again)
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["attempts"]) == ("pending", 0)


def test_a_secret_is_shown_once(client: APIClient, deployment: Deployment) -> None:
    url = f"/api/deployments/{deployment.pk}/callback-secret"
    first = client.post(url)
    assert first["Cache-Control"] == "no-store"
    second = client.post(url, {"overlap_seconds": 60}, format="json").json()["secret"]
    assert second.startswith("whsec_")
    row = CallbackSecret.objects.get()
    assert row.texts == [second, first.json()["secret"]]
    assert second not in client.get(f"/api/deployments/{deployment.pk}").content.decode()
    assert client.post(url, {"overlap_seconds": -1}, format="json").status_code == 422


def test_an_address_that_may_not_be_called_is_refused(
    client: APIClient, deployment: Deployment
) -> None:
    url = f"/api/deployments/{deployment.pk}"
    for bad in ("http://127.0.0.1/", "http://[::1]/", "http://0x7f.1/", "file:///etc/passwd"):
        answer = client.patch(url, {"callback_url": bad}, format="json")
        assert answer.status_code == 422, bad
        assert "callback_url" in answer.json()["errors"]
    assert client.get(url).json()["callback_url"] == HOOK
    assert client.patch(url, {"callback_url": ""}, format="json").json()["callback_url"] == ""


def test_who_may_not_is_refused(
    delivery: Delivery, viewer: User, operator: User, deployer: User, key_of: KeyOf, api_with: Api
) -> None:
    end(delivery)
    url = f"/api/deployments/{delivery.deployment_id}"
    calls: dict[str, tuple[str, str, set[str]]] = {
        "list": ("get", f"{url}/deliveries", {"operator", "deployer"}),
        "again": ("post", f"{url}/deliveries/{delivery.pk}/redeliver", {"operator", "deployer"}),
        "secret": ("post", f"{url}/callback-secret", {"deployer"}),
    }
    for user in (viewer, operator, deployer):
        client = api_with(key_of(user))
        for method, path, allowed in calls.values():
            answer: Any = getattr(client, method)(path)
            assert (answer.status_code < 300) == (user.username in allowed), (user, path)
    # An address may hold a secret of the receiver's.
    assert api_with(key_of(viewer)).get(url).json()["callback_url"] is None
    [row] = api_with(key_of(operator)).get(f"{url}/deliveries").json()["results"]
    assert row["url"] is None
    [row] = api_with(key_of(deployer)).get(f"{url}/deliveries").json()["results"]
    assert row["url"] == HOOK
    delivery.deployment.groups.set([Group.objects.get(name="Designer")])
    client = api_with(key_of(deployer))
    for method, path, _ in calls.values():
        assert getattr(client, method)(path).status_code == 404
