"""Comparing versions of a design, and the draft, over the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db


@pytest.fixture
def design() -> Design:
    """One version; the draft has another prompt."""
    design = create_design(document=greeting(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    document = greeting()
    document["blocks"][0]["agents"][0]["system_prompt"] = "You write long greetings."
    return change_draft(design=design, document=document, caller=SYSTEM)


def test_a_version_is_compared_with_the_draft(client: APIClient, design: Design) -> None:
    url = f"/api/designs/{design.pk}/versions/compare"
    change = {
        "kind": "agent",
        "id": "writer",
        "block_id": "greet",
        "label": "Writer",
        "change": "changed",
        "fields": [
            {
                "name": "system_prompt",
                "before": "You write greetings.",
                "after": "You write long greetings.",
                "words": [["same", "You write "], ["added", "long "], ["same", "greetings."]],
            }
        ],
    }
    assert client.get(f"{url}?from=1&to=draft").json() == {
        "from": 1,
        "to": "draft",
        "summary": {"added": 0, "changed": 1, "removed": 0},
        "changes": [change],
    }
    publish_design(design=design, caller=SYSTEM)
    answer = client.get(f"{url}?from=2&to=1").json()
    assert answer["changes"][0]["fields"][0]["words"][1] == ["removed", "long "]
    assert client.get(f"{url}?from=draft&to=2").json()["changes"] == []


def test_what_is_not_there_is_said(client: APIClient, design: Design) -> None:
    url = f"/api/designs/{design.pk}/versions/compare"
    answer = client.get(f"{url}?from=9&to=draft")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "This design has no version 9."
    for query, field in {
        "": "from", "?from=1": "to", "?from=1&to=-1": "to", "?from=%00&to=1": "from",
        "?from=1e3&to=1": "from", "?from=1&to=1&colour=red": "colour",
        "?from=1&from=1&to=draft": "from", "?from=٣&to=1": "from",
    }.items():  # fmt: skip
        answer = client.get(url + query)
        assert answer.status_code == 422, query
        assert field in answer.json()["errors"], query


def test_any_draft_can_be_compared(client: APIClient, design: Design) -> None:
    url = f"/api/designs/{design.pk}/versions/compare?from=1&to=draft"
    for draft in ({}, {"blocks": 5}, {"blocks": [[], 1, {"id": []}]}, {"connections": {"a": 1}}):
        change_draft(design=design, document=draft, caller=SYSTEM)
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.json()["changes"], draft


def test_other_peoples_rights(
    api_with: Callable[[str], APIClient],
    key_of: Callable[..., str],
    designer: object,
    design: Design,
) -> None:
    url = f"/api/designs/{design.pk}/versions/compare?from=1&to=draft"
    assert api_with(key_of(designer, scopes=("read",))).get(url).status_code == 200
    assert api_with(key_of(designer, scopes=("execute",))).get(url).status_code == 403
    assert api_with("").get(url).status_code == 401
    other = create_design(document=doubling(), caller=SYSTEM)
    answer = api_with(key_of(designer)).get(url.replace(str(design.pk), str(other.pk)))
    assert answer.status_code == 404
