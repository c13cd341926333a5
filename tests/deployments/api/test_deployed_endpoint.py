"""The deployed endpoint: it runs the design, and says in words why when it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from deployments.models import Deployment
from deployments.services import change_deployment
from designs.access import SYSTEM
from executor.models import Execution
from tests.documents import greeting

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(f"/api/deployed{path}", body, format="json", headers=headers)


def test_a_call_answers_with_the_result_and_is_kept(deploy: Deploy, client: APIClient) -> None:
    deploy()
    answer = post(client, "/double", {"number": 21})
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True
    assert body["status"] == "completed"
    assert body["result"] == 42
    assert body["results"] == {"pair": [21, 21], "double": 42}
    execution = Execution.objects.get(pk=body["log_id"])
    assert body["execution_id"] == execution.public_id
    assert execution.status == "completed"
    assert execution.trigger_type == "api"
    assert execution.triggered_by == "operator"
    assert execution.input_data == {"number": 21}
    assert execution.result_data == 42
    assert execution.steps.count() == 2
    assert set(execution.blocks.values_list("block_id", "status")) == {
        ("pair", "completed"),
        ("double", "completed"),
    }


def test_each_model_call_is_a_step_with_its_model(deploy: Deploy, client: APIClient) -> None:
    deploy(greeting(), "/greet")
    body = post(client, "/greet", {"name": "Ada"}).json()
    steps = Execution.objects.get(pk=body["log_id"]).steps.all()
    assert [step.agent_id for step in steps] == ["writer", "editor"]
    assert {step.model for step in steps} == {"offline:stand-in"}
    assert body["usage"]["model_calls"] == 2


def test_get_runs_what_needs_no_input(deploy: Deploy, client: APIClient) -> None:
    deploy(greeting(), "/greet")
    deploy()
    assert client.get("/api/deployed/greet").status_code == 200
    assert client.get("/api/deployed/greet/").status_code == 200
    assert client.get("/api/deployed/double").status_code == 422


def test_input_that_does_not_fit_is_refused_with_its_fields(
    deploy: Deploy, client: APIClient
) -> None:
    deploy()
    answer = post(client, "/double", {"number": "many"})
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert "input_data/number" in answer.json()["errors"]
    assert Execution.objects.count() == 0


def test_respond_async_is_accepted_at_once(deploy: Deploy, client: APIClient) -> None:
    deploy()
    answer = post(client, "/double", {"number": 1}, prefer="respond-async")
    assert answer.status_code == 202
    body = answer.json()
    assert answer["Location"] == body["status_url"] == f"/api/executions/{body['log_id']}"
    assert Execution.objects.get(pk=body["log_id"]).status == "queued"


def test_unknown_paths_are_not_found(deploy: Deploy, client: APIClient) -> None:
    deploy()
    for path in ("/nothing", "/double/more", "", "/"):
        answer = post(client, path, {})
        assert answer.status_code == 404, path
        assert answer["Content-Type"] == "application/problem+json"


def test_an_inactive_deployment_conflicts(deploy: Deploy, client: APIClient) -> None:
    change_deployment(deployment=deploy(), caller=SYSTEM, status="inactive")
    answer = post(client, "/double", {"number": 1})
    assert answer.status_code == 409
    assert "inactive" in answer.json()["detail"]


def test_without_a_good_key_nobody_gets_in(
    deploy: Deploy, api_with: Callable[[str], APIClient]
) -> None:
    deploy()
    for key in ("", "orc_00000000_nothing", "nonsense"):
        answer = post(api_with(key), "/double", {"number": 1})
        assert answer.status_code == 401, key
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_what_the_owner_or_the_key_may_not_is_refused(
    deploy: Deploy,
    viewer: User,
    operator: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
) -> None:
    deploy()
    other = deploy(greeting(), "/greet")
    body = {"number": 1}
    assert post(api_with(key_of(viewer)), "/double", body).status_code == 403
    assert post(api_with(key_of(operator, scopes=("read",))), "/double", body).status_code == 403
    bound = key_of(operator, deployments=[other])
    assert post(api_with(bound), "/double", body).status_code == 403
    assert post(api_with(bound), "/greet", {}).status_code == 200


def test_a_deployment_limited_to_other_groups_is_not_there(
    deploy: Deploy, client: APIClient
) -> None:
    deploy().groups.set([Group.objects.get(name="Designer")])
    assert post(client, "/double", {"number": 1}).status_code == 404


def test_a_session_needs_its_csrf_token(deploy: Deploy, operator: User) -> None:
    deploy()
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(operator)
    assert post(client, "/double", {"number": 1}).status_code == 403


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"number": 1e999}', "application/json", 400),
        (b'{"number": "\\u0000"}', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"[" * 50_000, "application/json", 413),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', "application/json", 413),
        (b'{"number": 1}', "text/plain", 415),
    ],
)
def test_bad_bodies_get_a_sentence(
    deploy: Deploy, client: APIClient, body: bytes, content_type: str, status: int
) -> None:
    deploy()
    answer = client.generic("POST", "/api/deployed/double", body, content_type=content_type)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].endswith(".")


def test_methods_without_a_meaning_are_refused(deploy: Deploy, client: APIClient) -> None:
    deploy()
    answer = client.delete("/api/deployed/double")
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
