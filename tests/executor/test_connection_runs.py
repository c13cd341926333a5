"""Runs with model connections: what the history keeps, and fallback chains that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.services import create_design
from executor.language_models.registry import model_registry
from executor.models import Execution
from tests.documents import greeting
from tests.executor.connections import connect
from tests.model_server import ModelServer, fails, model_server
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    model_registry().connections.expire()
    with model_server() as found:
        yield found


def run(execution: Execution) -> Execution:
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


def models_of(execution: Execution) -> list[str]:
    return list(execution.steps.order_by("id").values_list("model", flat=True))


def naming(*models: Any) -> dict[str, Any]:
    """The greeting with a model for the design, then for its agents."""
    document = greeting()
    document["model"] = models[0]
    for agent, model in zip(document["blocks"][0]["agents"], models[1:], strict=False):
        agent["model"] = model
    return document


def test_a_design_and_its_agents_name_connections(
    server: ModelServer, queue: Queue, version_of: Callable[..., Any]
) -> None:
    connect(server)
    done = run(queue(version_of(naming("vllm", None, "vllm:large")), input_data={}))
    assert done.status == "completed"
    assert models_of(done) == ["vllm:small", "vllm:large"]
    assert (done.input_tokens, done.output_tokens, done.cost_usd) == (20, 10, None)


def test_a_list_falls_back_to_the_next_one(
    server: ModelServer, queue: Queue, version_of: Callable[..., Any]
) -> None:
    connect(server, "first", is_enabled=False)
    connect(server, "second")
    server.then(fails(401))
    chain = ["first", "nowhere", "second", "offline:stand-in"]
    done = run(queue(version_of(naming(chain)), input_data={}))
    assert done.status == "completed"
    # The key was refused at the first step; the second step leaves that model alone.
    assert models_of(done) == ["offline:stand-in"] * 2
    assert len(server.calls) == 1


def test_the_installations_default_may_be_connections(
    server: ModelServer, queue: Queue, version_of: Callable[..., Any], settings: Any
) -> None:
    connect(server, "spare")
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, model="nowhere, spare:large")
    execution = queue(version_of(greeting()), input_data={})
    assert execution.models_default == ["nowhere", "spare:large"]
    done = run(execution)
    assert (done.status, models_of(done)) == ("completed", ["spare:large"] * 2)


def test_without_a_fallback_the_run_says_what_to_do(
    server: ModelServer, queue: Queue, version_of: Callable[..., Any]
) -> None:
    connect(server, is_enabled=False)
    done = run(queue(version_of(naming("vllm")), input_data={}))
    assert done.status == "failed"
    assert done.error is not None
    assert done.error["class"] == "unavailable"
    assert "'vllm' is disabled: enable it" in done.error["message"]


def test_a_failing_server_is_left_alone_by_the_runs_that_follow(
    server: ModelServer, queue: Queue, version_of: Callable[..., Any]
) -> None:
    connect(server)
    server.usual = fails(503)
    version = version_of(naming("vllm"))
    statuses = [run(queue(version, input_data={})).status for _ in range(4)]
    assert statuses == ["failed"] * 4
    assert len(server.calls) == 5


def test_a_draft_is_tried_with_a_connection(
    server: ModelServer, designer: User, api_of: Callable[[User], APIClient]
) -> None:
    connect(server)
    design = create_design(document=greeting(), caller=SYSTEM)
    url, client = f"/api/designs/{design.pk}/execute", api_of(designer)
    answer = client.post(url, {"model": "vllm:large", "input_data": {}}, format="json")
    assert answer.status_code == 202, answer.content
    done = run(Execution.objects.get())
    assert (done.status, models_of(done)) == ("completed", ["vllm:large"] * 2)
    refused = client.post(url, {"model": "vlm", "input_data": {}}, format="json")
    assert refused.status_code == 422
    assert "There is no model connection 'vlm'" in refused.json()["errors"]["model"][0]
