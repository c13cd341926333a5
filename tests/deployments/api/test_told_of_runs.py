"""What answers, events and callbacks tell of a run that lacks something, and what its deployment
used.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.callbacks.deliveries import try_delivery
from deployments.models import Delivery, Deployment
from designs.access import SYSTEM
from designs.services import create_design
from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.language_models.registry import model_registry
from executor.models import ModelConnection
from tests.deployments.api.test_event_stream import all_of, call
from tests.deployments.test_callbacks import opened as opened
from tests.deployments.test_callbacks import server as server
from tests.graphs import asking, design
from tests.model_server import ModelServer, model_server, replies
from tests.receivers import Receiver

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
REASONS = ["No answer came from y (agent 'y' got no answer: it is refused)."]


@pytest.fixture
def client(
    administrator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(administrator))


@pytest.fixture
def members(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Of three members two have to answer, and one does not."""
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        if "/y/" in request.call_key:
            raise ModelError(ErrorKind.REQUEST, "it is refused.")
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    block = asking("p", "x", "y", "z", kind="parallel", settings={"require": 2})
    return deploy(design([block]), "/members")


@pytest.fixture
def headers(operator: User, key_of: Callable[..., str]) -> dict[str, str]:
    return {"authorization": f"Bearer {key_of(operator)}"}


def test_the_last_event_tells_what_is_missing(members: Deployment, headers: dict[str, str]) -> None:
    async def last() -> Any:
        response = await call("/api/deployed/members", {}, headers)
        return (await all_of(response))[-1]

    _, name, data = asyncio.run(last())
    assert (name, data["degraded"], data["degraded_reasons"]) == ("done", True, REASONS)


def test_the_callback_tells_it(members: Deployment, client: APIClient, server: Receiver) -> None:
    sent = {"Callback-Url": server.url}
    assert client.post("/api/deployed/members", {}, format="json", headers=sent).status_code == 200
    asyncio.run(try_delivery(Delivery.objects.get().pk))
    [(_, body)] = server.seen
    told = json.loads(body)["data"]
    assert (told["degraded"], told["degraded_reasons"]) == (True, REASONS)


def test_a_deployment_tells_what_it_used(deploy: Deploy, client: APIClient) -> None:
    deployment = deploy(design([asking("a")], model="offline:stand-in"), "/one")
    url = f"/api/deployments/{deployment.pk}"
    before = client.get(url).json()["usage"]
    answer = client.post("/api/deployed/one", {}, format="json").json()
    after = client.get(url).json()["usage"]
    assert set(after) == set(before)
    assert json.dumps(after) != json.dumps(before)
    assert str(answer["usage"]["input_tokens"]) in json.dumps(after)


# --- Limits of cost -------------------------------------------------------------------------------


@pytest.fixture
def house(opened: None) -> Any:
    """A connection without prices, to a server that counts nothing."""
    with model_server() as found:
        message = {"role": "assistant", "content": "Twelve words."}
        found.usual = replies(
            {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        )
        ModelConnection.objects.create(name="house", base_url=found.url, default_model="small")
        # Another test's connection of this name led elsewhere.
        model_registry().connections.expire()
        yield found


def test_a_new_deployment_with_a_limit_that_could_not_be_kept_is_refused(
    client: APIClient, house: ModelServer
) -> None:
    made = create_design(document=design([asking("a")], model="house"), caller=SYSTEM)
    asked = {"design_id": str(made.pk), "endpoint_path": "/dear", "max_cost_usd": "1"}
    refused = client.post("/api/deployments", asked, format="json")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/price-unknown")
    assert not Deployment.objects.exists()
    del asked["max_cost_usd"]
    assert client.post("/api/deployments", asked, format="json").status_code == 201


def test_a_price_that_was_taken_away_since_refuses_the_call_before_it_is_sent(
    deploy: Deploy, client: APIClient, house: ModelServer
) -> None:
    deployment = deploy(design([asking("a")], model="house"), "/dear")
    Deployment.objects.filter(pk=deployment.pk).update(max_cost_usd=1)
    answer = client.post("/api/deployed/dear", {}, format="json")
    told = answer.json()
    assert (answer.status_code, told["error_class"]) == (502, "limit")
    assert "so a limit of cost cannot be kept: give it a price" in told["detail"]
    assert house.calls == []


def test_tokens_that_nobody_counted_are_estimated_marked_and_limited(
    deploy: Deploy, client: APIClient, house: ModelServer
) -> None:
    deployment = deploy(design([asking("a"), asking("b")], model="house"), "/uncounted")
    answer = client.post("/api/deployed/uncounted", {}, format="json").json()
    used = answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]
    assert used > 0
    steps = client.get(f"/api/executions/{answer['log_id']}").json()["steps"]
    assert [step["is_estimated"] for step in steps] == [True, True]
    assert used == sum(step["input_tokens"] + step["output_tokens"] for step in steps)
    url = f"/api/deployments/{deployment.pk}"
    assert client.patch(url, {"max_tokens": 1}, format="json").status_code == 200
    capped = client.post("/api/deployed/uncounted", {}, format="json").json()
    assert capped["error_class"] == "limit"


# --- Limits of agents -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_output_tokens", 0), ("max_output_tokens", -1), ("max_output_tokens", 1.5),
        ("max_output_tokens", 10**9), ("max_output_tokens", "many"),
        ("timeout_seconds", 0), ("timeout_seconds", -1), ("timeout_seconds", 86_401),
    ],
)  # fmt: skip
def test_limits_of_agents_that_are_none_are_not_published(
    client: APIClient, field: str, value: Any
) -> None:
    block = asking("a")
    block["agents"][0][field] = value
    made = create_design(document=design([block]), caller=SYSTEM)
    refused = client.post(f"/api/designs/{made.pk}/publish", {}, format="json")
    assert refused.status_code == 422
    assert field in str(refused.json()["errors"])
    assert not made.versions.exists()
