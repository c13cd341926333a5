"""The samples over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from rest_framework.test import APIClient

from designs.models import Design
from designs.patterns.catalogue import PALETTE

pytestmark = pytest.mark.django_db


def test_samples_are_listed_and_become_designs(client: APIClient) -> None:
    samples = client.get("/api/samples").json()
    assert len(samples) >= 8
    # Another design, or a server, must be there first.
    assert {kind for sample in samples for kind in sample["kinds"]} == set(PALETTE) - {
        "subdesign",
        "http",
    }
    for sample in samples:
        assert set(sample) == {
            "slug", "name", "summary", "kinds", "input_example", "document",
        }  # fmt: skip
        assert sample["name"] == sample["document"]["name"]
        jsonschema_rs.validate(sample["document"]["input_schema"], sample["input_example"])
    assert not Design.objects.exists()
    made = client.post("/api/designs", {"document": samples[0]["document"]}, format="json")
    assert made.status_code == 201
    assert made.json()["problems"] == []


def test_who_may(
    api_of: Callable[..., APIClient], viewer: Any, make_user: Callable[..., Any]
) -> None:
    assert api_of(viewer).get("/api/samples").status_code == 200
    assert api_of(make_user("nobody")).get("/api/samples").status_code == 403
    assert APIClient().get("/api/samples").status_code == 401
