"""The first answer of a call is the recorded one: repeated, as a stream ends, from a worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment
from executor.engine.llm.offline import StandIn
from executor.models import Execution
from tests.documents import greeting
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


def with_a_failure(on_error: str, **fields: Any) -> dict[str, Any]:
    """A block that fails always, and one after it; only computing."""
    return {
        "schema": 1,
        "name": "Failing",
        "blocks": [
            {
                "id": "odd",
                "type": "transform",
                "on_error": on_error,
                "settings": {"expression": "sum(input.text)"},
                **fields,
            },
            {
                "id": "next",
                "type": "transform",
                "settings": {"expression": "[incoming, `1`]"},
            },
        ],
        "connections": [{"id": "c1", "source": "odd", "target": "next"}],
    }


def with_a_model(document: dict[str, Any]) -> dict[str, Any]:
    """The same with a model call beside it, so that the run is written while it goes on."""
    return {**document, "blocks": [*document["blocks"], *greeting()["blocks"]]}


DEFAULT = with_a_failure("default", default={"stands": "in"})
CONTINUE = with_a_failure("continue")
FAIL = with_a_failure("fail")
DOCUMENTS = [
    pytest.param(change(document), handed_on, id=f"{name}-{change.__name__}")
    for change in (dict, with_a_model)
    for name, document, handed_on in (
        ("default", DEFAULT, {"odd": {"stands": "in"}}),
        ("continue", CONTINUE, {}),
        ("fail", FAIL, {}),
    )
]


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient, path: str = "/odd", **headers: str) -> Any:
    body = {"text": "a", "name": "Ada"}
    return client.post(f"/api/deployed{path}", body, format="json", headers=headers)


def last_event(client: APIClient, execution: Execution) -> Any:
    stream = client.get(f"/api/executions/{execution.pk}/events").streaming_content

    async def read() -> bytes:
        return b"".join([part async for part in stream])

    name, _, data = asyncio.run(read()).decode().rpartition("event: ")[2].partition("\ndata: ")
    assert name == "done"
    return json.loads(data)


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    own = ("execution_id", "log_id", "duration_ms")
    return {name: value for name, value in answer.items() if name not in own}


@pytest.mark.parametrize(("document", "handed_on"), DOCUMENTS)
def test_the_first_answer_is_the_recorded_one(
    deploy: Deploy, client: APIClient, document: dict[str, Any], handed_on: dict[str, Any]
) -> None:
    deploy(document, "/odd")
    first = post(client, idempotency_key="once")
    again = post(client, idempotency_key="once")
    assert again["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    execution = Execution.objects.get()
    if first.status_code == 200:
        results = first.json()["results"]
        assert {name: value for name, value in results.items() if name == "odd"} == handed_on
        assert first.json()["duration_ms"] == execution.duration_ms
        assert first.json()["usage"]["model_calls"] == execution.model_calls
    else:
        assert document["blocks"][0]["on_error"] == "fail"
    assert last_event(client, execution) == first.json()


@pytest.mark.parametrize(("document", "handed_on"), DOCUMENTS)
def test_a_worker_answers_as_the_web_process(
    deploy: Deploy, client: APIClient, document: dict[str, Any], handed_on: dict[str, Any]
) -> None:
    deploy(document, "/odd")
    first = post(client)
    pk = post(client, idempotency_key="once", prefer="respond-async").json()["log_id"]
    future = perform_execution(Execution.objects.get(pk=pk).pk)
    assert future is not None
    future.result(timeout=60)
    worked = post(client, idempotency_key="once")
    assert worked["Idempotent-Replayed"] == "true"
    assert without_ids(worked.json()) == without_ids(first.json())


@pytest.mark.parametrize("cost", ["0.0000005", "0.0000015", "0.1234567", "0.000001"])
def test_costs_are_told_as_they_are_kept(
    deploy: Deploy, client: APIClient, monkeypatch: pytest.MonkeyPatch, cost: str
) -> None:
    real = StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        return replace(await real(self, request, on_delta), cost_usd=Decimal(cost))

    monkeypatch.setattr(StandIn, "complete", complete)
    deploy(greeting(), "/odd")
    first, again = (post(client, idempotency_key="once").json() for _ in range(2))
    assert first["usage"]["cost_usd"] == pytest.approx(2 * float(cost), abs=1e-6)
    assert again == first
