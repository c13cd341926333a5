"""Going on from a chosen block with another input: what is kept, what runs again, who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from designs.auditing.audit import Action
from designs.models import AuditEntry
from executor.engine.llm import offline
from executor.models import Execution, Status
from executor.views.again import ResumeFromForm
from tests.graphs import asking, chain, design, transform
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
ApiOf = Callable[[User], APIClient]
OUTPUTS = {"first": ("First", 1), "second": ("Second", [1])}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The blocks whose agents were asked."""
    found: list[str] = []
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        found.append(request.call_key.partition(":")[2].partition("/")[0])
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    return found


@pytest.fixture
def done(queue: Queue, version_of: Any, asked: list[str]) -> Execution:
    blocks = [asking("first"), transform("middle", "incoming"), asking("last")]
    document = design(blocks, chain("first", "middle", "last"))
    execution = perform(queue(version_of(document)))
    assert execution.status == Status.COMPLETED
    assert asked == ["first", "last"]
    asked.clear()
    return execution


def perform(execution: Execution) -> Execution:
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


def resume(api: APIClient, execution: Execution, body: Any) -> Any:
    return api.post(f"/api/executions/{execution.pk}/resume", body, format="json")


def resumed(answer: Any) -> Execution:
    assert answer.status_code == 202, answer.json()
    return perform(Execution.objects.get(pk=answer.json()["log_id"]))


def test_what_is_before_the_block_is_kept_and_what_follows_runs_again(
    designer: User, api_of: ApiOf, done: Execution, asked: list[str]
) -> None:
    body = {"block": "middle", "given": {"first": "an edited text"}}
    new = resumed(resume(api_of(designer), done, body))
    assert asked == ["last"]
    assert new.model_calls == 1
    outputs = dict(new.blocks.values_list("block_id", "output"))
    assert outputs["middle"] == "an edited text"
    assert outputs["first"] == dict(done.blocks.values_list("block_id", "output"))["first"]
    prompt = new.steps.get(block_id="last").prompt
    assert "an edited text" in str(prompt)
    entry = AuditEntry.objects.filter(action=Action.RESUME).latest("pk")
    assert (entry.additional_data or {})["block"] == "middle"


def test_an_edit_stays_when_its_run_is_resumed_again(
    designer: User, api_of: ApiOf, done: Execution, asked: list[str]
) -> None:
    edit = {"block": "middle", "given": {"first": "an edited text"}}
    new = resumed(resume(api_of(designer), done, edit))
    asked.clear()
    again = resumed(resume(api_of(designer), new, {"block": "last"}))
    assert asked == ["last"]
    assert "an edited text" in str(again.steps.get(block_id="last").prompt)
    asked.clear()
    whole = resumed(
        resume(api_of(designer), again, {"block": "middle", "given": {"first": "another"}})
    )
    assert asked == ["last"]
    assert dict(whole.blocks.values_list("block_id", "output"))["middle"] == "another"


@pytest.mark.parametrize(
    "body",
    [
        {"block": "nobody"},
        {"block": "middle", "given": {"last": 1}},
        {"given": {"first": 1}},
        {"block": "middle", "given": 3},
        {"block": ["middle"]},
        {"odd": 1},
    ],
)
def test_what_does_not_fit_is_told(
    designer: User, api_of: ApiOf, done: Execution, body: Any
) -> None:
    assert resume(api_of(designer), done, body).status_code in (400, 422)
    assert Execution.objects.count() == 1


def test_the_page_offers_what_the_block_got(
    designer: User,
    viewer: User,
    browser_of: Callable[[User], Client],
    done: Execution,
    asked: list[str],
) -> None:
    path = f"/executions/{done.pk}/resume-from/?block=last"
    browser = browser_of(designer)
    page = browser.get(f"/executions/{done.pk}/?block=last&tab=input").content.decode()
    assert f'href="{path}"' in page
    assert 'name="middle"' in browser.get(path).content.decode()
    assert browser.post(path, {"middle": "{not json"}).status_code == 422
    answer = browser.post(path, {"middle": '"typed by hand"'})
    new = perform(Execution.objects.exclude(pk=done.pk).get())
    assert answer["Location"] == f"/executions/{new.pk}/"
    assert "typed by hand" in str(new.steps.get(block_id="last").prompt)
    got = browser.get(f"/executions/{new.pk}/?block=last&tab=input").content.decode()
    assert "typed by hand" in got[got.index('data-shown-tab="input"') :]
    assert browser_of(viewer).get(path).status_code == 403
    assert browser.get(f"/executions/{done.pk}/resume-from/?block=nobody").status_code == 404


def test_a_block_without_sources_runs_again_without_any_field(
    designer: User, browser_of: Callable[[User], Client], done: Execution
) -> None:
    browser = browser_of(designer)
    assert browser.post(f"/executions/{done.pk}/resume-from/?block=first").status_code == 302
    new = Execution.objects.exclude(pk=done.pk).get()
    assert new.edited == {"block": "first", "given": {}}


def test_true_instead_of_1_is_a_change() -> None:
    form = ResumeFromForm({"first": "true", "second": "[1]"}, outputs=OUTPUTS)
    assert form.is_valid()
    assert form.cleaned_data == {"first": True}


def test_a_run_starts_again_with_another_input(
    designer: User, viewer: User, browser_of: Callable[[User], Client], done: Execution
) -> None:
    path = f"/executions/{done.pk}/again/"
    browser = browser_of(designer)
    assert browser.get(path).status_code == 200
    assert browser.post(path, {"input_data": "[1]"}).status_code == 422
    browser.post(path, {"input_data": '{"number": 77}'})
    assert Execution.objects.get(rerun_of=done).input_data == {"number": 77}
    assert browser_of(viewer).get(path).status_code == 403
