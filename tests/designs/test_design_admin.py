"""Designs in the admin: drafts as JSON, publishing, copies, export, deletion."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from tests.admin_pages import act, saved, text_of, url_of
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db


@pytest.fixture
def designer(make_user: Callable[..., User]) -> User:
    return make_user("designer", "Designer", is_staff=True)


@pytest.fixture
def browser(designer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(designer)


@pytest.fixture
def design() -> Design:
    return create_design(document=doubling(), caller=SYSTEM)


def test_a_design_is_made_from_json(browser: Client, designer: User) -> None:
    page = saved(browser, url_of(Design, "add"), document=json.dumps(doubling()))
    assert page.status_code == 200
    design = Design.objects.get()
    assert (design.name, design.created_by) == ("Doubling", designer)
    assert design.draft["blocks"] == doubling()["blocks"]


def test_bad_json_is_an_error_with_its_place(browser: Client, design: Design) -> None:
    page = saved(browser, url_of(design), document='{\n  "name": oops\n}')
    assert "line 2, column 11" in text_of(page)
    assert "oops" in text_of(page)
    design.refresh_from_db()
    assert design.draft["name"] == "Doubling"


@pytest.mark.parametrize(
    "text", ["[]", "1", '"text"', '{"a": 1, "a": 2}', '{"a": "\\u0000"}', "[" * 5000, ""]
)
def test_what_is_no_document_is_refused(browser: Client, design: Design, text: str) -> None:
    page = saved(browser, url_of(design), document=text)
    assert page.context["adminform"].form.errors["document"]
    design.refresh_from_db()
    assert design.draft["name"] == "Doubling"


def test_a_draft_with_problems_is_kept_and_they_are_listed(browser: Client, design: Design) -> None:
    page = saved(browser, url_of(design), document=json.dumps(cyclic()), _continue="1")
    assert "The draft is saved. It has one problem" in text_of(page)
    assert "The blocks go in a circle" in text_of(page)
    design.refresh_from_db()
    assert design.name == "Cyclic"


def test_a_draft_is_published_by_its_verb(browser: Client, design: Design) -> None:
    url = url_of(design, "publish")
    assert "never changed" in text_of(browser.get(url))
    assert not design.versions.exists()
    data = {"note": "First", "revision": design.revision}
    page = browser.post(url, data, follow=True)
    assert "Version 1 of Doubling is published." in text_of(page)
    assert design.versions.get().note == "First"


def test_a_draft_that_was_not_seen_is_not_published(browser: Client, design: Design) -> None:
    seen = design.revision
    change_draft(design=design, document=doubling(), caller=SYSTEM)
    for revision in (seen, "", "x"):
        page = browser.post(url_of(design, "publish"), {"note": "", "revision": revision})
        assert page.status_code == 422
    assert not design.versions.exists()


def test_problems_stop_publishing_with_sentences(browser: Client) -> None:
    design = create_design(document=cyclic(), caller=SYSTEM)
    page = browser.post(url_of(design, "publish"), {"note": "", "revision": design.revision})
    assert page.status_code == 422
    assert "The blocks go in a circle" in text_of(page)
    assert not design.versions.exists()


def test_saving_and_publishing_in_one(browser: Client, design: Design) -> None:
    button = {"designs_design_save_and_publish": "1"}
    page = saved(browser, url_of(design), **button)
    assert "Version 1 is published." in text_of(page)
    page = saved(browser, url_of(design), document=json.dumps(cyclic()), **button)
    assert "The draft is saved, but not published." in text_of(page)
    design.refresh_from_db()
    assert (design.name, design.versions.count()) == ("Cyclic", 1)


def test_a_copy_has_the_draft_alone(browser: Client, design: Design) -> None:
    publish_design(design=design, caller=SYSTEM)
    browser.post(url_of(design, "clone"))
    copy = Design.objects.exclude(pk=design.pk).get()
    assert copy.name == "Doubling copy"
    assert copy.draft["blocks"] == design.draft["blocks"]
    assert not copy.versions.exists()


def test_the_export_is_the_draft(browser: Client, design: Design) -> None:
    answer = browser.get(url_of(design, "export"))
    assert answer["Content-Disposition"] == 'attachment; filename="doubling.json"'
    assert json.loads(answer.content)["blocks"] == design.draft["blocks"]


def test_a_version_is_looked_at_exported_and_restored(browser: Client, design: Design) -> None:
    version = publish_design(design=design, caller=SYSTEM, note="Before")
    saved(browser, url_of(design), document=json.dumps(cyclic()))
    page = text_of(browser.get(url_of(version)))
    assert "sum(incoming)" in page
    assert 'name="_save"' not in page
    assert browser.post(url_of(version), {}).status_code == 403
    assert "v1.json" in browser.get(url_of(version, "export"))["Content-Disposition"]
    browser.post(url_of(version, "restore"))
    design.refresh_from_db()
    assert design.name == "Doubling"


def test_a_design_without_history_is_deleted(browser: Client, design: Design) -> None:
    browser.post(url_of(design, "delete"), {"post": "yes"})
    assert not Design.objects.exists()


def test_selected_designs_are_deleted(browser: Client, design: Design) -> None:
    assert "deleted for good" in text_of(act(browser, design, "delete_selected"))
    assert Design.objects.exists()
    act(browser, design, "delete_selected", post="yes")
    assert not Design.objects.exists()


def test_who_may_only_look_sees_the_draft_and_no_button(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], design: Design
) -> None:
    browser = browser_of(make_user("vera", "Viewer", is_staff=True))
    page = text_of(browser.get(url_of(design)))
    assert "sum(incoming)" in page
    assert 'name="_save"' not in page
    assert "/publish/" not in page
    assert browser.post(url_of(design), {"document": "{}"}).status_code == 403
    for verb in ("publish", "clone"):
        assert browser.post(url_of(design, verb)).status_code == 403
    assert browser.get(url_of(Design, "add")).status_code == 403
    assert browser.get(url_of(design, "export")).status_code == 200


def test_an_input_that_nothing_reads_is_told_before_and_after_publishing(
    browser: Client,
) -> None:
    raw = doubling()
    raw["blocks"][0]["settings"]["expression"] = "`[1, 2]`"
    design = create_design(document=raw, caller=SYSTEM)
    said = "Nothing in this design uses the input"
    assert said in text_of(browser.get(url_of(design)))
    assert said in text_of(browser.get(url_of(design, "publish")))
    page = saved(browser, url_of(design), designs_design_save_and_publish="1")
    assert "Version 1 is published." in text_of(page)
    assert said in text_of(page)


def test_one_that_is_used_is_not(browser: Client, design: Design) -> None:
    assert "uses the input" not in text_of(browser.get(url_of(design)))
    assert "uses the input" not in text_of(browser.get(url_of(design, "publish")))


def test_a_design_is_opened_in_the_designer(browser: Client, design: Design) -> None:
    assert "Open in the designer" in text_of(browser.get(url_of(design)))
    answer = browser.get(url_of(design, "open_designer"))
    assert answer["Location"] == f"/designs/{design.pk}/"
