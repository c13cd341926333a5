"""What a call may ask for by headers: how long to wait, where to tell the end, and who it is."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient
from rest_framework.test import APIClient

from deployments.models import Delivery, Deployment
from executor.engine.llm.offline import StandIn
from executor.models import Execution
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
HOOK = "https://hooks.example/orchestra"


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient, path: str = "/double", body: Any = None, **headers: str) -> Any:
    sent = {"number": 1} if body is None else body
    return client.post(f"/api/deployed{path}", sent, format="json", headers=headers)


@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        ("respond-async", 202, "respond-async"),
        ("Respond-Async", 202, "respond-async"),
        ("wait=0", 202, "wait=0"),
        ("respond-async, wait=0", 202, "respond-async, wait=0"),
        ("respond-async; foo=1, wait=9", 200, "wait=9"),
        ('wait="9"', 200, "wait=9"),
        ("wait=99999", 200, "wait=60"),
        ("wait=9, wait=0", 200, "wait=9"),
        ("wait=-1", 200, None),
        ("wait=soon", 200, None),
        ("handling=lenient", 200, None),
        ("", 200, None),
    ],
)
def test_prefer_is_followed_and_said(
    deploy: Deploy, client: APIClient, prefer: str, status: int, applied: str | None
) -> None:
    deploy()
    answer = post(client, prefer=prefer)
    assert answer.status_code == status
    assert answer.get("Preference-Applied") == applied


def test_a_deployment_that_does_not_wait_accepts(deploy: Deploy, client: APIClient) -> None:
    deploy(wait_seconds=0)
    answer = post(client)
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer
    answer = post(client, prefer="wait=5")
    assert (answer.status_code, answer["Preference-Applied"]) == (202, "wait=0")


def test_the_end_is_told_where_the_call_says_or_the_deployment(
    deploy: Deploy, client: APIClient
) -> None:
    own = deploy(callback_url="https://own.example/")
    deploy(greeting(), "/greet")
    for path, sent, wanted in (
        ("/double", "", "https://own.example/"),
        ("/double", HOOK, HOOK),
        ("/greet", HOOK, HOOK),
    ):
        headers = {"callback_url": sent} if sent else {}
        body = post(client, path, **headers).json()
        delivery = Delivery.objects.get(execution=body["log_id"])
        assert (delivery.url, delivery.status) == (wanted, "pending")
        assert Execution.objects.get(pk=body["log_id"]).settles
    post(client, "/greet")
    assert Delivery.objects.count() == 3
    answer = client.post(
        f"/api/deployments/{own.pk}/execute",
        {"input_data": {"number": 1}, "callback_url": HOOK}, format="json",
    )  # fmt: skip
    assert Delivery.objects.get(execution=answer.json()["log_id"]).url == HOOK


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "http://127.0.0.1/", "ftp://a.example/", "nonsense", "é"]
)
def test_a_callback_to_an_inner_address_is_refused(
    deploy: Deploy, client: APIClient, url: str
) -> None:
    deploy()
    answer = post(client, callback_url=url)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/callback-refused"
    assert "callback_url" in answer.json()["errors"]
    assert Execution.objects.count() == 0


def test_an_installation_opens_what_it_needs(
    deploy: Deploy, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    opened = dataclasses.replace(settings.ENVIRONMENT, egress_allow=("127.0.0.1:9", "10.0.0.0/8"))
    monkeypatch.setattr(settings, "ENVIRONMENT", opened)
    assert post(client, callback_url="http://127.0.0.1:9/").status_code == 200
    assert post(client, callback_url="http://10.1.2.3/").status_code == 200
    assert post(client, callback_url="http://127.0.0.1:10/").status_code == 422


def test_a_link_starts_nothing_in_a_persons_name(deploy: Deploy, operator: User) -> None:
    deploy(greeting(), "/greet")
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(operator)
    assert browser.get("/api/deployed/greet").status_code == 403
    assert Execution.objects.count() == 0
    browser.get("/")
    token = browser.cookies["csrftoken"].value
    assert browser.get("/api/deployed/greet", headers={"x-csrftoken": token}).status_code == 200


def test_methods_that_there_are_not(deploy: Deploy, client: APIClient) -> None:
    deployment = deploy()
    for method in ("put", "patch", "delete", "options", "head"):
        answer = getattr(client, method)("/api/deployed/double")
        assert answer.status_code == 405
        assert set(answer["Allow"].split(", ")) == {"GET", "POST"}
    answer = client.post(f"/api/deployments/{deployment.pk}")
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == {"GET", "PUT", "PATCH", "DELETE"}


async def test_an_accepted_call_says_how_the_run_stands(
    deploy: Deploy, operator: User, key_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, real = asyncio.Event(), StandIn.complete

    async def slow(self: Any, *args: Any, **more: Any) -> Any:
        await go_on.wait()
        return await real(self, *args, **more)

    monkeypatch.setattr(StandIn, "complete", slow)
    await sync_to_async(deploy)(greeting(), "/greet")
    key = await sync_to_async(key_of)(operator)
    client, sent = AsyncClient(), {"authorization": f"Bearer {key}"}

    async def call(**headers: str) -> tuple[int, str]:
        answer = await client.post(
            "/api/deployed/greet", "{}", content_type="application/json",
            headers={**sent, **headers},
        )  # fmt: skip
        return answer.status_code, answer.json()["status"]

    keyed = {"idempotency-key": "one"}
    assert await call(prefer="wait=1", **keyed) == (202, "running")
    assert await call(prefer="wait=0", **keyed) == (202, "running")
    assert await call(prefer="respond-async") == (202, "queued")
    go_on.set()
    assert await call(**keyed) == (200, "completed")
    assert await call(prefer="wait=0", **keyed) == (202, "completed")
