"""Earlier states of a draft through the API: list, read, add, restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from designs.models import Design
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db

Make = Callable[..., Design]
BRIEF = {"id", "revision", "author", "reason", "created_at"}


@pytest.fixture
def url(make_design: Make) -> str:
    return f"/api/designs/{make_design(greeting()).pk}"


@pytest.fixture
def lists(url: str) -> str:
    return f"{url}/checkpoints"


def test_a_conflict_is_kept_read_and_restored(
    client: APIClient, url: str, lists: str, designer: User
) -> None:
    client.patch(url, {"name": "Theirs"}, format="json")
    mine = {"document": doubling(), "reason": "conflict", "revision": 1}
    made = client.post(lists, mine, format="json")
    assert made.status_code == 201
    assert set(made.json()) == BRIEF
    assert made["Location"] == f"{lists}/{made.json()['id']}"
    rows = client.get(lists).json()["results"]
    assert [(row["reason"], row["revision"], row["author"]) for row in rows] == [
        ("conflict", 1, designer.username),
        ("conflict", 2, designer.username),
        ("other_person", 1, None),
    ]
    assert rows[0] == made.json()
    detail = client.get(made["Location"]).json()
    assert detail == {**rows[0], "document": doubling()}
    assert client.get(url).json()["name"] == "Theirs"
    answer = client.post(f"{made['Location']}/restore")
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["revision"]) == ("Doubling", 3)
    assert answer["ETag"] == '"r3"'
    assert answer.json() == client.get(url).json()
    newest = client.get(f"{lists}?limit=1").json()["results"][0]
    assert (newest["reason"], newest["revision"]) == ("restore", 2)


def test_without_a_document_the_draft_is_kept(client: APIClient, url: str, lists: str) -> None:
    made = client.post(lists, {}, format="json").json()
    assert (made["reason"], made["revision"], made["author"]) == ("by_hand", 1, None)
    document = client.get(f"{lists}/{made['id']}").json()["document"]
    assert document == client.get(url).json()["document"]


def test_a_stale_restore_is_refused(client: APIClient, url: str, lists: str) -> None:
    made = client.post(lists, {"document": doubling(), "reason": "conflict"}, format="json")
    client.patch(url, {"name": "Theirs"}, format="json")
    restore = f"{made['Location']}/restore"
    answer = client.post(restore, headers={"If-Match": '"r1"'})
    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/draft-changed")
    assert client.get(url).json()["name"] == "Theirs"
    assert client.post(restore, headers={"If-Match": '"r2"'}).status_code == 200


def test_secrets_are_masked_as_in_drafts(client: APIClient, lists: str) -> None:
    secret = "sk-canary-7f3a-0123456789abcdef"
    document = {**doubling(), "description": f"Key: {secret}"}
    made = client.post(lists, {"document": document, "reason": "conflict"}, format="json")
    assert secret not in client.get(made["Location"]).content.decode()
    restored = client.post(f"{made['Location']}/restore")
    assert secret not in restored.content.decode()


def test_the_list_is_paged_and_reads_no_documents(
    client: APIClient, lists: str, make_design: Make
) -> None:
    for _ in range(5):
        client.post(lists, {}, format="json")
    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"{lists}?limit=2").json()
    assert len(page["results"]) == 2
    assert page["next"]
    counted, listed = (q["sql"] for q in queries if 'FROM "designs_draftcheckpoint"' in q["sql"])
    assert "COUNT" in counted
    assert "document" not in listed
    assert "auth_user" in listed
    assert client.get(f"{lists}?colour=red").status_code == 422
    other = f"/api/designs/{make_design().pk}/checkpoints"
    assert client.get(other).json()["results"] == []
    foreign = page["results"][0]["id"]
    assert client.get(f"{other}/{foreign}").status_code == 404
    assert client.post(f"{other}/{foreign}/restore").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"document": []}, "document"),
        ({"document": "x"}, "document"),
        ({"document": None}, "document"),
        ({"reason": "interval"}, "reason"),
        ({"reason": "other_person"}, "reason"),
        ({"reason": "x" * 1_000}, "reason"),
        ({"reason": None}, "reason"),
        ({"reason": ["conflict"]}, "reason"),
        ({"reason": {}}, "reason"),
        ({"document": {}, "revision": 0}, "revision"),
        ({"document": {}, "revision": -1}, "revision"),
        ({"document": {}, "revision": 2}, "revision"),
        ({"document": {}, "revision": 10**18}, "revision"),
        ({"document": {}, "revision": "r1"}, "revision"),
        ({"author": "ben"}, "author"),
        ([], "non_field_errors"),
    ],
)
def test_wrong_fields_are_named(client: APIClient, lists: str, body: Any, field: str) -> None:
    answer = client.post(lists, body, format="json")
    assert answer.status_code == 422, answer.content
    assert field in answer.json()["errors"]
    assert client.get(lists).json()["results"] == []


def test_who_may_not(
    url: str, lists: str, client: APIClient, viewer: User, api_of: Callable[[User], APIClient],
    key_of: Callable[..., str], designer: User,
) -> None:  # fmt: skip
    made = client.post(lists, {}, format="json")["Location"]
    reader = api_of(viewer)
    assert reader.get(lists).status_code == reader.get(made).status_code == 200
    read_key = APIClient(headers={"Authorization": f"Bearer {key_of(designer, scopes=('read',))}"})
    assert read_key.get(made).status_code == 200
    for caller in (reader, read_key):
        assert caller.post(lists, {}, format="json").status_code == 403
        assert caller.post(f"{made}/restore").status_code == 403
    assert APIClient().get(lists).status_code == 401
    assert client.put(made, {}, format="json").status_code == 405
    assert client.delete(made).status_code == 405


def test_they_go_with_the_design(client: APIClient, url: str, lists: str) -> None:
    made = client.post(lists, {}, format="json")["Location"]
    assert client.delete(url).status_code == 204
    assert client.get(made).status_code == client.get(lists).status_code == 404
    assert client.post(lists, {}, format="json").status_code == 404
