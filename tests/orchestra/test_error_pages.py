"""Where no view answers, people get a page and scripts a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

PROBLEM = "application/problem+json"


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_unknown_api_addresses(client: Client, method: str) -> None:
    answer = getattr(client, method)("/api/nothing/here")
    assert answer.status_code == 404
    assert answer["Content-Type"] == PROBLEM
    assert "/api/docs" in answer.json()["detail"]


def break_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("orchestra.views.board", fault)
    monkeypatch.setattr("orchestra.health._database", fault)


@pytest.mark.django_db
def test_a_fault_is_a_page_without_its_trace(viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    break_home(monkeypatch)
    browser = Client(raise_request_exception=False)
    browser.force_login(viewer)
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "RuntimeError" not in answer.content.decode()


@pytest.mark.django_db
def test_a_fault_in_the_api_is_a_problem(viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    break_home(monkeypatch)
    browser = Client(raise_request_exception=False)
    browser.force_login(viewer)
    answer = browser.get("/api/health/ready")
    assert answer.status_code == 500
    assert answer["Content-Type"] == PROBLEM
    assert "a fault of ours" not in answer.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_token(viewer: User, browser_of: Callable[[User], Client]) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/sign-in/", {"username": "viewer", "password": "x"})
    assert answer.status_code == 403
    assert "reload the page" in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/api/health/live"])
def test_a_host_that_is_not_ours(client: Client, path: str) -> None:
    answer = client.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert ("json" in answer["Content-Type"]) is path.startswith("/api/")
