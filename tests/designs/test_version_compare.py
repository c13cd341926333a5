"""The page that compares two versions of a design, and takes parts back."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.drafts.checkpoints import keep_checkpoint
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from designs.views import places
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


def changed() -> dict[str, Any]:
    """Another prompt, another setting, another block and its connection."""
    document = greeting()
    (greet,) = document["blocks"]
    greet["agents"][0]["system_prompt"] = "You write long greetings."
    greet["settings"] = {"context": "full"}
    shout = {"id": "shout", "type": "transform", "settings": {"template": "{{ incoming }}!"}}
    document["blocks"].append(shout)
    document["connections"] = [{"id": "c1", "source": "greet", "target": "shout"}]
    return document


@pytest.fixture
def design() -> Design:
    """One version; the draft differs."""
    design = create_design(document=greeting(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return change_draft(design=design, document=changed(), caller=SYSTEM)


@pytest.fixture
def browser(designer: User, browser_of: Browser) -> Client:
    return browser_of(designer)


def page_of(browser: Client, design: Design, query: str = "") -> str:
    answer = browser.get(f"/designs/{design.pk}/compare/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def texts(page: str) -> list[str]:
    """The texts of the changes, with their marks."""
    found = re.findall(r'<p class="text[^"]*">(.*?)</p>', page, re.DOTALL)
    return [unescape(text) for text in found]


def test_words_and_values_are_shown_before_and_after(browser: Client, design: Design) -> None:
    page = page_of(browser, design, "?from=1&to=draft")
    assert texts(page) == [
        "<del>the answer before its own</del> <ins>all answers</ins>",
        "You write <ins>long </ins>greetings.",
        "<ins>{{ incoming }}!</ins>",
    ]
    for words in ("Writer, prompt", "greet → shout", "3 changes", "2 new", "1 changed"):
        assert words in re.sub(r"\s+", " ", page), words
    assert 'class="wire added' in page


def test_side_by_side_and_the_other_way_round(browser: Client, design: Design) -> None:
    shown = texts(page_of(browser, design, "?from=draft&to=1&show=side"))
    assert shown[2:4] == ["You write <del>long </del>greetings.", "You write greetings."]


def test_without_a_choice_the_latest_version_and_the_draft(browser: Client, design: Design) -> None:
    assert texts(page_of(browser, design)) == texts(page_of(browser, design, "?from=1&to=draft"))
    publish_design(design=design, caller=SYSTEM)
    assert "No differences between v2 and draft" in page_of(browser, design)
    new = create_design(document=greeting(), caller=SYSTEM)
    assert "No differences between" in page_of(browser, new)


def test_an_earlier_draft_is_compared_too(browser: Client, design: Design) -> None:
    kept = keep_checkpoint(design=design, caller=SYSTEM, reason="by_hand", document=doubling())
    assert "double" in page_of(browser, design, f"?from={kept.pk}&to=draft")
    other = create_design(document=greeting(), caller=SYSTEM)
    assert browser.get(f"/designs/{other.pk}/compare/?from={kept.pk}").status_code == 404


def test_what_both_have_of_long_texts_is_cut_unless_wanted(browser: Client, design: Design) -> None:
    long = greeting()
    long["blocks"][0]["task"] = f"One. {'middle ' * 1_000}End one."
    change_draft(design=design, document=long, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    long["blocks"][0]["task"] = f"Two. {'middle ' * 1_000}End two."
    change_draft(design=design, document=long, caller=SYSTEM)
    (text,) = texts(page_of(browser, design))
    assert len(text) < 1_000
    assert "… 6," in text
    (text,) = texts(page_of(browser, design, "?text=whole"))
    assert len(text) > 7_000


def test_an_agent_without_more_than_a_name(browser: Client, design: Design) -> None:
    draft = greeting()
    draft["blocks"][0]["agents"].append({"id": "nell", "name": "Nell", "role": "worker"})
    change_draft(design=design, document=draft, caller=SYSTEM)
    assert texts(page_of(browser, design)) == ["<ins>Nell</ins>"]


def test_versions_that_are_older_than_the_list(
    browser: Client, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SHOWN_VERSIONS", 1)
    publish_design(design=design, caller=SYSTEM)
    page = page_of(browser, design, "?from=1&to=2")
    assert re.search(r'<option value="1"\s+selected', page)
    # One that is both sides is listed once on each; several are in the order of the list.
    page = page_of(browser, design, "?from=1&to=1")
    assert page.count('<option value="1"') == 2
    publish_design(design=design, caller=SYSTEM)
    page = page_of(browser, design, "?from=1&to=2")
    assert re.findall(r'<option value="(\d+)"', page) == ["3", "2", "1"] * 2


def test_a_hostile_number_of_changes_is_cut(browser: Client, design: Design) -> None:
    agents = [{"id": f"a{number}", "note": number} for number in range(4_000)]
    draft = {"blocks": [{"id": f"b{number}", "agents": agents} for number in range(2)]}
    change_draft(design=design, document=draft, caller=SYSTEM)
    page = page_of(browser, design)
    assert page.count('class="diff"') <= 1_000
    assert "more fields, which the API shows" in page


def test_texts_that_are_too_long_for_words_are_said(browser: Client, design: Design) -> None:
    draft = greeting()
    (block,) = draft["blocks"]
    for prompt in ("a b " * 10_000, "b a c " * 10_000):
        block["agents"][0]["system_prompt"] = prompt
        change_draft(design=design, document=draft, caller=SYSTEM)
        publish_design(design=design, caller=SYSTEM)
    assert "too long to compare word by word" in page_of(browser, design, "?from=2&to=3")
    assert "too long" not in page_of(browser, design, "?from=3&to=draft")


@pytest.mark.parametrize(
    "draft",
    [{}, {"blocks": 5}, {"blocks": [1, {"id": []}, {"id": "<b>", "type": 5}]}, {"x/~": {"": [1]}}],
    ids=["empty", "number", "parts", "keys"],
)
def test_drafts_of_every_kind(browser: Client, design: Design, draft: dict[str, Any]) -> None:
    change_draft(design=design, document=draft, caller=SYSTEM)
    for query in ("", "?from=draft&to=1", "?from=1&to=draft&show=side"):
        assert "<b>" not in "".join(texts(page_of(browser, design, query)))


@pytest.mark.parametrize("query", ["from=9", "to=x", "from=%00", "to=-1", "from=1e3", "to=٣"])
def test_what_is_not_there_is_not_found(browser: Client, design: Design, query: str) -> None:
    assert browser.get(f"/designs/{design.pk}/compare/?{query}").status_code == 404


def test_viewers_read_and_change_nothing(viewer: User, browser_of: Browser, design: Design) -> None:
    browser = browser_of(viewer)
    page = page_of(browser, design)
    assert "/versions/restore/" not in page
    assert "/compare/take/" not in page
    answer = browser.post(f"/designs/{design.pk}/compare/take/")
    assert answer.status_code == 403


def test_who_sees_no_designs(make_user: Callable[..., User], browser_of: Browser) -> None:
    design = create_design(document=greeting(), caller=SYSTEM)
    browser = browser_of(make_user("nobody"))
    assert browser.get(f"/designs/{design.pk}/compare/").status_code == 403
