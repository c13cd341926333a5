"""The OpenAPI document: valid, complete, with examples that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.contrib.auth.models import User
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.test import APIClient

from orchestra.api.document import METHODS, PROBLEM_TYPE, api_document


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in api_document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def validator(schema: dict[str, Any]) -> Any:
    """With the document's components in reach."""
    whole = {**schema, "components": api_document()["components"]}
    return jsonschema_rs.validator_for(whole)


def test_it_is_valid_openapi() -> None:
    document = api_document()
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_paths_and_names_are_clean() -> None:
    found = list(operations())
    assert len(found) > 40
    assert not [path for path, _, _ in found if path.endswith("/")]
    assert ("/api/deployed/{path}", "post") in {(path, method) for path, method, _ in found}
    names = [operation["operationId"] for _, _, operation in found]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, _, operation in found)


def test_every_operation_says_who_may_and_what_goes_wrong() -> None:
    responses = api_document()["components"]["responses"]
    for path, method, operation in operations():
        errors = {s: r for s, r in operation["responses"].items() if s >= "400" and "$ref" in r}
        if path != "/api/health/live":
            assert operation["security"] == [{"ApiKey": []}, {"ApiKeyHeader": []}, {"Session": []}]
            assert {"401", "403", "429"} <= set(errors), (method, path)
        if "{" in path:
            assert "404" in errors, (method, path)
        if "requestBody" in operation:
            assert {"400", "411", "413", "415", "422"} <= set(errors), (method, path)
        for response in errors.values():
            content = responses[response["$ref"].rpartition("/")[2]]["content"]
            assert content[PROBLEM_TYPE]["schema"]["$ref"].endswith("/Problem")


def test_every_body_has_an_example_and_all_examples_fit() -> None:
    seen = 0
    for path, method, operation in operations():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            assert "example" in body, f"{method} {path}: give one in orchestra/api/examples.py"
        contents = [body] if body else []
        for response in operation["responses"].values():
            contents += response.get("content", {}).values()
        for content in contents:
            if "example" in content:
                seen += 1
                errors = list(validator(content["schema"]).iter_errors(content["example"]))
                assert not errors, f"{method} {path}: {[e.message for e in errors]}"
    assert seen > 15


@pytest.mark.django_db
def test_it_is_there_for_those_who_may_see_deployments(
    viewer: User, make_user: Callable[..., User], api_of: Callable[[User], APIClient]
) -> None:
    answer = api_of(viewer).get("/api/schema")
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == api_document()["paths"].keys()
    assert APIClient().get("/api/schema").status_code == 401
    assert api_of(make_user("nobody")).get("/api/schema").status_code == 403


@pytest.mark.django_db
def test_the_reference_shows_every_operation_and_loads_nothing_from_elsewhere(
    viewer: User, browser_of: Callable[[User], Client]
) -> None:
    page = browser_of(viewer).get("/api/docs").content.decode()
    for path, _, operation in operations():
        assert path in page
        assert f'id="{operation["operationId"]}"' in page
    assert "http://" not in page.replace("http://127.0.0.1:8000", "").replace(
        "http://www.w3.org", ""
    )
    assert '<script src="http' not in page
