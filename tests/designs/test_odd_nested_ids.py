"""Designs that are named by what is no id: in drafts, files and exports."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from designs.models import Design

pytestmark = pytest.mark.django_db


def naming(design_id: Any) -> dict[str, Any]:
    settings = {"design_id": design_id, "version": 1, "input": "input"}
    block = {"id": "sub", "type": "subdesign", "settings": settings}
    return {"schema": 1, "name": "Outer", "blocks": [block]}


@pytest.mark.parametrize("design_id", ["", "no id", "{0}", "0" * 31, "\u0660" * 32])
def test_a_draft_is_stored_checked_and_exported(
    design_id: str, designer: User, api_of: Any
) -> None:
    api = api_of(designer)

    made = api.post("/api/designs", {"document": naming(design_id)}, format="json")

    assert made.status_code == 201, made.json()
    design = Design.objects.get(pk=made.json()["id"])
    for address in ("", "/export"):
        answer = api.get(f"/api/designs/{design.pk}{address}")
        assert answer.status_code == 200, answer.content
    imported = api.post("/api/designs/import", naming(design_id), format="json")
    assert imported.status_code < 500, imported.content
