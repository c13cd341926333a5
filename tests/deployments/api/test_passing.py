"""A call is not run at once while runs of its caller for its deployment wait in line."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.backends.utils import CursorWrapper
from rest_framework.test import APIClient

from deployments.access.keys import find_caller
from deployments.models import Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM, Caller
from executor.models import Execution, Trigger
from executor.running.carrier import existing_carrier
from executor.running.passing import process_lines
from executor.services import cancel_execution
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)

# There is no worker: what is queued waits.
QUEUE = {"prefer": "respond-async"}
SOON = {"prefer": "wait=1"}


@pytest.fixture(autouse=True)
def _deployed(deploy: Callable[..., Deployment]) -> None:
    deploy(greeting(), "/one")
    deploy(greeting(), "/two")


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient, path: str = "/one", **headers: str) -> Any:
    return client.post(f"/api/deployed{path}", {}, format="json", headers=headers)


@pytest.fixture(autouse=True)
def _lines() -> None:
    process_lines._queued.clear()


def client_caller(client: APIClient) -> Caller:
    """Whom the client's key speaks for."""
    return find_caller(client._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer "))


def test_who_waits_is_not_passed_by_the_same_caller(client: APIClient) -> None:
    assert post(client).status_code == 200
    first = post(client, **QUEUE).json()
    later = post(client, **SOON)
    assert (later.status_code, later.json()["status"]) == (202, "queued")
    # Once nobody waits any more, calls are run at once again.
    for execution in Execution.objects.queued():
        cancel_execution(execution=execution, caller=SYSTEM)
    assert client.get(f"/api/executions/{first['log_id']}").json()["status"] == "cancelled"
    assert post(client).status_code == 200


def test_others_and_other_deployments_are(
    client: APIClient,
    make_user: Callable[..., User],
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
) -> None:
    assert post(client, **QUEUE).status_code == 202
    assert post(client, "/two").status_code == 200
    other = api_with(key_of(make_user("other", "Operator")))
    assert post(other).status_code == 200


def test_what_another_process_has_queued_is_not_passed_either(
    client: APIClient, operator: User
) -> None:
    # Queued past this process's memory of lines, as another one does it.
    caller = client_caller(client)
    queued = invoke_deployment(
        deployment=Deployment.objects.get(endpoint_path="/one"),
        input_data={},
        trigger=Trigger.API,
        caller=caller,
    )
    assert not process_lines._queued
    later = post(client, **SOON)
    assert (later.status_code, later.json()["status"]) == (202, "queued")
    rows = Execution.objects.order_by("id")
    assert [row.status for row in rows] == ["queued", "queued"]
    assert [row.pk for row in rows] == [queued.pk, uuid.UUID(later.json()["log_id"])]
    # Nothing of the try is left: no place, and nothing that was begun.
    carrier = existing_carrier()
    assert carrier is None or carrier.running == 0
    assert post(client, "/two").status_code == 200
    for execution in Execution.objects.queued():
        cancel_execution(execution=execution, caller=SYSTEM)
    assert post(client).status_code == 200


def test_each_call_asks_for_the_line_once_whatever_waits_there(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client)
    asked: list[str] = []
    original = CursorWrapper.execute

    def counted(self: Any, sql: Any, params: Any = None) -> Any:
        asked.append(f"{sql} {params}")
        return original(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", counted)
    assert post(client).status_code == 200
    looks = [sql for sql in asked if sql.startswith("SELECT") and "QUEUED" in sql]
    assert len(looks) == 1
    assert "LIMIT 1" in looks[0]
