"""Saving and publishing on the page of a design, without a script."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM, caller_of
from designs.models import Design
from designs.services import change_draft, create_design
from tests.documents import cyclic, doubling
from tests.page_forms import PageForm, forms_of

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
EVIL = "</script><img src=x onerror=alert(1)>"


def made(document: dict[str, Any]) -> Design:
    return create_design(document=document, caller=SYSTEM)


def text_of(answer: Any) -> str:
    return answer.content.decode()


def form_to(answer: Any, end: str) -> PageForm:
    (found,) = [form for form in forms_of(text_of(answer), "/") if form.action.endswith(end)]
    return found


def written(answer: Any) -> str:
    """The text in the form's field."""
    found = re.search(r'<textarea name="document"[^>]*>\n?(.*?)</textarea>', text_of(answer), re.S)
    assert found
    return html.unescape(found[1])


def test_the_json_is_saved(designer: User, browser_of: Browser) -> None:
    design, browser = made(doubling()), browser_of(designer)
    page = browser.get(f"/designs/{design.pk}/")
    form = form_to(page, "/save/")
    changed = {**json.loads(written(page)), "name": "Trebling"}
    answer = browser.post(
        form.action, {"revision": form.values["revision"][0], "document": json.dumps(changed)}
    )
    assert answer["Location"] == f"/designs/{design.pk}/"
    design.refresh_from_db()
    assert design.name == "Trebling"
    assert design.changed_by == designer


def test_a_stale_save_shows_both_and_loses_nothing(
    designer: User, operator: User, browser_of: Browser
) -> None:
    design, browser = made(doubling()), browser_of(designer)
    form = form_to(browser.get(f"/designs/{design.pk}/"), "/save/")
    change_draft(design=design, name="By another", caller=caller_of(operator))
    mine = {**doubling(), "name": "Mine"}
    body = {"revision": form.values["revision"][0], "document": json.dumps(mine)}
    answer = browser.post(form.action, body)
    assert answer.status_code == 412
    text = text_of(answer)
    assert "operator changed this draft in the meantime" in text
    assert "By another" in text
    assert Design.objects.get().name == "By another"
    # The person decides for the own one.
    again = form_to(answer, "/save/")
    assert json.loads(written(answer))["name"] == "Mine"
    values = {"revision": again.values["revision"][0], "document": written(answer)}
    values["over"] = again.values["over"][0]
    assert browser.post(again.action, values).status_code == 302
    assert Design.objects.get().name == "Mine"
    kept = design.checkpoints.order_by("-pk").first()
    assert kept is not None
    assert (kept.reason, kept.document["name"], kept.author) == ("conflict", "By another", operator)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is not JSON"),
        ("[]", "A design is a JSON object"),
        ("7", "A design is a JSON object"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ("", "required"),
    ],
)
def test_what_is_no_design_is_refused_and_kept(
    designer: User, browser_of: Browser, text: str, sentence: str
) -> None:
    design = made(doubling())
    body = {"revision": "1", "document": text}
    answer = browser_of(designer).post(f"/designs/{design.pk}/save/", body)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert written(answer) == text
    assert Design.objects.get().revision == design.revision


def test_a_draft_is_published_with_a_note(designer: User, browser_of: Browser) -> None:
    design, browser = made(doubling()), browser_of(designer)
    form = form_to(browser.get(f"/designs/{design.pk}/"), "/publish/")
    body = {"revision": form.values["revision"][0], "note": "The first"}
    assert browser.post(form.action, body).status_code == 302
    version = design.versions.get()
    assert (version.number, version.note) == (1, "The first")
    text = text_of(browser.get(f"/designs/{design.pk}/"))
    assert "Same as v1" in text
    assert "Nothing has changed since v1" in text


def test_what_was_not_seen_is_not_published(designer: User, browser_of: Browser) -> None:
    design = made(doubling())
    change_draft(design=design, name="Another", caller=SYSTEM)
    answer = browser_of(designer).post(f"/designs/{design.pk}/publish/", {"revision": "1"})
    assert answer.status_code == 412
    assert "changed this draft in the meantime" in text_of(answer)
    assert not design.versions.exists()


def test_a_draft_with_problems_is_not_published(designer: User, browser_of: Browser) -> None:
    design = made(cyclic())
    body = {"revision": str(design.revision)}
    answer = browser_of(designer).post(f"/designs/{design.pk}/publish/", body)
    assert answer.status_code == 422
    assert "The blocks go in a circle" in text_of(answer)
    assert not design.versions.exists()
