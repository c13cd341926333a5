"""Import and export over the API: either layout, all or nothing, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from designs.models import Design
from tests.documents import cyclic, doubling, greeting

pytestmark = pytest.mark.django_db

Make = Callable[..., Design]


def nested(name: str = "Nested") -> dict[str, Any]:
    agents = [{"id": "agent-1", "name": "A", "system_prompt": "You help.", "role": "worker"}]
    data = {"label": "Answer", "task": "Help {{ everybody }}", "agents": agents, "rounds": 2}
    block = {"id": "block-1", "type": "sequential", "position": {"x": 1, "y": 2}, "data": data}
    return {"name": name, "description": "", "blocks": [block], "connections": []}


def send(client: APIClient, body: Any) -> Any:
    return client.post("/api/designs/import", body, format="json")


@pytest.mark.parametrize(
    "document", [doubling(), greeting(), cyclic(), {"schema": 1, "blocks": []}]
)
def test_a_reimported_export_is_the_same_byte_for_byte(
    client: APIClient, make_design: Make, document: dict[str, Any]
) -> None:
    design = make_design(document, description="Größe »1« \u2028 \U0001f680")
    exported = client.get(f"/api/designs/{design.pk}/export")
    assert exported.status_code == 200
    assert exported["Content-Type"] == "application/json"
    answer = client.generic(
        "POST", "/api/designs/import", exported.content, content_type="application/json"
    )
    assert answer.status_code == 201, answer.content
    (made,) = answer.json()["designs"]
    assert made["name"] == design.name
    again = client.get(f"/api/designs/{made['id']}/export")
    assert again.content == exported.content
    shown = client.get(f"/api/designs/{made['id']}").json()
    assert shown["document"] == client.get(f"/api/designs/{design.pk}").json()["document"]
    assert shown["description"] == design.description


def test_the_file_is_named_after_the_design(client: APIClient, make_design: Make) -> None:
    for name, file in (
        ("Support triage!", "support-triage"),
        ('"\r\n', "design"),
        ("日本", "design"),
    ):
        answer = client.get(f"/api/designs/{make_design(name=name).pk}/export")
        assert answer["Content-Disposition"] == f'attachment; filename="{file}.json"'


def test_the_nested_layout_is_imported_with_warnings(client: APIClient) -> None:
    answer = send(client, nested())
    assert answer.status_code == 201
    (made,) = answer.json()["designs"]
    assert set(made) == {"id", "name", "warnings"}
    assert {warning["path"] for warning in made["warnings"]} == {
        "/blocks/0", "/blocks/0/id", "/blocks/0/data/task", "/blocks/0/data/rounds",
        "/blocks/0/data/agents/0/id",
    }  # fmt: skip
    shown = client.get(f"/api/designs/{made['id']}").json()
    assert shown["problems"] == []
    assert shown["document"]["blocks"][0]["task"] == "Help \\{{ everybody }}"


def test_several_are_imported_at_once(client: APIClient) -> None:
    made = send(client, [nested(), doubling(), cyclic()]).json()["designs"]
    assert [one["name"] for one in made] == ["Nested", "Doubling", "Cyclic"]
    assert made[0]["warnings"][0]["path"].startswith("/0/")
    assert made[1]["warnings"] == []
    assert made[2]["warnings"] == [
        {"path": "", "message": "The draft has a problem to solve before it can be published."}
    ]


def test_a_design_without_a_name_gets_one_and_has_no_problem(client: APIClient) -> None:
    unnamed = {name: value for name, value in doubling().items() if name != "name"}
    (made,) = send(client, unnamed).json()["designs"]
    assert [warning["path"] for warning in made["warnings"]] == ["/name"]
    assert client.get(f"/api/designs/{made['id']}").json()["problems"] == []


def test_all_or_nothing(client: APIClient) -> None:
    answer = send(client, [doubling(), {**nested(), "blocks": [{"id": 5, "data": {}}]}])
    assert answer.status_code == 422
    body = answer.json()
    assert body["type"] == "/problems/import-refused"
    assert list(body["errors"]) == ["body/1/blocks/0/id"]
    assert not Design.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{}, [], 5, None, "text", True, {"name": "x"}, [[]], {"blocks": 1}, [doubling()] * 101],
)
def test_what_is_no_design_is_refused(client: APIClient, body: Any) -> None:
    answer = send(client, body) if body is not None else client.post("/api/designs/import")
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert all(key.startswith("body") for key in answer.json()["errors"])
    assert not Design.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 90_000, "application/json", 413),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', "application/json", 413),
        (b"name: x", "application/yaml", 415),
    ],
)
def test_bodies_that_are_no_json_are_refused(
    client: APIClient, body: bytes, content_type: str, status: int
) -> None:
    answer = client.generic("POST", "/api/designs/import", body, content_type=content_type)
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")


def test_import_answers_to_post_only(client: APIClient) -> None:
    assert client.get("/api/designs/import").status_code == 405


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("name: A design\nblocks: []\n", "this looks like YAML"),
        ("---\n- id: a\n", "this looks like YAML"),
        ("# a comment\nkind: app\n", "this looks like YAML"),
        ('{"nodes": [], "connections": {}}', "an n8n workflow"),
        ('{"nodes": [], "edges": []}', "a Flowise flow"),
        ('{"app": {}, "workflow": {}}', "a Dify app"),
        ('{"name": ', "This is not JSON"),
    ],
)
def test_a_body_of_another_program_is_named(client: APIClient, body: str, sentence: str) -> None:
    answer = client.generic("POST", "/api/designs/import", body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert sentence in answer.content.decode()
    assert Design.objects.count() == 0
