"""A signed-in person calls every door with the session's cookie and CSRF token, as pages do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment
from executor.models import Execution
from tests.conftest import PASSWORD
from tests.documents import doubling

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

ORIGIN = "http://testserver"
DOORS = {
    "endpoint": ("POST", "/api/deployed/double", {"number": 21}),
    "endpoint by GET": ("GET", "/api/deployed/still", None),
    "execute": ("POST", "/api/deployments/{id}/execute", {"input_data": {"number": 21}}),
    "draft": ("POST", "/api/designs/{design}/execute", {"input_data": {"number": 21}}),
    "plain view": ("POST", "/api/keys", {"scopes": ["read"]}),
}


@pytest.fixture
def browser(make_user: Callable[..., User]) -> Client:
    """Signed in through the page, with the cookies that it gave."""
    make_user("both", "Operator", "Designer", "Deployer", is_staff=True)
    found = Client(enforce_csrf_checks=True)
    found.get("/sign-in/")
    data = {"username": "both", "password": PASSWORD, "csrfmiddlewaretoken": token(found)}
    assert found.post("/sign-in/", data, HTTP_ORIGIN=ORIGIN).status_code == 302
    return found


@pytest.fixture
def places(deploy: Callable[..., Deployment]) -> dict[str, Any]:
    deployment = deploy()
    still = {**doubling(), "name": "Still", "input_schema": {"type": "object"}}
    still["blocks"] = [{"id": "one", "type": "transform", "settings": {"expression": "`1`"}}]
    still["connections"] = []
    deploy(still, "/still")
    return {"id": deployment.pk, "design": deployment.version.design_id}


def token(browser: Client) -> str:
    return browser.cookies["csrftoken"].value


def send(browser: Client, places: dict[str, Any], door: str, **headers: str) -> Any:
    method, path, body = DOORS[door]
    return browser.generic(
        method,
        path.format(**places),
        b"" if body is None else json.dumps(body),
        content_type="application/json",
        headers=headers,
    )


@pytest.mark.parametrize("door", DOORS)
def test_a_session_with_its_token_is_let_in(
    browser: Client, places: dict[str, Any], door: str
) -> None:
    answer = send(browser, places, door, **{"x-csrftoken": token(browser), "origin": ORIGIN})
    assert answer.status_code in (200, 201, 202), answer.content


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data"])
def test_a_session_without_its_token_is_refused_whatever_it_sends(
    browser: Client, places: dict[str, Any], door: str, content_type: str
) -> None:
    method, path, _ = DOORS[door]
    answer = browser.generic(method, path.format(**places), b"x" * 40, content_type=content_type)
    assert answer.status_code == 403
    assert "another site" in answer.json()["detail"]
    assert not Execution.objects.exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
def test_an_empty_key_is_no_key(
    browser: Client, places: dict[str, Any], door: str, name: str
) -> None:
    sent = {"x-csrftoken": token(browser), "origin": ORIGIN, name: "  "}
    assert send(browser, places, door, **sent).status_code in (200, 201, 202)
    assert send(Client(), places, door, **{name: ""}).status_code == 401
