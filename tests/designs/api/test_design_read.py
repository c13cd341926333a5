"""Reading a file of designs without saving anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from designs.models import Design
from designs.sample_files import load_samples
from tests.designs.api.test_design_files import nested
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db


def read(client: APIClient, body: Any) -> Any:
    return client.post("/api/designs/read", body, format="json")


def test_it_says_what_would_be_imported_and_saves_nothing(client: APIClient) -> None:
    answer = read(client, [nested(), cyclic(), {**doubling(), "name": " "}])
    assert answer.status_code == 200
    found = answer.json()["designs"]
    assert not Design.objects.exists()
    assert [set(one) for one in found] == [{"document", "warnings", "problems"}] * 3
    assert [bool(one["warnings"]) for one in found] == [True, False, True]
    assert [bool(one["problems"]) for one in found] == [False, True, False]
    assert found[0]["document"]["blocks"][0]["id"] == "block_1"
    assert found[2]["document"]["name"] == "Untitled design"
    assert found[0]["warnings"][0]["path"].startswith("/0/")


def test_a_saved_design_is_the_same_as_was_shown(client: APIClient) -> None:
    body = [nested(), *(sample.document for sample in load_samples())]
    shown = [one["document"] for one in read(client, body).json()["designs"]]
    made = client.post("/api/designs/import", body, format="json").json()["designs"]
    saved = [client.get(f"/api/designs/{one['id']}").json()["document"] for one in made]
    assert saved == shown


def test_secrets_are_masked_as_they_would_be(client: APIClient) -> None:
    document = doubling() | {"description": "sk-proj-" + "a1B2" * 12}
    assert "a1B2" not in str(read(client, document).content)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"name: x\nblocks: []\n", 400),
        (b"[]", 422),
        (b"5", 422),
        (b'{"blocks": 5}', 422),
        (b'[{"blocks": []}, {"name": 1, "blocks": {}}]', 422),
        (b'{"a": 1, "a": 2}', 400),
        (b"[" * 200 + b"]" * 200, 413),
        (b" " * 2_000_000, 413),
    ],
    ids=["broken", "yaml", "empty", "number", "blocks", "second", "twice", "deep", "large"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(client: APIClient, body: bytes, status: int) -> None:
    answer = client.generic("POST", "/api/designs/read", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    assert answer.json()["detail"]


def test_who_may(
    api_of: Callable[..., APIClient], viewer: Any, make_user: Callable[..., Any]
) -> None:
    assert read(api_of(viewer), doubling()).status_code == 200
    assert read(api_of(make_user("nobody")), doubling()).status_code == 403
    assert read(APIClient(), doubling()).status_code == 401
