"""Words of failures that quote what somebody may not read are hidden from them at every door."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from deployments.models import Deployment
from executor.history.quotes import HIDDEN
from executor.models import BlockResult, Execution
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)

SAID = "only for operators"
Api = Callable[[str], APIClient]


@pytest.fixture
def failed(
    deploy: Callable[..., Deployment], operator: User, key_of: Callable[..., str], api_with: Api
) -> Execution:
    """A run whose result, which its schema refuses, is quoted in its error."""
    document = greeting()
    document["blocks"] = [
        {"id": "say", "type": "transform", "settings": {"expression": "input.name"}}
    ]
    deploy({**document, "connections": [], "output_schema": {"enum": ["other"]}}, "/say")
    answer = api_with(key_of(operator)).post("/api/deployed/say", {"name": SAID}, format="json")
    assert answer.status_code == 502
    assert SAID in answer.json()["detail"]
    found = Execution.objects.get()
    Execution.objects.update(degraded=True, degraded_reasons=[f"“{SAID}” was dropped."])
    BlockResult.objects.update(error={"class": "block", "message": SAID, "block_id": "say"})
    return found


def addresses(execution: Execution) -> list[str]:
    return [
        "/api/executions",
        f"/api/executions/{execution.pk}",
        f"/api/executions/{execution.pk}/steps",
        f"/api/deployments/{execution.deployment_id}/logs",
        f"/api/deployments/{execution.deployment_id}/logs/{execution.pk}",
    ]


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.getvalue().decode())


def test_the_api_hides_them_from_a_viewer(
    failed: Execution, viewer: User, key_of: Callable[..., str], api_with: Api
) -> None:
    client = api_with(key_of(viewer))
    for address in addresses(failed):
        assert SAID not in text_of(client.get(address)), address
    shown = client.get(f"/api/executions/{failed.pk}").json()
    assert shown["error"]["class"] == "output"
    assert shown["error"]["message"] == HIDDEN
    assert shown["degraded_reasons"] == [HIDDEN]
    assert shown["blocks"][0]["error"]["message"] == HIDDEN


async def test_a_stream_hides_them_from_a_viewer(
    failed: Execution, viewer: User, operator: User, key_of: Callable[..., str]
) -> None:
    for user, detail in ((operator, SAID), (viewer, HIDDEN)):
        key = await sync_to_async(key_of)(user)
        response = await AsyncClient().get(
            f"/api/executions/{failed.pk}/events", headers={"authorization": f"Bearer {key}"}
        )
        text = b"".join([part async for part in response.streaming_content]).decode()
        assert (SAID in text) == (user is operator)
        assert detail in json.loads(text.rpartition("data: ")[2])["detail"]


def test_the_pages_hide_them_from_a_viewer(
    failed: Execution, viewer: User, operator: User, browser_of: Callable[[User], Client]
) -> None:
    pages = [
        "/executions/",
        f"/executions/{failed.pk}/",
        f"/deployments/{failed.deployment_id}/",
    ]
    viewer.is_staff = operator.is_staff = True
    viewer.save()
    operator.save()
    admin = [
        f"/admin/executor/execution/{failed.pk}/change/",
        "/admin/executor/blockresult/",
        f"/admin/executor/blockresult/{failed.blocks.get().pk}/change/",
    ]
    for page in [*pages, *admin]:
        assert SAID not in text_of(browser_of(viewer).get(page)), page
        assert SAID in text_of(browser_of(operator).get(page)), page
    # Home tells causes, which quote nobody.
    assert all(SAID not in text_of(browser_of(who).get("/")) for who in (viewer, operator))


def test_sentences_that_quote_nothing_are_told_to_everybody(
    failed: Execution, viewer: User, key_of: Callable[..., str], api_with: Api
) -> None:
    error = {"class": "limit", "message": "It may make no more than 3 model calls."}
    BlockResult.objects.update(error=error)
    shown = api_with(key_of(viewer)).get(f"/api/executions/{failed.pk}").json()
    assert shown["blocks"][0]["error"] == error
