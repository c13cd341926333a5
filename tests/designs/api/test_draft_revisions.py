"""Each write of a draft raises its revision, and one that was based on another is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import Design
from designs.services import apply_suggestions, change_draft
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db

Make = Callable[..., Design]
DRAFT = {"document": greeting()}


@pytest.fixture
def url(make_design: Make) -> str:
    return f"/api/designs/{make_design(greeting()).pk}"


def test_every_write_raises_the_revision(client: APIClient, url: str, designer: User) -> None:
    before = client.get(url)
    assert (before.json()["revision"], before["ETag"]) == (1, '"r1"')
    assert before.json()["changed_by"] is None
    assert client.post(f"{url}/publish").status_code == 201
    assert client.get(url).json()["revision"] == 1
    writes = [
        ("patch", url, {"name": "New"}),
        ("put", url, DRAFT),
        ("patch", url, DRAFT),
        ("post", f"{url}/versions/1/restore", None),
    ]
    for revision, (method, path, body) in enumerate(writes, 2):
        answer = getattr(client, method)(path, body, format="json")
        shown = client.get(url)
        assert answer.json()["revision"] == shown.json()["revision"] == revision
        assert answer["ETag"] == shown["ETag"] == f'"r{revision}"'
        assert answer.json() == shown.json()
    assert shown.json()["changed_by"] == designer.username
    assert shown.json()["changed_at"] > before.json()["changed_at"]
    assert shown.json()["latest_version"] == 1
    [row] = client.get("/api/designs").json()["results"]
    assert (row["revision"], row["changed_by"]) == (5, designer.username)


def test_a_new_design_is_at_its_first_revision(client: APIClient, designer: User) -> None:
    answer = client.post("/api/designs", DRAFT, format="json")
    assert (answer.json()["revision"], answer["ETag"]) == (1, '"r1"')
    assert answer.json()["changed_by"] == designer.username


def test_a_key_writes_as_its_owner(
    designer: User, url: str, key_of: Callable[..., str], client: APIClient
) -> None:
    key = key_of(designer, scopes=("manage", "read"))
    answer = APIClient().patch(
        url, {"name": "New"}, format="json", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.json()["changed_by"] == designer.username


def test_suggestions_raise_it(make_design: Make) -> None:
    design = make_design(greeting())
    suggestion = {
        "block_id": "greet", "agent_id": "writer", "current_prompt": "You write greetings.",
        "suggested_prompt": "You write.", "reasoning": "",
    }  # fmt: skip
    apply_suggestions(design=design, suggestions=[suggestion], caller=SYSTEM, revisions={1})
    assert Design.objects.get(pk=design.pk).revision == design.revision == 2


CHANGES = [
    ("patch", "", DRAFT),
    ("put", "", DRAFT),
    ("post", "/publish", {}),
    ("post", "/versions/1/restore", {}),
    ("delete", "", None),
]


@pytest.mark.parametrize(("method", "verb", "body"), CHANGES)
def test_a_stale_change_is_refused_with_the_draft(
    client: APIClient, url: str, method: str, verb: str, body: Any, make_user: Callable[..., User]
) -> None:
    client.post(f"{url}/publish")
    design = Design.objects.get()
    ben = make_user("ben", "Designer")
    change_draft(design=design, document=doubling(), caller=SYSTEM)
    Design.objects.update(changed_by=ben)
    answer = getattr(client, method)(url + verb, body, format="json", headers={"If-Match": '"r1"'})
    assert answer.status_code == 412
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    now = client.get(url).json()
    assert problem["type"] == "/problems/draft-changed"
    members = ("revision", "document", "changed_by", "changed_at")
    assert {name: problem[name] for name in members} == {name: now[name] for name in members}
    assert (now["revision"], now["changed_by"]) == (2, "ben")
    assert problem["detail"].startswith("ben changed this draft")
    assert now["latest_version"] == 1


@pytest.mark.parametrize(("method", "verb", "body"), CHANGES)
def test_a_change_of_the_current_revision_is_made(
    client: APIClient, url: str, method: str, verb: str, body: Any
) -> None:
    client.post(f"{url}/publish")
    for match in ('"r1"', "*", '"r7", "r1"')[: 3 if method != "delete" else 1]:
        Design.objects.update(revision=1)
        answer = getattr(client, method)(
            url + verb, body, format="json", headers={"If-Match": match}
        )
        assert answer.status_code in (200, 201, 204), answer.content


@pytest.mark.parametrize(
    "match",
    ['W/"r1"', '"r2"', '"r01"', '"1"', '"R1"', '"r-1"', '""', '"r99999999999"', '"a,r1"', '"r1 "'],
)
def test_what_names_another_state_is_stale(client: APIClient, url: str, match: str) -> None:
    sent: Any = {"If-Match": match}
    answer = client.patch(url, {"name": "New"}, format="json", headers=sent)
    if match == '"r1 "':
        # A tag has no spaces.
        assert answer.status_code == 400
    else:
        assert answer.status_code == 412
    assert client.get(url).json()["name"] == "Greeting"


@pytest.mark.parametrize(
    "match",
    ["", " ", "r1", "1", '"r1', 'r1"', '"r1" "r2"', '*, "r1"', '"r1", *', ",", "W/r1", '"\x01"',
     'w/"r1"', '"r1";x', "\xff", '"' * 3_001, "," * 4_000, '"r1",' + " " * 60_000 + "x"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(client: APIClient, url: str, match: str) -> None:
    sent: Any = {"If-Match": match}
    answer = client.patch(url, {"name": "New"}, format="json", headers=sent)
    assert answer.status_code == 400, answer.content
    assert "If-Match" in answer.json()["detail"]
    assert client.get(url).json()["revision"] == 1


def test_what_is_not_there_is_not_found(client: APIClient) -> None:
    absent = "/api/designs/0190f000-0000-7000-8000-000000000000"
    answer = client.patch(absent, {"name": "x"}, format="json", headers={"If-Match": '"r1"'})
    assert answer.status_code == 404
