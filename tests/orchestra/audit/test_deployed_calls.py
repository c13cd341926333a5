"""A call of a deployed endpoint is one row: the run itself says who, with which key, from where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from deployments.access.keys import create_key
from deployments.models import ApiKey, Deployment
from designs.auditing.audit import Action, AuditEntry
from executor.models import Execution
from orchestra.server import fast_lane

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
Written = Callable[..., list[AuditEntry]]


def key_for(user: User) -> tuple[ApiKey, dict[str, str]]:
    key, text = create_key(owner=user)
    return key, {"Authorization": f"Bearer {text}"}


def call(url: str, headers: dict[str, str], body: Any, browser: Client | None = None) -> Any:
    return (browser or Client()).post(
        url, body, content_type="application/json", headers=headers, REMOTE_ADDR="192.0.2.11"
    )


@pytest.mark.parametrize("prefer", ["", "respond-async"])
def test_a_key_that_calls(operator: User, deploy: Deploy, prefer: str) -> None:
    deploy()
    key, headers = key_for(operator)
    before = AuditEntry.objects.count()
    answer = call("/api/deployed/double", {**headers, "Prefer": prefer}, {"number": 1})
    assert answer.status_code in (200, 202)
    run = Execution.objects.get()
    assert (run.user_id, run.key_id, run.caller_address) == (operator.pk, key.pk, "192.0.2.11")
    assert AuditEntry.objects.count() == before


def test_the_fast_lane_says_it_too(operator: User, deploy: Deploy, written: Written) -> None:
    """Without Django's middlewares."""
    deploy()
    key, headers = key_for(operator)
    body = b'{"number": 2}'
    scope = {
        "type": "http", "method": "POST", "path": "/api/deployed/double", "query_string": b"",
        "client": ("192.0.2.12", 4000), "server": ("testserver", 80), "scheme": "http",
        "headers": [
            (b"host", b"testserver"), (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"authorization", headers["Authorization"].encode()),
        ],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    assert fast_lane.takes(scope)
    assert async_to_sync(fast_lane.answer)(scope, receive, send)
    assert sent[0]["status"] == 200
    run = Execution.objects.get()
    assert (run.key_id, run.caller_address) == (key.pk, "192.0.2.12")
    assert not written(action=Action.EXECUTE)


def test_by_its_id_a_key_leaves_no_entry_and_a_person_does(
    operator: User, browser_of: Callable[[User], Client], deploy: Deploy, written: Written
) -> None:
    row = deploy()
    key, headers = key_for(operator)
    url = f"/api/deployments/{row.pk}/execute"
    body = {"input_data": {"number": 1}}
    assert call(url, headers, body).status_code == 200
    assert not written(action=Action.EXECUTE)
    browser = browser_of(operator)
    for prefer in ("", "respond-async"):
        assert call(url, {"Prefer": prefer}, body, browser).status_code in (200, 202)
    entries = written(action=Action.EXECUTE)
    runs = Execution.objects.filter(key_id=None).order_by("pk")
    assert [entry.object_pk for entry in entries] == [str(run.pk) for run in runs]
    assert {entry.actor_name for entry in entries} == {"operator"}
    assert {entry.remote_addr for entry in entries} == {"192.0.2.11"}
    assert {entry.deployment_id for entry in entries} == {row.pk}
    refused = call(url, {}, {"input_data": {}}, browser)
    assert refused.status_code == 422
    assert len(written(action=Action.EXECUTE)) == 2


def test_who_may_see_where_a_run_came_from(
    operator: User, administrator: User, browser_of: Callable[[User], Client], deploy: Deploy
) -> None:
    deploy()
    key, headers = key_for(operator)
    call("/api/deployed/double", headers, {"number": 1})
    run = Execution.objects.get()
    url = f"/api/executions/{run.pk}"
    shown = browser_of(administrator).get(url).json()
    assert (shown["caller_address"], shown["key_id"]) == ("192.0.2.11", str(key.pk))
    hidden = browser_of(operator).get(url).json()
    assert (hidden["caller_address"], hidden["key_id"]) == (None, None)
    page = f"/admin/executor/execution/{run.pk}/change/"
    operator.is_staff = True
    operator.save()
    assert "192.0.2.11" in browser_of(administrator).get(page).content.decode()
    assert "192.0.2.11" not in browser_of(operator).get(page).content.decode()
    search = "/admin/executor/execution/?q=192.0.2.11"
    assert browser_of(administrator).get(search).context["cl"].result_count == 1
    assert browser_of(operator).get(search).context["cl"].result_count == 0
