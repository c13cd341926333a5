"""The gallery of samples, and making a draft of one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design
from designs.sample_files import known_samples
from designs.services import change_draft

pytestmark = pytest.mark.django_db
URL = "/designs/samples/"


@pytest.fixture
def browser(designer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(designer)


def shown(browser: Client, query: str = "") -> set[str]:
    answer = browser.get(URL + query)
    assert answer.status_code == 200
    page = answer.content.decode()
    return {one.slug for one in known_samples() if f'id="sample-{one.slug}"' in page}


def test_all_samples_have_a_picture(browser: Client) -> None:
    assert shown(browser) == {one.slug for one in known_samples()}
    assert browser.get(URL).content.decode().count('<svg class="graph') == len(known_samples())


@pytest.mark.parametrize("kind", ["debate", "transform", "http", "<b>", "%00", "x" * 300])
def test_a_kind_leaves_the_samples_with_such_a_block(browser: Client, kind: str) -> None:
    wanted = {one.slug for one in known_samples() if kind in one.kinds}
    assert shown(browser, f"?kind={kind}") == wanted


def test_a_sample_becomes_a_draft(browser: Client, designer: User) -> None:
    names = []
    for _ in range(2):
        answer = browser.post(f"{URL}support-routing/use/")
        design = Design.objects.get(pk=answer["Location"].split("/")[2])
        names.append(design.name)
        assert design.created_by == designer
    assert names == ["Support routing", "Support routing 2"]
    (sample,) = (one for one in known_samples() if one.slug == "support-routing")
    assert sample.document["name"] == "Support routing"
    assert browser.get(answer["Location"]).status_code == 200


def test_a_sample_is_tried_without_a_second_copy(browser: Client, designer: User) -> None:
    first, second = (browser.post(f"{URL}support-routing/use/", {"try": "1"}) for _ in range(2))
    assert first["Location"] == second["Location"]
    page = browser.get(first["Location"])
    assert page.status_code == 200
    assert Design.objects.count() == 1
    design = Design.objects.get()
    change_draft(design=design, document={**design.draft, "name": "Mine"}, caller=SYSTEM)
    third = browser.post(f"{URL}support-routing/use/", {"try": "1"})
    assert third["Location"] != first["Location"]


def test_an_unknown_sample_is_not_found(browser: Client) -> None:
    assert browser.post(f"{URL}nothing/use/").status_code == 404
    assert browser.post(f"{URL}<b>/use/").status_code == 404


def test_viewers_look_only(viewer: User, browser_of: Callable[[User], Client]) -> None:
    browser = browser_of(viewer)
    assert shown(browser)
    assert "/use/" not in browser.get(URL).content.decode()
    assert browser.post(f"{URL}support-routing/use/").status_code == 403
    assert not Design.objects.exists()
