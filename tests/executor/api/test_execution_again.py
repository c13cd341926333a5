"""Running an execution again, and going on with one that did not get to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import DesignVersion
from designs.services import change_draft, publish_design
from executor import states
from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.history.pruning import remove_payloads
from executor.models import Execution, Status
from tests.documents import doubling, greeting
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


@pytest.fixture
def client(designer: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(designer)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the calls; the editor's fails as long as "broken" is in the list."""
    calls = ["broken"]
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        calls.append(request.call_key)
        if "/editor/" in request.call_key and "broken" in calls:
            raise ModelError(ErrorKind.REQUEST, "the server refuses the request.")
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    return calls


def perform(pk: Any) -> Execution:
    future = perform_execution(pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=pk)


@pytest.fixture
def failed(queue: Queue, version_of: Callable[..., DesignVersion], asked: list[str]) -> Execution:
    execution = perform(queue(version_of(greeting()), input_data={"name": "Ada"}).pk)
    assert execution.status == Status.FAILED
    return execution


def post(client: APIClient, execution: Execution, verb: str, body: Any = None) -> Any:
    return client.post(f"/api/executions/{execution.public_id}/{verb}", body, format="json")


def test_a_resumed_run_pays_only_what_was_not_finished(
    client: APIClient, failed: Execution, asked: list[str]
) -> None:
    asked[:] = []
    answer = post(client, failed, "resume")
    assert answer.status_code == 202
    assert answer["Location"] == answer.json()["status_url"]
    resumed = perform(answer.json()["log_id"])
    assert resumed.status == Status.COMPLETED
    assert resumed.resumed_from_id == failed.pk
    assert (resumed.version_id, resumed.input_data) == (failed.version_id, {"name": "Ada"})
    assert [key.split("/")[1] for key in asked] == ["editor"]
    assert [step.agent_id for step in resumed.steps.all()] == ["editor"]
    only = resumed.steps.get()
    assert (resumed.model_calls, resumed.input_tokens) == (1, only.input_tokens)
    first = failed.steps.get(status="completed")
    assert first.text in str(only.prompt)
    shown = client.get(f"/api/executions/{resumed.pk}").json()
    assert shown["resumed_from"] == str(failed.pk)
    assert {block["status"] for block in shown["blocks"]} == {"completed"}


def test_what_was_spent_before_counts_towards_the_limits_of_what_is_resumed(
    client: APIClient, failed: Execution, asked: list[str], settings: Any
) -> None:
    asked[:] = []
    # The failed run made two calls: one was answered, one was refused.
    assert failed.model_calls == 2
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, try_model_calls=2)
    stopped = perform(post(client, failed, "resume").json()["log_id"])
    assert (stopped.status, stopped.error["class"]) == (Status.FAILED, "limit")
    again = perform(post(client, stopped, "resume").json()["log_id"])
    assert (again.error["class"], asked) == ("limit", [])
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, try_model_calls=3)
    last = perform(post(client, again, "resume").json()["log_id"])
    assert (last.status, last.model_calls) == (Status.COMPLETED, 1)


def test_a_resumed_run_may_be_resumed(
    client: APIClient, failed: Execution, asked: list[str]
) -> None:
    second = perform(post(client, failed, "resume").json()["log_id"])
    assert second.status == Status.FAILED
    asked[:] = []
    third = perform(post(client, second, "resume").json()["log_id"])
    assert third.status == Status.COMPLETED
    assert [key.split("/")[1] for key in asked] == ["editor"]


def test_what_goes_on_from_steps_that_retention_took_is_not_resumed(
    client: APIClient, failed: Execution
) -> None:
    second = perform(post(client, failed, "resume").json()["log_id"])
    remove_payloads([failed.pk])
    refused = post(client, second, "resume")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-resumable")
    assert post(client, second, "rerun").status_code == 202


def test_who_has_not_ended_or_was_completed_is_not_resumed(client: APIClient, queue: Queue) -> None:
    live = queue()
    refused = post(client, live, "resume")
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/not-resumable"
    done = perform(live.pk)
    assert "nothing left to do" in post(client, done, "resume").json()["detail"]
    assert Execution.objects.count() == 1
    never = queue(status=Status.FAILED, error={"class": "input"})
    assert "another input" in post(client, never, "resume").json()["detail"]


def test_a_cancelled_one_is_resumed(client: APIClient, queue: Queue) -> None:
    execution = queue()
    states.cancel_unstarted(execution.pk, error={"class": "cancelled"})
    answer = post(client, execution, "resume")
    assert perform(answer.json()["log_id"]).status == Status.COMPLETED


def test_a_rerun_takes_the_same_version_or_the_newest(client: APIClient, queue: Queue) -> None:
    execution = perform(queue().pk)
    design = execution.design
    changed = doubling()
    changed["blocks"][1]["settings"] = {"expression": "sum([sum(incoming), `100`])"}
    change_draft(design=design, caller=SYSTEM, document=changed)
    publish_design(design=design, caller=SYSTEM)
    results = {}
    for body in ({}, {"version": "same"}, {"version": "newest"}):
        answer = post(client, execution, "rerun", body)
        assert answer.status_code == 202
        again = perform(answer.json()["log_id"])
        assert again.rerun_of_id == execution.pk
        results[body.get("version", "")] = again.result_data
    assert results == {"": 4, "same": 4, "newest": 104}
    assert post(client, execution, "rerun", {"version": "other"}).status_code == 422


def test_the_newest_version_must_take_the_input(client: APIClient, queue: Queue) -> None:
    execution = perform(queue().pk)
    stricter = {**doubling(), "input_schema": {"type": "object", "required": ["other"]}}
    change_draft(design=execution.design, caller=SYSTEM, document=stricter)
    publish_design(design=execution.design, caller=SYSTEM)
    answer = post(client, execution, "rerun", {"version": "newest"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/input-invalid"


@pytest.mark.parametrize("verb", ["resume", "rerun"])
def test_who_may_only_look_may_not(
    viewer: User, api_of: Callable[[User], APIClient], queue: Queue, verb: str
) -> None:
    execution = queue()
    assert post(api_of(viewer), execution, verb).status_code == 403
    assert Execution.objects.count() == 1


def test_the_page_offers_to_resume_what_failed(
    designer: User, viewer: User, browser_of: Callable[[User], Client], failed: Execution
) -> None:
    browser = browser_of(designer)
    page = f"/executions/{failed.pk}/"
    form = f'action="{page}resume/"'
    assert form in browser.get(page).content.decode()
    assert form not in browser_of(viewer).get(page).content.decode()
    answer = browser.post(f"{page}resume/")
    resumed = Execution.objects.exclude(pk=failed.pk).get()
    assert answer.url == f"/executions/{resumed.pk}/"
    shown = browser.get(answer.url).content.decode()
    assert form not in shown
    assert page in shown
    assert browser_of(viewer).post(f"{page}resume/").status_code == 403
    live = browser.post(f"/executions/{resumed.pk}/resume/", follow=True).content.decode()
    assert "goes on by itself" in live
