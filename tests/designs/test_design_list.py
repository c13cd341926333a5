"""The list of designs: what each is made of, what became of its draft, and who may see what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from designs.views.lists import Card
from tests.documents import doubling

pytestmark = pytest.mark.django_db
URL = "/designs/"


@pytest.fixture
def browser(designer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(designer)


def cards(browser: Client) -> list[Card]:
    answer = browser.get(URL)
    assert answer.status_code == 200
    return list(answer.context["cards"])


def test_a_draft_is_compared_with_its_latest_version(browser: Client) -> None:
    design = create_design(document=doubling(), caller=SYSTEM)
    assert [(card.kinds, card.is_changed) for card in cards(browser)] == [
        ([("transform", "Transform")], False)
    ]
    publish_design(design=design, caller=SYSTEM)
    assert not cards(browser)[0].is_changed
    moved = {
        **design.draft,
        "blocks": [{**b, "position": {"x": 5, "y": 7}} for b in design.draft["blocks"]],
    }
    change_draft(design=design, caller=SYSTEM, document=moved)
    assert not cards(browser)[0].is_changed
    change_draft(design=design, caller=SYSTEM, description="Another one")
    assert cards(browser)[0].is_changed
    assert "Changed since v1" in browser.get(URL).content.decode()
    publish_design(design=design, caller=SYSTEM)
    assert not cards(browser)[0].is_changed


def test_deployments_are_counted_that_the_person_sees(browser: Client) -> None:
    design = create_design(document=doubling(), caller=SYSTEM)
    for number in range(2):
        deploy_design(design=design, endpoint_path=f"/count/{number}", caller=SYSTEM)
    assert cards(browser)[0].deployments == 2
    group = Group.objects.create(name="nobody here")
    design.deployments.first().groups.add(group)
    assert cards(browser)[0].deployments == 1


@pytest.mark.parametrize(
    "draft",
    [[], {"blocks": 3}, {"blocks": [3, {"type": ["a"]}, {"type": "<b>"}]}, {"blocks": None}],
    ids=["list", "number", "odd-blocks", "null"],
)
def test_odd_drafts_are_listed(browser: Client, draft: Any) -> None:
    design = create_design(document=doubling(), caller=SYSTEM)
    Design.objects.filter(pk=design.pk).update(draft=draft, name="<i>odd</i>")
    (card,) = cards(browser)
    assert card.kinds == []
    assert "<i>odd" not in browser.get(URL).content.decode()


def test_the_list_costs_the_same_for_many(browser: Client) -> None:
    def queries() -> int:
        browser.get(URL)
        with CaptureQueriesContext(connection) as counted:
            browser.get(URL)
        return len(counted)

    publish_design(design=create_design(document=doubling(), caller=SYSTEM), caller=SYSTEM)
    few = queries()
    for number in range(30):
        design = create_design(document=doubling() | {"name": f"No {number}"}, caller=SYSTEM)
        publish_design(design=design, caller=SYSTEM)
    assert queries() <= few
