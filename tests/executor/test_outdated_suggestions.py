"""Suggestions that no longer fit today's draft say why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.services import change_draft
from executor.models import Execution
from tests.executor.test_suggestions import prompts, reviewed

__all__ = ["reviewed"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(designer: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(designer)


def reasons(client: APIClient, execution: Execution) -> list[str | None]:
    found = client.get(f"/api/executions/{execution.pk}/suggestions").json()["suggestions"]
    return [one["outdated"] for one in found]


def test_each_says_why_it_cannot_be_applied(client: APIClient, reviewed: Execution) -> None:
    url = f"/api/executions/{reviewed.pk}/suggestions"
    assert reasons(client, reviewed) == [None, None]
    client.post(f"{url}/apply", {"agents": ["answer/expert"]}, format="json")
    already, none = reasons(client, reviewed)
    assert already is not None
    assert "is the suggested one already" in already
    assert none is None
    reviewed.design.refresh_from_db()
    draft = reviewed.design.draft
    draft["blocks"][0]["agents"][0]["system_prompt"] = "Else."
    draft["blocks"][0]["agents"].pop(1)
    change_draft(design=reviewed.design, caller=SYSTEM, document=draft)
    changed, gone = reasons(client, reviewed)
    assert "changed since it was reviewed" in str(changed)
    assert "any more" in str(gone)


@pytest.mark.parametrize("draft", [{}, {"blocks": 5}, {"blocks": [[], {"id": []}, {"agents": 1}]}])
def test_drafts_of_every_kind(
    client: APIClient, reviewed: Execution, draft: dict[str, Any]
) -> None:
    change_draft(design=reviewed.design, caller=SYSTEM, document=draft)
    assert all("any more" in str(reason) for reason in reasons(client, reviewed))


def test_a_stale_revision_is_refused(client: APIClient, reviewed: Execution) -> None:
    url = f"/api/executions/{reviewed.pk}/suggestions/apply"
    before = prompts(reviewed)
    revision = reviewed.design.revision
    change_draft(design=reviewed.design, caller=SYSTEM, description="Else")
    answer = client.post(url, {}, format="json", HTTP_IF_MATCH=f'"r{revision}"')
    assert answer.status_code == 412
    assert answer.json()["type"] == "/problems/draft-changed"
    assert prompts(reviewed) == before
    current = f'"r{reviewed.design.revision}"'
    answer = client.post(url, {}, format="json", HTTP_IF_MATCH=current)
    assert answer.status_code == 200
    assert answer["ETag"] == f'"r{reviewed.design.revision + 1}"'


def test_the_page_says_it_and_offers_no_tick(
    designer: User, browser_of: Callable[[User], Client], reviewed: Execution
) -> None:
    browser = browser_of(designer)
    url = f"/executions/{reviewed.pk}/suggestions/"
    browser.post(f"{url}apply/", {"agent": ["answer/expert"]})
    page = browser.get(url).content.decode()
    assert 'value="answer/expert"' not in page
    assert 'value="answer/editor"' in page
    assert "is the suggested one already" in page
    assert "<ins>" in page


def test_who_may_change_designs_but_see_no_prompts_is_refused(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], reviewed: Execution
) -> None:
    user = make_user("blind", "Viewer")
    user.user_permissions.add(Permission.objects.get(codename="change_design"))
    answer = browser_of(user).post(f"/executions/{reviewed.pk}/suggestions/apply/")
    assert answer.status_code == 403
