"""Limits of cost that could not be kept are refused; what is missing in a result is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment
from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.models import ModelConnection
from tests.graphs import asking, design

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[str], APIClient]
SENTENCE = "The cost of house:large is unknown: give it a price in its connection, or limit tokens"


@pytest.fixture
def client(administrator: User, key_of: Callable[..., str], api_with: Api) -> APIClient:
    return api_with(key_of(administrator))


@pytest.fixture
def house(db: None) -> ModelConnection:
    return ModelConnection.objects.create(name="house", base_url="http://127.0.0.1:9/v1")


def deployed(deploy: Callable[..., Deployment], model: str | list[str]) -> Deployment:
    return deploy(design([asking("a")], model=model), "/capped")


@pytest.mark.parametrize("model", ["house:large", ["offline:stand-in", "house:large"]])
def test_a_limit_of_cost_needs_prices(
    deploy: Callable[..., Deployment], client: APIClient, house: ModelConnection, model: Any
) -> None:
    url = f"/api/deployments/{deployed(deploy, model).pk}"
    refused = client.patch(url, {"max_cost_usd": "1"}, format="json")
    assert refused.status_code == 422, refused.content
    assert refused.json()["errors"]["max_cost_usd"][0].startswith(SENTENCE)
    assert client.patch(url, {"max_tokens": 10}, format="json").status_code == 200
    house.input_price_usd = house.output_price_usd = 1
    house.save()
    assert client.patch(url, {"max_cost_usd": "1"}, format="json").status_code == 200


def test_models_that_cost_nothing_may_be_limited(
    deploy: Callable[..., Deployment], client: APIClient
) -> None:
    url = f"/api/deployments/{deployed(deploy, 'offline:stand-in').pk}"
    assert client.patch(url, {"max_cost_usd": "1"}, format="json").status_code == 200


def test_the_answer_tells_what_is_missing(
    deploy: Callable[..., Deployment], client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        if "/y/" in request.call_key:
            raise ModelError(ErrorKind.REQUEST, "it is refused.")
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    members = asking("p", "x", "y", "z", kind="parallel", settings={"require": 2})
    deploy(design([members]), "/members")
    answer = client.post("/api/deployed/members", {}, format="json").json()
    assert answer["degraded"] is True
    assert answer["degraded_reasons"] == [
        "No answer came from y (agent 'y' got no answer: it is refused)."
    ]
