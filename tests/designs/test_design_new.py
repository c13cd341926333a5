"""Starting a design, and the list that leads to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from designs.access import SYSTEM
from designs.models import Design
from designs.patterns.catalogue import check_document
from designs.sample_files import load_samples
from designs.services import change_draft, create_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


def text_of(answer: Any) -> str:
    return answer.content.decode()


def test_a_blank_design_leads_to_its_page(designer: User, browser_of: Browser) -> None:
    answer = browser_of(designer).post("/designs/new/")
    design = Design.objects.get()
    assert answer["Location"] == f"/designs/{design.pk}/"
    assert design.created_by == designer
    # Only blocks are missing.
    assert {problem.path for problem in check_document(design.draft).problems} == {"/blocks"}


def test_a_design_starts_from_a_sample(designer: User, browser_of: Browser) -> None:
    browser, sample = browser_of(designer), load_samples()[0]
    page = text_of(browser.get("/designs/new/", {"sample": sample.slug}))
    assert "Start from this sample" in page
    browser.post("/designs/new/", {"sample": sample.slug})
    assert Design.objects.get().draft["blocks"] == sample.document["blocks"]
    browser.post("/designs/new/", {"sample": sample.slug})
    assert set(Design.objects.values_list("name", flat=True)) == {
        sample.name, f"{sample.name} 2",
    }  # fmt: skip


def test_an_unknown_sample_is_not_found(designer: User, browser_of: Browser) -> None:
    browser = browser_of(designer)
    assert browser.get("/designs/new/?sample=../x").status_code == 404
    assert browser.post("/designs/new/", {"sample": "\0"}).status_code == 404
    assert not Design.objects.exists()


def test_who_may_not_add_designs_starts_none(viewer: User, browser_of: Browser) -> None:
    browser = browser_of(viewer)
    assert browser.get("/designs/new/").status_code == 403
    assert browser.post("/designs/new/").status_code == 403
    assert "/designs/new/" not in text_of(browser.get("/designs/"))


def test_the_list_has_pictures_that_follow_the_draft(designer: User, browser_of: Browser) -> None:
    design, browser = create_design(document=doubling(), caller=SYSTEM), browser_of(designer)
    text = text_of(browser.get("/designs/"))
    assert f'href="/designs/{design.pk}/"' in text
    assert "2 blocks, 1 connection" in text
    changed = {**doubling(), "connections": []}
    change_draft(design=design, document=changed, caller=SYSTEM)
    assert "2 blocks, 0 connections" in text_of(browser.get("/designs/"))


def test_pictures_of_the_list_are_read_together_and_once(
    designer: User, browser_of: Browser
) -> None:
    browser = browser_of(designer)
    for _ in range(5):
        create_design(document=doubling(), caller=SYSTEM)
    with CaptureQueriesContext(connection) as first:
        browser.get("/designs/")
    with CaptureQueriesContext(connection) as second:
        browser.get("/designs/")
    assert len(second) == len(first) - 1
