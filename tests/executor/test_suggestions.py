"""Suggestions of a review: read, and put into the draft, by call and by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.sample_files import load_samples
from designs.services import change_draft, create_design, publish_design
from executor.models import Execution
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

ALL = ["answer/expert", "answer/editor"]


@pytest.fixture
def reviewed(queue: Callable[..., Execution]) -> Execution:
    """A run of the sample that reviews itself."""
    [sample] = [one for one in load_samples() if one.slug == "prompt-improvement"]
    design = create_design(document=sample.document, caller=SYSTEM)
    version = publish_design(design=design, caller=SYSTEM)
    future = perform_execution(queue(version, input_data=sample.input_example).pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(version=version)


def prompts(execution: Execution) -> dict[str, str]:
    execution.design.refresh_from_db()
    return {
        f"{block['id']}/{agent['id']}": agent["system_prompt"]
        for block in execution.design.draft["blocks"]
        for agent in block.get("agents", ())
    }


@pytest.fixture
def client(designer: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(designer)


def test_they_are_listed_and_one_or_all_are_applied(client: APIClient, reviewed: Execution) -> None:
    url = f"/api/executions/{reviewed.public_id}/suggestions"
    found = client.get(url).json()["suggestions"]
    assert [f"{one['block_id']}/{one['agent_id']}" for one in found] == ALL
    before = prompts(reviewed)
    assert [one["current_prompt"] for one in found] == [before[name] for name in ALL]
    answer = client.post(f"{url}/apply", {"agents": ["answer/editor"]}, format="json")
    assert answer.status_code == 200
    assert answer.json()["id"] == str(reviewed.design_id)
    new = {name: one["suggested_prompt"] for name, one in zip(ALL, found, strict=True)}
    assert prompts(reviewed) == {**before, "answer/editor": new["answer/editor"]}
    # The editor's prompt is another one now, so not all of them fit any more.
    answer = client.post(f"{url}/apply", {}, format="json")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/suggestions-outdated")
    assert "is the suggested one already" in str(answer.json()["errors"])
    rest = {"agents": ["answer/expert"]}
    assert client.post(f"{url}/apply", rest, format="json").status_code == 200
    assert prompts(reviewed) == {**before, **new}
    # What was published stays.
    assert reviewed.version is not None
    assert (
        reviewed.version.document["blocks"][0]["agents"][1]["system_prompt"]
        == (before["answer/editor"])
    )


def test_they_are_not_applied_to_a_draft_that_has_changed(
    client: APIClient, reviewed: Execution
) -> None:
    before = prompts(reviewed)
    url = f"/api/executions/{reviewed.public_id}/suggestions/apply"
    answer = client.post(url, {}, format="json", headers={"If-Match": '"r2"'})
    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/draft-changed")
    assert prompts(reviewed) == before
    answer = client.post(url, {}, format="json", headers={"If-Match": '"r1"'})
    assert (answer.status_code, answer["ETag"]) == (200, '"r2"')
    [kept] = reviewed.design.checkpoints.all()
    assert (kept.reason, kept.revision) == ("suggestions", 1)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"agents": ["answer/ghost"]}, 409, "no suggestion for 'answer/ghost'"),
        ({"agents": []}, 409, "Choose at least one"),
        ({"agents": "all"}, 422, "list"),
        ({"all": True}, 422, "no such field"),
    ],
)
def test_what_cannot_be_applied_says_why(
    client: APIClient, reviewed: Execution, body: dict[str, Any], status: int, words: str
) -> None:
    before = prompts(reviewed)
    answer = client.post(f"/api/executions/{reviewed.pk}/suggestions/apply", body, format="json")
    assert answer.status_code == status
    assert words in str(answer.json()["errors"])
    assert prompts(reviewed) == before


def test_an_execution_without_a_review_has_none(
    client: APIClient, queue: Callable[..., Execution]
) -> None:
    url = f"/api/executions/{queue().pk}/suggestions"
    assert client.get(url).json() == {"suggestions": []}
    assert client.post(f"{url}/apply", {}, format="json").status_code == 409


def test_who_may_not(
    viewer: User, operator: User, api_of: Callable[[User], APIClient], reviewed: Execution
) -> None:
    url = f"/api/executions/{reviewed.pk}/suggestions"
    assert api_of(viewer).get(url).status_code == 403
    assert api_of(operator).get(url).status_code == 200
    for user in (viewer, operator):
        assert api_of(user).post(f"{url}/apply", {}, format="json").status_code == 403


def test_the_page_shows_both_prompts_and_applies_the_chosen(
    designer: User, browser_of: Callable[[User], Client], reviewed: Execution
) -> None:
    browser = browser_of(designer)
    url = f"/executions/{reviewed.pk}/suggestions/"
    assert url in browser.get(f"/executions/{reviewed.pk}/").content.decode()
    page = browser.get(url).content.decode()
    before = prompts(reviewed)
    for name in ALL:
        assert before[name] in page
    answer = browser.post(f"{url}apply/", {"agent": ["answer/expert"]})
    assert answer["Location"] == f"/executions/{reviewed.pk}/"
    changed = {name for name, text in prompts(reviewed).items() if text != before[name]}
    assert changed == {"answer/expert"}
    refused = browser.post(f"{url}apply/", {"agent": ["answer/expert"]})
    assert refused.status_code == 422
    assert "is the suggested one already" in refused.content.decode()


def test_the_page_escapes_what_the_model_wrote_and_reads_for_others(
    operator: User, browser_of: Callable[[User], Client], reviewed: Execution
) -> None:
    hostile = '<img src=x onerror=alert(1)>"'
    row = reviewed.blocks.get(block_id="improve")
    row.output["suggestions"][0].update(suggested_prompt=hostile, reasoning=hostile)
    row.save()
    browser = browser_of(operator)
    page = browser.get(f"/executions/{reviewed.pk}/suggestions/").content.decode()
    assert hostile not in page
    assert "&lt;img src=x" in page
    assert "Apply to the draft" not in page
    assert browser.post(f"/executions/{reviewed.pk}/suggestions/apply/").status_code == 403


def test_a_design_that_is_gone_or_changed_loses_nothing(
    client: APIClient, reviewed: Execution
) -> None:
    draft = {**reviewed.design.draft, "blocks": []}
    change_draft(design=reviewed.design, caller=SYSTEM, document=draft)
    answer = client.post(f"/api/executions/{reviewed.pk}/suggestions/apply", {}, format="json")
    assert answer.status_code == 409
    assert "any more" in str(answer.json()["errors"])
    assert prompts(reviewed) == {}
