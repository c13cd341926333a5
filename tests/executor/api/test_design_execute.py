"""Trying a design without deploying it: what runs, and what is refused before it is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from executor.models import Execution
from tests.documents import cyclic, doubling, greeting
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(designer: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(designer)


@pytest.fixture
def design(db: None) -> Design:
    return create_design(document=doubling(), caller=SYSTEM)


def run(client: APIClient, design: Design, **body: Any) -> Any:
    return client.post(f"/api/designs/{design.pk}/execute", body, format="json")


def finished(answer: Any) -> Execution:
    """The accepted execution, after a worker did it."""
    assert answer.status_code == 202, answer.content
    pk = Execution.objects.get(pk=answer.json()["log_id"]).pk
    future = perform_execution(pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=pk)


def test_the_draft_runs_and_its_document_is_kept(client: APIClient, design: Design) -> None:
    answer = run(client, design, input_data={"number": 4})
    body = answer.json()
    assert set(body) == {"execution_id", "log_id", "status", "status_url"}
    assert body["status"] == "queued"
    assert answer["Location"] == body["status_url"] == f"/api/executions/{body['log_id']}"
    change_draft(design=design, caller=SYSTEM, document=greeting())
    execution = finished(answer)
    assert (execution.status, execution.result_data) == ("completed", 8)
    assert (execution.version, execution.deployment) == (None, None)
    assert execution.document == {**doubling(), "description": ""}
    assert (execution.trigger_type, execution.triggered_by) == ("manual", "designer")
    assert execution.deadline_at is not None
    shown = client.get(body["status_url"]).json()
    assert (shown["design_id"], shown["version"]) == (str(design.pk), None)
    assert shown["result_data"] == 8


def test_a_version_runs_as_it_was_published(client: APIClient, design: Design) -> None:
    version = publish_design(design=design, caller=SYSTEM)
    change_draft(design=design, caller=SYSTEM, document=cyclic())
    execution = finished(run(client, design, version=1, input_data={"number": 5}))
    assert execution.result_data == 10
    assert (execution.version, execution.document) == (version, None)


def test_a_model_takes_the_place_of_all_that_the_design_names(client: APIClient) -> None:
    document = {**greeting(), "model": "openai:gpt-5-mini"}
    document["blocks"][0]["agents"][1]["model"] = ["anthropic:claude-sonnet-4-5"]
    design = create_design(document=document, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    for version in (None, 1):
        answer = run(client, design, version=version, model="offline:stand-in")
        execution = finished(answer)
        assert execution.status == "completed"
        assert set(execution.steps.values_list("model", flat=True)) == {"offline:stand-in"}
        assert execution.document["blocks"][0]["agents"][1]["model"] is None
        assert (execution.version is None) is (version is None)
    design.refresh_from_db()
    assert design.draft["model"] == "openai:gpt-5-mini"


def test_no_body_is_no_input(client: APIClient) -> None:
    design = create_design(document=greeting(), caller=SYSTEM)
    answer = client.post(f"/api/designs/{design.pk}/execute")
    assert answer.status_code == 202
    assert Execution.objects.get().input_data == {}


def test_a_draft_with_problems_does_not_run(client: APIClient) -> None:
    answer = run(client, create_design(document=cyclic(), caller=SYSTEM))
    assert answer.status_code == 422
    assert "a -> b -> a" in str(answer.json()["errors"])
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "input_data"),
        ({"input_data": {"number": "many"}}, "input_data/number"),
        ({"input_data": []}, "input_data"),
        ({"input_data": None}, "input_data"),
        ({"input_data": {"number": 1}, "version": 9}, "version"),
        ({"input_data": {"number": 1}, "version": 0}, "version"),
        ({"input_data": {"number": 1}, "version": "first"}, "version"),
        ({"input_data": {"number": 1}, "version": 10**15}, "version"),
        ({"input_data": {"number": 1}, "model": "gpt"}, "model"),
        ({"input_data": {"number": 1}, "model": "openai:gpt-5-mini"}, "model"),
        ({"input_data": {"number": 1}, "model": "offline:other"}, "model"),
        ({"input_data": {"number": 1}, "model": ["a"]}, "model"),
        ({"input_data": {"number": 1}, "model": ""}, "model"),
        ({"input_data": {"number": 1}, "deploy": True}, "deploy"),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_accepted(
    client: APIClient, design: Design, body: dict[str, Any], field: str
) -> None:
    answer = run(client, design, **body)
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]
    assert not Execution.objects.exists()


def test_bodies_that_are_no_object_are_refused(client: APIClient, design: Design) -> None:
    for body, status in (("[]", 422), ("7", 422), ("{", 400)):
        answer = client.post(
            f"/api/designs/{design.pk}/execute", body, content_type="application/json"
        )
        assert answer.status_code == status, body
    assert not Execution.objects.exists()


def test_a_schema_that_points_elsewhere_is_not_followed(client: APIClient) -> None:
    document = {**greeting(), "input_schema": {"$ref": "http://127.0.0.1:9/schema.json"}}
    answer = run(client, create_design(document=document, caller=SYSTEM))
    assert answer.status_code == 422
    assert "document/input_schema/$ref" in answer.json()["errors"]


def test_a_tried_draft_is_rerun_with_its_document(client: APIClient, design: Design) -> None:
    from executor.services import rerun_execution

    execution = finished(run(client, design, input_data={"number": 4}))
    again = rerun_execution(execution=execution, caller=SYSTEM)
    assert again.document == execution.document
    assert again.version is None
