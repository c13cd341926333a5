"""The calls that manage deployments: names, shapes, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.api.schedule_serializers import ScheduleIn
from deployments.models import Deployment
from deployments.schedules.fields import FIELDS
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.models import Trigger
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db

SHAPE = {
    "id", "design_id", "design_name", "version", "endpoint_path", "endpoint_url",
    "status", "status_reason",
    "schedule", "timeout_seconds", "wait_seconds", "max_model_calls", "max_tokens", "max_cost_usd",
    "max_input_bytes", "max_output_bytes", "max_concurrent", "max_memory_mb",
    "max_tool_calls",
    "requests_per_minute", "requests_per_day", "callback_url",
    "created_at", "updated_at", "last_execution_at", "execution_count", "usage",
}  # fmt: skip


@pytest.fixture
def client(
    administrator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(administrator))


@pytest.fixture
def design() -> Design:
    return create_design(document=doubling(), caller=SYSTEM)


def create(client: APIClient, design: Design, **fields: Any) -> Any:
    body = {"design_id": str(design.pk), "endpoint_path": "/double", **fields}
    return client.post("/api/deployments", body, format="json")


def test_a_design_is_deployed_with_a_schedule(client: APIClient, design: Design) -> None:
    answer = create(client, design, schedule={"interval_seconds": 10, "input_data": {"number": 2}})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == SHAPE
    assert body["version"] == 1
    assert body["status"] == "active"
    assert body["endpoint_url"].endswith("/api/deployed/double")
    assert body["schedule"]["interval_seconds"] == 10
    assert body["schedule"]["next_run_at"] is not None
    assert body["execution_count"] == 0
    assert client.get(answer["Location"]).json() == body


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"endpoint_path": "double"}, 422, "endpoint_path"),
        ({"endpoint_path": "/Double"}, 422, "endpoint_path"),
        ({"endpoint_path": "/a//b"}, 422, "endpoint_path"),
        ({"endpoint_path": 7.5}, 422, "endpoint_path"),
        ({"design_id": "0190f000-0000-7000-8000-000000000000"}, 422, "design_id"),
        ({"design_id": "nonsense"}, 422, "design_id"),
        ({"version": 9}, 422, "version"),
        ({"surprise": 1}, 422, "surprise"),
        ({"schedule": {}}, 422, "schedule.cron_expression"),
        ({"schedule": {"cron_expression": "61 * * * *"}}, 422, "schedule.cron_expression"),
        (
            {"schedule": {"cron_expression": "* * * * *", "timezone": "Mars/Base"}},
            422,
            "schedule.timezone",
        ),
        ({"schedule": {"interval_seconds": 0}}, 422, "schedule.interval_seconds"),
        ({"schedule": {"interval_seconds": 5, "colour": "red"}}, 422, "schedule.colour"),
        ({"schedule": "often"}, 422, "schedule.non_field_errors"),
        ({"timeout_seconds": 0}, 422, "timeout_seconds"),
    ],
)
def test_wrong_fields_are_named(
    client: APIClient, design: Design, fields: dict[str, Any], status: int, field: str
) -> None:
    answer = create(client, design, **fields)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]
    assert not Deployment.objects.exists()


def test_bodies_that_are_no_object_are_refused(client: APIClient) -> None:
    for body in ("[]", "1", "null", '"text"'):
        answer = client.post("/api/deployments", body, content_type="application/json")
        assert answer.status_code == 422, body


def test_a_path_is_given_once(client: APIClient, design: Design) -> None:
    assert create(client, design).status_code == 201
    again = create(client, design)
    assert again.status_code == 409
    assert "/double" in again.json()["detail"]


def test_a_design_with_problems_is_not_deployed(client: APIClient) -> None:
    answer = create(client, create_design(document=cyclic(), caller=SYSTEM))
    assert answer.status_code == 422
    assert "a -> b -> a" in str(answer.json()["errors"])


def test_put_replaces_and_patch_changes(
    client: APIClient, deploy: Callable[..., Deployment]
) -> None:
    url = f"/api/deployments/{deploy(schedule={'interval_seconds': 60}, timeout_seconds=5).pk}"
    patched = client.patch(url, {"max_tokens": 100}, format="json").json()
    assert (patched["max_tokens"], patched["timeout_seconds"]) == (100, 5)
    assert patched["schedule"]["interval_seconds"] == 60
    given = {**client.get(url).json(), "endpoint_path": "/other"}
    put = client.put(url, given, format="json")
    assert put.status_code == 200, put.content
    assert put.json()["endpoint_path"] == "/other"
    assert put.json()["schedule"]["interval_seconds"] == 60
    reset = client.put(url, {"endpoint_path": "/other"}, format="json").json()
    assert (reset["max_tokens"], reset["timeout_seconds"], reset["schedule"]) == (None, 600, None)
    assert client.patch(url, {"surprise": 1}, format="json").status_code == 422


def test_a_new_version_is_deployed_by_its_number(
    client: APIClient, deploy: Callable[..., Deployment]
) -> None:
    from designs.services import change_draft, publish_design

    deployment = deploy()
    design = change_draft(
        design=deployment.design, caller=SYSTEM, document={**doubling(), "description": "Second"}
    )
    publish_design(design=design, caller=SYSTEM)
    url = f"/api/deployments/{deployment.pk}"
    assert client.patch(url, {"version": 2}, format="json").json()["version"] == 2
    assert client.patch(url, {"version": 3}, format="json").status_code == 422


def test_undeploying_frees_the_path_and_keeps_the_history(
    client: APIClient, design: Design
) -> None:
    schedule = {"interval_seconds": 60, "input_data": {"number": 1}}
    url = create(client, design, schedule=schedule)["Location"]
    log = invoke_deployment(
        deployment=Deployment.objects.get(),
        input_data={"number": 1},
        trigger=Trigger.API,
        caller=SYSTEM,
    )
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert [row["id"] for row in client.get(f"{url}/logs").json()["results"]] == [str(log.pk)]
    assert client.get(f"{url}/logs/{log.public_id}").status_code == 200
    assert create(client, design).status_code == 201


def test_who_may_not_is_refused(
    viewer: User,
    operator: User,
    administrator: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
    design: Design,
    deploy: Callable[..., Deployment],
) -> None:
    url = f"/api/deployments/{deploy(path='/there').pk}"
    for user in (viewer, operator):
        client = api_with(key_of(user))
        assert client.get(url).status_code == 200
        assert create(client, design).status_code == 403
        assert client.patch(url, {"status": "inactive"}, format="json").status_code == 403
        assert client.delete(url).status_code == 403
    reader = api_with(key_of(administrator, scopes=("read",)))
    assert reader.get(url).status_code == 200
    assert reader.delete(url).status_code == 403
    there = Deployment.objects.get()
    bound = api_with(key_of(administrator, deployments=[there]))
    assert bound.get(url).status_code == 200
    assert create(bound, design).status_code == 403
    assert Deployment.objects.get() == there
    assert api_with("").get(url).status_code == 401


def test_the_call_takes_all_fields_that_a_schedule_has() -> None:
    assert set(ScheduleIn().fields) == FIELDS
