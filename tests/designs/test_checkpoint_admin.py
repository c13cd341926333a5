"""Checkpoints in the admin, and a form there that was opened before another's change."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design, DraftCheckpoint
from designs.services import change_draft, create_design
from tests.admin_pages import filled, saved, text_of, url_of
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(make_user: Callable[..., User], browser_of: Callable[[User], Client]) -> Client:
    return browser_of(make_user("designer", "Designer", is_staff=True))


@pytest.fixture
def design() -> Design:
    return create_design(document=doubling(), caller=SYSTEM)


def test_a_form_keeps_what_it_replaces(browser: Client, design: Design) -> None:
    saved(browser, url_of(design), document=json.dumps(greeting()))
    kept = design.checkpoints.get()
    assert (kept.reason, kept.document["name"]) == ("other_person", "Doubling")
    design.refresh_from_db()
    assert (design.name, design.revision, design.changed_by_name) == ("Greeting", 2, "designer")
    page = text_of(browser.get(url_of(design)))
    assert "Draft history" in page
    assert url_of(kept) in page


def test_a_checkpoint_is_looked_at_and_restored(browser: Client, design: Design) -> None:
    saved(browser, url_of(design), document=json.dumps(greeting()))
    kept = design.checkpoints.get()
    assert "&quot;Doubling&quot;" in text_of(browser.get(url_of(kept)))
    assert url_of(kept) in text_of(browser.get(url_of(DraftCheckpoint, "changelist")))
    restore = url_of(kept, "restore")
    assert browser.get(restore).status_code == 200
    assert Design.objects.get().name == "Greeting"
    page = browser.post(restore, follow=True)
    assert "is the draft of Doubling again" in text_of(page)
    assert Design.objects.get().name == "Doubling"
    assert [row.reason for row in design.checkpoints.all()] == ["restore", "other_person"]


def test_a_form_from_before_anothers_change_is_refused(browser: Client, design: Design) -> None:
    data = filled(browser.get(url_of(design)), document=json.dumps(doubling()))
    change_draft(design=design, document=greeting(), caller=SYSTEM)
    for revision in (data["base_revision"], "0", "9" * 40):
        page = browser.post(url_of(design), {**data, "base_revision": revision})
        assert page.status_code == 200
        [error] = page.context["adminform"].form.non_field_errors()
        assert "changed this draft in the meantime" in error
    assert Design.objects.get().name == "Greeting"
    assert browser.post(url_of(design), {**data, "base_revision": "x"}).status_code == 200
    assert Design.objects.get().revision == 2


def test_who_may_only_look_restores_nothing(
    design: Design, make_user: Callable[..., User], browser_of: Callable[[User], Client]
) -> None:
    change_draft(design=design, document=greeting(), caller=SYSTEM, reason="import")
    kept = design.checkpoints.get()
    viewer = browser_of(make_user("vera", "Viewer", is_staff=True))
    assert viewer.get(url_of(kept)).status_code == 200
    assert url_of(kept, "restore") not in text_of(viewer.get(url_of(kept)))
    assert viewer.post(url_of(kept, "restore")).status_code == 403
    assert viewer.get(url_of(design)).status_code == 200
    assert viewer.post(url_of(kept, "delete")).status_code == 403
    assert Design.objects.get().name == "Greeting"
