"""The page of a design: what it shows and hands over, whatever the draft."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from tests.documents import cyclic, doubling, greeting
from tests.page_forms import forms_of

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
EVIL = "</script><img src=x onerror=alert(1)>"


def made(document: dict[str, Any]) -> Design:
    return create_design(document=document, caller=SYSTEM)


def text_of(answer: Any) -> str:
    return answer.content.decode()


def handed_over(text: str) -> Any:
    raw = text.split('<script id="designer-data" type="application/json">')[1]
    return json.loads(raw.split("</script>")[0])


def test_it_shows_the_draft_in_a_picture_and_in_words(designer: User, browser_of: Browser) -> None:
    document = doubling()
    document["blocks"][1]["label"] = "Twice"
    design = made(document)
    text = text_of(browser_of(designer).get(f"/designs/{design.pk}/"))
    assert 'aria-label="Graph of Doubling: 2 blocks, 1 connection"' in text
    assert "Goes to Twice" in text
    assert '<td class="name">number</td>' in text
    assert "Draft, never published" in text
    assert "Publish v1" in text


def test_agents_and_conditions_are_in_words(viewer: User, browser_of: Browser) -> None:
    document = greeting()
    end = {"id": "end", "type": "transform", "label": "End", "settings": {"expression": "incoming"}}
    document["blocks"].append(end)
    link = {"id": "c", "source": "greet", "target": "end", "source_agent": "writer", "when": "`1`"}
    document["connections"] = [link]
    text = text_of(browser_of(viewer).get(f"/designs/{made(document).pk}/"))
    assert "You write greetings." in text
    assert "What Writer answers goes to End if <code>`1`</code>" in text


def test_it_says_how_many_parts_differ_from_the_latest_version(
    designer: User, browser_of: Browser
) -> None:
    design = made(doubling())
    publish_design(design=design, caller=SYSTEM)
    changed = {**doubling(), "connections": [], "name": "Other"}
    changed["blocks"][0]["position"] = {"x": 100, "y": 100}
    change_draft(design=design, document=changed, caller=SYSTEM)
    text = text_of(browser_of(designer).get(f"/designs/{design.pk}/"))
    assert "Draft, 2 changes since v1" in text


def test_it_hands_over_what_the_designer_needs(designer: User, browser_of: Browser) -> None:
    document = {**doubling(), "description": EVIL}
    design = made(document)
    text = text_of(browser_of(designer).get(f"/designs/{design.pk}/"))
    data = handed_over(text)
    assert data["design"]["document"] == design.draft
    assert data["design"]["revision"] == design.revision
    assert data["design"]["latest_version"] is None
    assert data["rights"]["change"] is True
    assert data["rights"]["deploy"] is False
    assert data["me"] == {"id": designer.pk, "name": "designer"}
    assert data["default_model"] in data["models"]
    assert {entry["type"] for entry in data["palette"]} <= set(data["pictograms"])
    assert (data["problems"], data["hints"]) == ([], [])
    assert data["bound"]["calls"] == 0
    for name in (*(entry["type"] for entry in data["palette"]), "agent", "connection", "design"):
        assert f'<template id="inspector-{name}">' in text
    assert data["input_example"].keys() == {"number"}
    assert data["urls"]["api_design"] == f"/api/designs/{design.pk}"
    assert data["urls"]["place"] == f"/designs/{design.pk}/place/"


def test_a_viewer_can_only_read(viewer: User, browser_of: Browser) -> None:
    design, browser = made(cyclic()), browser_of(viewer)
    answer = browser.get(f"/designs/{design.pk}/")
    actions = [form.action for form in forms_of(text_of(answer), "/")]
    assert not [action for action in actions if f"/designs/{design.pk}/" in action]
    assert handed_over(text_of(answer))["rights"] == dict.fromkeys(
        ("change", "publish", "delete", "try", "payload", "deploy", "create"), False
    )
    assert browser.post(f"/designs/{design.pk}/save/").status_code == 403
    assert browser.post(f"/designs/{design.pk}/publish/").status_code == 403


def test_problems_are_listed_with_their_places(designer: User, browser_of: Browser) -> None:
    text = text_of(browser_of(designer).get(f"/designs/{made(cyclic()).pk}/"))
    assert "The blocks go in a circle" in text
    assert "b → a" in text
    assert "keeps this draft from being published" in text


ODD: dict[str, Any] = {
    "blocks are a number": {"blocks": 7},
    "agents are a text": {"blocks": [{"id": "a", "agents": "x", "settings": [], "task": 4}]},
    "schema of numbers": {"blocks": [], "input_schema": {"properties": {"a": 4}, "required": 1}},
    "examples of nothing": {"input_schema": {"examples": 7, "properties": []}},
    "types of types": {"input_schema": {"properties": {"a": {"type": [1, "string"]}}}},
    "ends of numbers": {"blocks": [{"id": 4}], "connections": [{"source": 4, "target": {}}, 3]},
    "markup": {"name": EVIL, "blocks": [{"id": EVIL, "label": EVIL, "settings": {EVIL: [EVIL]}}]},
}


@pytest.mark.parametrize("document", ODD.values(), ids=ODD)
def test_odd_drafts_have_a_page(
    designer: User, browser_of: Browser, document: dict[str, Any]
) -> None:
    design = made(document)
    answer = browser_of(designer).get(f"/designs/{design.pk}/")
    assert answer.status_code == 200
    assert "<img src=x" not in text_of(answer)
    assert handed_over(text_of(answer))["design"]["document"] == design.draft
