"""A deployment's own document: its one path, with the schemas of its design."""

from __future__ import annotations

from collections.abc import Callable

import jsonschema_rs
import pytest
from django.contrib.auth.models import Group, User
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.test import APIClient

from deployments.models import Deployment
from tests.documents import doubling, greeting


@pytest.mark.django_db
def test_a_deployment_has_a_document_of_its_own(
    deploy: Callable[..., Deployment],
    viewer: User,
    api_of: Callable[[User], APIClient],
) -> None:
    schema = {
        "type": "object",
        "properties": {"number": {"$ref": "#/$defs/count"}},
        "required": ["number"],
        "$defs": {"count": {"type": "integer", "enum": [1, 2]}},
    }
    strict = deploy(
        {**doubling(), "input_schema": schema, "output_schema": {"type": "number"}}, "/a-b/double"
    )
    free = deploy(greeting(), "/greet")
    client = api_of(viewer)
    document = client.get(f"/api/deployments/{strict.pk}/openapi").json()
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert list(document["paths"]) == ["/api/deployed/a-b/double"]
    assert list(document["paths"]["/api/deployed/a-b/double"]) == ["post"]
    parts = {"components": document["components"]}
    given = jsonschema_rs.validator_for({"$ref": "#/components/schemas/Input", **parts})
    assert given.is_valid({"number": 2})
    assert not given.is_valid({"number": 3})
    assert document["components"]["schemas"]["Result"] == {"type": "number"}
    other = client.get(f"/api/deployments/{free.pk}/openapi").json()
    assert set(other["paths"]["/api/deployed/greet"]) == {"post", "get"}
    strict.groups.set([Group.objects.get(name="Designer")])
    assert client.get(f"/api/deployments/{strict.pk}/openapi").status_code == 404
