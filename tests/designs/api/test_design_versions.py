"""Validating, publishing, versions, and deleting designs over the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from deployments.services import deploy_design, undeploy
from designs.access import SYSTEM
from designs.models import Design, DesignVersion
from designs.services import change_draft, publish_design
from executor.services import try_design
from tests.documents import cyclic, doubling, greeting

pytestmark = pytest.mark.django_db

Make = Callable[..., Design]


def test_validating_tells_all_problems_and_keeps_nothing(
    client: APIClient, make_design: Make
) -> None:
    url = f"/api/designs/{make_design().pk}/validate"
    body = client.post(url).json()
    assert (body["valid"], body["problems"], body["hints"]) == (True, [], [])
    document = cyclic()
    document["blocks"][0]["surprise"] = 1
    for given in (document, {}, {"blocks": 5}, [], 7, "text"):
        body = client.post(url, {"document": given}, format="json").json()
        assert body["valid"] is False
        assert all({"path", "message"} <= set(problem) for problem in body["problems"])
        assert (body["hints"], body["bound"]) == ([], None)
    paths = {
        p["path"]
        for p in client.post(url, {"document": document}, format="json").json()["problems"]
    }
    assert "/blocks/0/surprise" in paths
    assert any(path.startswith("/connections/") for path in paths)
    assert client.post(url, {"colour": 1}, format="json").status_code == 422
    assert client.post(url).json()["valid"] is True


def test_publishing_makes_the_next_version(client: APIClient, make_design: Make) -> None:
    design = make_design()
    url = f"/api/designs/{design.pk}"
    first = client.post(f"{url}/publish", {"note": "First"}, format="json")
    assert first.status_code == 201
    assert first["Location"] == f"{url}/versions/1"
    assert set(first.json()) == {
        "id", "version", "note", "created_at", "created_by", "document", "warnings",
    }  # fmt: skip
    assert first.json()["created_by"] == "designer"
    assert first.json()["warnings"] == []
    change_draft(design=design, caller=SYSTEM, document=greeting())
    assert client.post(f"{url}/publish").json()["version"] == 2
    listed = client.get(f"{url}/versions").json()["results"]
    assert [(row["version"], row["note"]) for row in listed] == [(2, ""), (1, "First")]
    assert "document" not in listed[0]
    read = client.get(f"{url}/versions/1").json()
    assert {**read, "warnings": []} == first.json()
    assert client.get(url).json()["latest_version"] == 2


def test_the_list_says_how_many_deployments_use_a_version(
    client: APIClient, make_design: Make
) -> None:
    design = make_design()
    shown, hidden, gone = (
        deploy_design(design=design, endpoint_path=f"/double/{name}", caller=SYSTEM)
        for name in ("shown", "hidden", "gone")
    )
    hidden.groups.add(Group.objects.create(name="Elsewhere"))
    undeploy(deployment=gone, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    listed = client.get(f"/api/designs/{design.pk}/versions").json()["results"]
    assert [row["deployments"] for row in listed] == [0, 1]
    assert [row["created_by"] for row in listed] == [None, None]
    listed = client.get(f"/api/deployments?design_id={design.pk}").json()["results"]
    wanted = {"id": str(shown.pk), "endpoint_path": "/double/shown", "version": 1}
    assert [row | wanted for row in listed] == listed
    assert [row["status"] for row in listed] == ["active"]


def test_a_draft_with_problems_is_not_published(client: APIClient, make_design: Make) -> None:
    url = f"/api/designs/{make_design(cyclic()).pk}"
    answer = client.post(f"{url}/publish")
    assert answer.status_code == 422
    body = answer.json()
    assert body["type"] == "/problems/design-invalid"
    (field,) = body["errors"]
    assert field.startswith("document/connections/")
    assert client.post(f"{url}/publish", {"note": "x" * 501}, format="json").status_code == 422
    assert not DesignVersion.objects.exists()


def test_a_version_becomes_the_draft(client: APIClient, make_design: Make) -> None:
    design = make_design()
    url = f"/api/designs/{design.pk}"
    client.post(f"{url}/publish")
    change_draft(design=design, caller=SYSTEM, document=cyclic())
    answer = client.post(f"{url}/versions/1/restore")
    assert answer.status_code == 200
    assert answer.json()["name"] == "Doubling"
    assert answer.json()["document"] == {**doubling(), "description": ""}
    assert answer.json()["problems"] == []
    assert client.get(f"{url}/versions").json()["results"][0]["version"] == 1


def test_unknown_versions_are_not_found(client: APIClient, make_design: Make) -> None:
    url = f"/api/designs/{make_design().pk}/versions"
    for number in ("1", "0", "999999999", "99999999999999999999", "-1", "one"):
        assert client.get(f"{url}/{number}").status_code == 404, number
        assert client.post(f"{url}/{number}/restore").status_code == 404, number


def test_versions_of_other_designs_are_not_found(client: APIClient, make_design: Make) -> None:
    mine, other = make_design(), make_design()
    client.post(f"/api/designs/{other.pk}/publish")
    assert client.get(f"/api/designs/{mine.pk}/versions/1").status_code == 404
    assert client.post(f"/api/designs/{mine.pk}/versions/1/restore").status_code == 404


def test_a_design_is_deleted_with_its_versions(client: APIClient, make_design: Make) -> None:
    url = f"/api/designs/{make_design().pk}"
    client.post(f"{url}/publish")
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert not Design.objects.exists()
    assert not DesignVersion.objects.exists()


def test_a_deployed_design_is_not_deleted(client: APIClient, make_design: Make) -> None:
    design = make_design()
    deployment = deploy_design(design=design, endpoint_path="/double", caller=SYSTEM)
    for step in ("deployed", "undeployed"):
        if step == "undeployed":
            undeploy(deployment=deployment, caller=SYSTEM)
        answer = client.delete(f"/api/designs/{design.pk}")
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/design-in-use"
        assert "Undeployed ones count too" in answer.json()["detail"]
    assert design.versions.count() == 1


def test_a_design_with_history_is_not_deleted(client: APIClient, make_design: Make) -> None:
    design = make_design()
    try_design(design=design, input_data={"number": 1}, caller=SYSTEM)
    assert client.delete(f"/api/designs/{design.pk}").status_code == 409
    assert Design.objects.filter(pk=design.pk).exists()


def test_the_schema_of_documents_is_published(client: APIClient) -> None:
    for path in ("/api/schema/design", "/api/schema/design/"):
        schema = client.get(path).json()
        assert schema["title"] == "Orchestra design"
        assert set(schema["required"]) == {"name", "blocks"}
    assert APIClient().get("/api/schema/design").status_code == 401
    assert client.get("/api/schema").json()["openapi"].startswith("3.")
