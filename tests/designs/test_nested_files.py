"""Designs that a design plays, in its file: found elsewhere by id, else by name and digest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.errors import DesignInUse
from designs.models import Design
from designs.services import (
    create_design,
    delete_design,
    export_design,
    import_designs,
    publish_design,
)
from tests.documents import doubling

pytestmark = pytest.mark.django_db


def published(document: dict[str, Any]) -> Design:
    design = create_design(document=document, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return design


def playing(design: Design, version: int = 1) -> dict[str, Any]:
    inner = {"type": "subdesign", "settings": {"design_id": str(design.pk), "version": version}}
    settings = {"items": "input.items", "block": inner}
    return {"schema": 1, "name": "Outer", "blocks": [{"id": "each", "type": "map",
            "settings": settings}]}  # fmt: skip


def settings_of(design: Design) -> dict[str, Any]:
    found: dict[str, Any] = design.draft["blocks"][0]["settings"]["block"]["settings"]
    return found


def test_a_file_names_the_design_and_an_import_here_finds_it_by_its_id() -> None:
    inner = published(doubling())
    outer = create_design(document=playing(inner), caller=SYSTEM)

    text = export_design(outer)
    again = import_designs(raw=json.loads(text), caller=SYSTEM)[0]

    named = json.loads(text)["blocks"][0]["settings"]["block"]["settings"]
    assert named["design_name"] == "Doubling"
    assert len(named["design_digest"]) == 64
    assert settings_of(again.design) == settings_of(outer)
    assert again.warnings == ()


def test_elsewhere_it_is_found_by_name_and_digest() -> None:
    inner = published(doubling())
    text = export_design(create_design(document=playing(inner), caller=SYSTEM))
    Design.objects.filter(name="Outer").delete()
    delete_design(design=inner)
    create_design(document={**doubling(), "description": "another"}, caller=SYSTEM)
    other = published(doubling())

    again = import_designs(raw=json.loads(text), caller=SYSTEM)[0]

    assert settings_of(again.design)["design_id"] == str(other.pk)
    assert "design_name" not in settings_of(again.design)


def test_what_is_not_there_is_a_problem_in_words_and_the_draft_is_stored() -> None:
    inner = published(doubling())
    text = export_design(create_design(document=playing(inner), caller=SYSTEM))
    Design.objects.filter(name="Outer").delete()
    delete_design(design=inner)

    again = import_designs(raw=json.loads(text), caller=SYSTEM)[0]

    assert "a problem to solve" in again.warnings[-1].message
    assert settings_of(again.design)["design_id"] == str(inner.pk)


def test_a_design_that_is_played_says_by_whom_and_is_not_deleted(
    designer: User, browser_of: Callable[[User], Client]
) -> None:
    inner = published(doubling())
    published(playing(inner))
    browser = browser_of(designer)

    page = browser.get(f"/designs/{inner.pk}/versions/").content.decode()
    to_it = browser.get(f"/designs/played/?design={inner.pk}")

    assert ("Played by" in page, "Outer" in page) == (True, True)
    assert to_it["Location"] == f"/designs/{inner.pk}/"
    assert browser.get("/designs/played/?path=/not/there").status_code == 404
    assert browser.get("/designs/played/?design=x&path=%00").status_code == 404
    with pytest.raises(DesignInUse):
        delete_design(design=inner)


def test_a_version_that_is_not_there_cannot_be_published(
    designer: User, browser_of: Callable[[User], Client]
) -> None:
    inner = published(doubling())
    outer = create_design(document=playing(inner, version=2), caller=SYSTEM)

    answer = browser_of(designer).post(f"/designs/{outer.pk}/publish/", {"revision": 1})

    assert outer.versions.count() == 0
    assert answer.status_code in (200, 422)
