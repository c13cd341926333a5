"""The automatic layout over HTTP."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.services import create_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db(transaction=True)
Browser = Callable[[User], Client]


@pytest.fixture
def url(db: None) -> str:
    return f"/designs/{create_design(document=doubling(), caller=SYSTEM).pk}/place/"


def block(name: Any, width: Any = 196, height: Any = 84) -> dict[str, Any]:
    return {"id": name, "width": width, "height": height}


def sent(browser: Client, url: str, body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return browser.post(url, text, content_type="application/json")


def test_blocks_are_placed(viewer: User, browser_of: Browser, url: str) -> None:
    links = [{"source": "a", "target": "b"}, {"source": "b", "target": "gone"}]
    body = {"blocks": [block("a"), block("b", 100.5)], "connections": links}
    answer = sent(browser_of(viewer), url, body)
    assert answer.status_code == 200
    assert answer.json() == {"positions": {"a": {"x": 0, "y": 0}, "b": {"x": 320, "y": 0}}}


ODD: dict[str, Any] = {
    "no json": "{",
    "a number": 7,
    "no blocks": {},
    "blocks of numbers": {"blocks": [1]},
    "no connections": {"blocks": [], "connections": None},
    "an id that is none": {"blocks": [block(7)]},
    "a long id": {"blocks": [block("x" * 201)]},
    "twice": {"blocks": [block("a"), block("a")]},
    "no width": {"blocks": [block("a", None)]},
    "a true width": {"blocks": [block("a", True)]},
    "too wide": {"blocks": [block("a", 1e9)]},
    "too high": {"blocks": [block("a", 196, -1)]},
    "an end that is none": {"blocks": [], "connections": [{"source": [], "target": "a"}]},
    "many blocks": {"blocks": [block(f"b{n}") for n in range(201)]},
    "many connections": {"blocks": [], "connections": [{}] * 4_001},
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_odd_bodies_are_refused_in_words(
    viewer: User, browser_of: Browser, url: str, body: Any
) -> None:
    answer = sent(browser_of(viewer), url, body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")


def test_strangers_and_unknown_designs(
    make_user: Callable[..., User], viewer: User, browser_of: Browser, url: str
) -> None:
    body = {"blocks": [block("a")]}
    assert sent(Client(), url, body).status_code == 302
    assert sent(browser_of(make_user("nobody")), url, body).status_code == 403
    elsewhere = f"/designs/{uuid.UUID(int=5)}/place/"
    assert sent(browser_of(viewer), elsewhere, body).status_code == 404
    assert browser_of(viewer).get(url).status_code == 405
