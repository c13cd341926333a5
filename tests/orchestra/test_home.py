"""Sign-in, and the frame of every page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.services import create_design, publish_design
from executor.acceptance.runs import Order, enqueue
from executor.models import Execution, Trigger
from tests.conftest import PASSWORD
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def run() -> Callable[[], Execution]:
    design = create_design(document=doubling(), caller=SYSTEM)
    version = publish_design(design=design, caller=SYSTEM)

    def make() -> Execution:
        order = Order(version, {"number": 1}, Trigger.MANUAL, SYSTEM)
        return enqueue(order)

    return make


def text_of(response: Any) -> str:
    return response.content.decode()


def test_signing_in_and_out(viewer: User, client: Client) -> None:
    answer = client.post("/sign-in/", {"username": "viewer", "password": "wrong"})
    assert "correct username and password" in text_of(answer)
    answer = client.post(
        "/sign-in/", {"username": "viewer", "password": PASSWORD, "next": "/executions/"}
    )
    assert answer["Location"] == "/executions/"
    assert client.get("/").status_code == 200
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302


def test_sign_in_sends_nobody_to_another_site(viewer: User, client: Client) -> None:
    answer = client.post(
        "/sign-in/", {"username": "viewer", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/"


def test_who_has_no_group_sees_a_sentence(make_user: Callable[..., User], browser_of: Browser):
    answer = browser_of(make_user("nobody-yet")).get("/")
    assert answer.status_code == 403
    assert "Ask an administrator" in text_of(answer)


def test_pages_are_strict_about_scripts(viewer: User, browser_of: Browser) -> None:
    policy = browser_of(viewer).get("/")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_an_unknown_page_is_a_page(client: Client) -> None:
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404
    assert "Go to the start page" in text_of(answer)


def test_changes_need_the_token(operator: User, run: Callable[[], Execution]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(operator)
    execution = run()
    assert browser.post(f"/executions/{execution.pk}/cancel/").status_code == 403
