"""The page that imports designs: shown first, saved then."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from designs.models import Design
from tests.designs.api.test_design_files import nested
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db
URL = "/designs/import/"


@pytest.fixture
def browser(designer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(designer)


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("design.json", content)


def carried(page: str) -> str:
    """The text that the second step sends."""
    found = re.search(r'<textarea name="text" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    assert found
    return unescape(found[1])


def test_a_file_is_shown_with_its_warnings_and_then_saved(browser: Client) -> None:
    assert browser.get(URL).status_code == 200
    answer = browser.post(URL, {"file": upload(json.dumps([nested(), cyclic()]).encode())})
    assert answer.status_code == 200
    assert not Design.objects.exists()
    page = answer.content.decode()
    for words in ("Nested", "Cyclic", "/0/blocks/0/id", "in a circle", "Import 2 designs"):
        assert words in page, words
    answer = browser.post(URL, {"text": carried(page), "confirm": "on"})
    assert answer["Location"] == "/designs/"
    assert set(Design.objects.values_list("name", flat=True)) == {"Nested", "Cyclic"}


def test_a_pasted_text_becomes_one_design(browser: Client) -> None:
    text = "\ufeff" + json.dumps(doubling() | {"description": "</textarea><b>\n&amp; Größe"})
    page = browser.post(URL, {"text": text}).content.decode()
    assert "<b>\n" not in page
    answer = browser.post(URL, {"text": carried(page), "confirm": "on"})
    design = Design.objects.get()
    assert answer["Location"] == f"/designs/{design.pk}/"
    assert design.description == "</textarea><b>\n&amp; Größe"
    assert design.created_by is not None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "This is not JSON"),
        (b"name: x\nblocks: []\n", "YAML"),
        (b"[]", "The file holds no design"),
        (b'[{"blocks": []}, {"name": 1, "blocks": {}}]', "This must be a list"),
        (b"", "Choose a file, or paste its text"),
        (b"   ", "Choose a file, or paste its text"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b'{"a": "\x00"}', "not"),
        (b" " * 1_000_001, "larger than 1 MB"),
        (b"[" * 500 + b"]" * 500, "nested deeper"),
    ],
    ids=["json", "yaml", "empty", "second", "nothing", "blank", "bytes", "nul", "large", "deep"],
)
def test_what_cannot_be_imported_is_said_and_nothing_saved(
    browser: Client, content: bytes, sentence: str
) -> None:
    for confirm in ({}, {"confirm": "on"}):
        answer = browser.post(URL, {"file": upload(content), **confirm})
        assert answer.status_code == 422
        assert sentence in unescape(answer.content.decode())
    assert not Design.objects.exists()


def test_a_refused_text_is_not_lost(browser: Client) -> None:
    for text in ('{"blocks": 5, "name": "Mine"}', "{ not JSON <b>"):
        page = browser.post(URL, {"text": text, "confirm": "on"}).content.decode()
        area = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
        assert area
        assert unescape(area[1]).strip() == text


def test_forms_of_every_kind(browser: Client) -> None:
    hostile: tuple[dict[str, Any], ...] = (
        {"text": "\x00"}, {"text": ["a", "b"]}, {"file": "no file"}, {"confirm": "maybe"},
        {"file": SimpleUploadedFile("x" * 300, b"{}")},
    )  # fmt: skip
    for fields in hostile:
        assert browser.post(URL, fields).status_code == 422, fields
    assert not Design.objects.exists()


def test_only_who_may_add_designs(viewer: User, browser_of: Callable[[User], Client]) -> None:
    browser = browser_of(viewer)
    assert browser.get(URL).status_code == 403
    text = json.dumps(doubling())
    assert browser.post(URL, {"text": text, "confirm": "on"}).status_code == 403
    assert not Design.objects.exists()
