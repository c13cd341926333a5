"""A call is not run at once while runs of its caller for its deployment wait in line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.backends.utils import CursorWrapper
from rest_framework.test import APIClient

from deployments.models import Deployment
from designs.access import SYSTEM
from executor.models import Execution
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


def test_who_queued_nothing_is_not_asked_for(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client)
    asked: list[str] = []
    original = CursorWrapper.execute

    def counted(self: Any, sql: Any, params: Any = None) -> Any:
        asked.append(str(sql))
        return original(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", counted)
    assert post(client).status_code == 200
    assert not [sql for sql in asked if "'queued'" in sql or "queued" in sql.lower()]
