"""The calls that keep designs: shapes, filters, what is stored and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from designs.models import Design
from tests.documents import cyclic, doubling, greeting

pytestmark = pytest.mark.django_db

BRIEF = {
    "id", "name", "description", "latest_version", "created_at", "updated_at", "revision",
    "changed_by", "changed_at",
}  # fmt: skip
# What each write of a draft changes.
WRITTEN = {"updated_at": "", "revision": 0, "changed_by": "", "changed_at": ""}
SHAPE = BRIEF | {"document", "problems"}
Make = Callable[..., Design]


def test_a_design_is_made_and_read(client: APIClient) -> None:
    answer = client.post("/api/designs", {"document": doubling()}, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == SHAPE
    assert body["name"] == body["document"]["name"] == "Doubling"
    assert body["problems"] == []
    assert body["latest_version"] is None
    assert answer["Location"] == f"/api/designs/{body['id']}"
    for path in (answer["Location"], answer["Location"] + "/"):
        assert client.get(path).json() == body


def test_a_draft_with_problems_is_stored_and_says_so(client: APIClient) -> None:
    answer = client.post("/api/designs", {"document": cyclic()}, format="json")
    assert answer.status_code == 201
    (problem,) = answer.json()["problems"]
    assert problem["path"].startswith("/connections/")
    assert "a -> b -> a" in problem["message"]


def test_name_and_description_go_into_the_document(client: APIClient) -> None:
    given = {"document": doubling(), "name": "Twice", "description": "Two times"}
    body = client.post("/api/designs", given, format="json").json()
    assert (body["name"], body["description"]) == ("Twice", "Two times")
    assert body["document"]["name"] == "Twice"
    assert body["document"]["description"] == "Two times"
    nameless = client.post("/api/designs", {"document": {}}, format="json").json()
    assert nameless["name"] == nameless["document"]["name"] == "Untitled design"


def test_put_takes_back_what_get_showed(client: APIClient, make_design: Make) -> None:
    url = f"/api/designs/{make_design().pk}"
    shown = client.get(url).json()
    again = client.put(url, shown, format="json")
    assert again.status_code == 200, again.content
    assert {**again.json(), **WRITTEN} == {**shown, **WRITTEN}
    other = client.put(url, {"document": greeting()}, format="json").json()
    assert other["name"] == "Greeting"
    assert other["document"]["blocks"] == greeting()["blocks"]


def test_patch_changes_what_is_given(client: APIClient, make_design: Make) -> None:
    url = f"/api/designs/{make_design(description='Old').pk}"
    named = client.patch(url, {"name": "Two"}, format="json").json()
    assert (named["name"], named["description"]) == ("Two", "Old")
    assert named["document"] == {**doubling(), "name": "Two", "description": "Old"}
    emptied = client.patch(url, {"description": ""}, format="json").json()
    assert (emptied["name"], emptied["description"]) == ("Two", "")
    replaced = client.patch(url, {"document": greeting()}, format="json").json()
    assert replaced["name"] == "Greeting"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "document"),
        ({"document": []}, "document"),
        ({"document": "text"}, "document"),
        ({"document": None}, "document"),
        ({"document": {}, "name": ""}, "name"),
        ({"document": {}, "name": "x" * 201}, "name"),
        ({"document": {}, "name": ["x"]}, "name"),
        ({"document": {}, "description": ["x"]}, "description"),
        ({"document": {}, "colour": "red"}, "colour"),
        ({"document": {}, "problems": []}, "problems"),
        ([], "non_field_errors"),
    ],
)
def test_wrong_fields_are_named(client: APIClient, body: Any, field: str) -> None:
    answer = client.post("/api/designs", body, format="json")
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]
    assert not Design.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_changes_with_wrong_fields_change_nothing(
    client: APIClient, make_design: Make, method: str
) -> None:
    design = make_design()
    url = f"/api/designs/{design.pk}"
    for body in ({"document": 5}, {"document": {}, "colour": 1}, {"name": None}, [1]):
        answer = getattr(client, method)(url, body, format="json")
        assert answer.status_code == 422, body
    design.refresh_from_db()
    assert design.draft == {**doubling(), "description": ""}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b'{"document": {"a": "\\u0000"}}', 400), (b"[" * 5_000, 413), (b"7", 422)],
)
def test_bodies_that_cannot_be_read_are_refused(
    client: APIClient, make_design: Make, body: bytes, status: int
) -> None:
    url = f"/api/designs/{make_design().pk}"
    calls = [("POST", "/api/designs"), ("PUT", url), ("PATCH", url)]
    for method, path in calls:
        answer = client.generic(method, path, body, content_type="application/json")
        assert answer.status_code == status, (method, answer.content)
        assert answer["Content-Type"] == "application/problem+json"


def test_any_number_that_can_be_stored_can_be_read_back(client: APIClient) -> None:
    for number in ("1e308", "-1e308", "1e22", "9223372036854775807", "-9223372036854775808"):
        body = f'{{"document": {{"schema": 1, "extra": {number}}}}}'.encode()
        answer = client.generic("POST", "/api/designs", body, content_type="application/json")
        assert answer.status_code == 201, number
        assert client.get(answer["Location"]).status_code == 200
        assert client.get(answer["Location"] + "/export").status_code == 200
    for number in ("9223372036854775808", "9" * 308, "-" + "9" * 309):
        body = f'{{"document": {{"extra": {number}}}}}'.encode()
        answer = client.generic("POST", "/api/designs", body, content_type="application/json")
        assert answer.status_code == 400
        assert "This whole number is too large. Write it as text." in answer.json()["detail"]


def test_lists_are_filtered_sorted_and_paged(client: APIClient, make_design: Make) -> None:
    make_design(name="Beta", description="the second")
    make_design(name="alpha")
    make_design(name="Gamma")

    def names(query: str) -> list[str]:
        body = client.get(f"/api/designs?{query}").json()
        assert set(body) == {"results", "next", "previous"}
        assert all(set(row) == BRIEF for row in body["results"])
        return [row["name"] for row in body["results"]]

    assert names("ordering=created_at") == ["Beta", "alpha", "Gamma"]
    assert names("ordering=-created_at") == ["Gamma", "alpha", "Beta"]
    assert sorted(names("ordering=name")) == ["Beta", "Gamma", "alpha"]
    assert names("text=AMM") == ["Gamma"]
    assert names("text=second") == ["Beta"]
    assert names("text=nothing") == []
    assert names("ordering=created_at&limit=1&offset=1") == ["alpha"]
    for query in ("ordering=draft", "ordering=created_by__password", "text=%00"):
        answer = client.get(f"/api/designs?{query}")
        assert answer.status_code == 422, query


def test_the_latest_version_orders_too(client: APIClient, make_design: Make) -> None:
    design = make_design(name="Published")
    make_design(name="Draft")
    assert client.post(f"/api/designs/{design.pk}/publish").status_code == 201
    rows = client.get("/api/designs?ordering=-latest_version,name").json()["results"]
    assert {row["name"]: row["latest_version"] for row in rows} == {"Published": 1, "Draft": None}


def test_unknown_designs_are_not_found(client: APIClient) -> None:
    base = "/api/designs/0190f000-0000-7000-8000-000000000000"
    assert client.get(base).status_code == 404
    assert client.put(base, {"document": {}}, format="json").status_code == 404
    assert client.patch(base, {}, format="json").status_code == 404
    assert client.delete(base).status_code == 404
    for verb in ("validate", "publish", "versions/1/restore", "execute"):
        answer = client.post(f"{base}/{verb}", {}, format="json")
        assert answer.status_code == 404, verb
        assert answer["Content-Type"] == "application/problem+json"
    assert client.get("/api/designs/nonsense").status_code == 404
