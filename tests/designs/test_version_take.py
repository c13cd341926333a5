"""Taking one part of a version back into the draft."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design
from designs.models.checkpoint import Reason
from designs.services import change_draft, create_design, publish_design
from tests.designs.test_version_compare import changed
from tests.documents import greeting

pytestmark = pytest.mark.django_db


@pytest.fixture
def design() -> Design:
    design = create_design(document=greeting(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return change_draft(design=design, document=changed(), caller=SYSTEM)


@pytest.fixture
def browser(designer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(designer)


def take(browser: Client, design: Design, **fields: Any) -> str:
    """What the page says afterwards."""
    data = {"source": "1", "kind": "block", "revision": design.revision, **fields}
    answer = browser.post(f"/designs/{design.pk}/compare/take/", data)
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"/designs/{design.pk}/compare/")
    design.refresh_from_db()
    return browser.get(answer["Location"]).content.decode()


def test_a_block_is_taken_back_and_the_draft_before_is_kept(
    browser: Client, design: Design
) -> None:
    assert "as in v1 now" in take(browser, design, part="greet")
    assert design.draft["blocks"][0] == greeting()["blocks"][0]
    assert design.draft["blocks"][1]["id"] == "shout"
    kept = design.checkpoints.get()
    assert (kept.reason, kept.document) == (Reason.RESTORE, changed() | {"description": ""})
    assert design.changed_by_name == "designer"


def test_one_agent_is_taken_back_and_the_block_stays(browser: Client, design: Design) -> None:
    page = browser.get(f"/designs/{design.pk}/compare/").content.decode()
    assert 'name="block" value="greet"' in page
    agents = greeting()["blocks"][0]["agents"]
    take(browser, design, kind="agent", block="greet", part=agents[0]["id"])
    (block, _) = design.draft["blocks"]
    assert block["agents"] == agents
    assert block["settings"] == {"context": "full"}


def test_a_block_that_v1_has_not_goes_with_its_connections(browser: Client, design: Design) -> None:
    take(browser, design, part="shout")
    assert [block["id"] for block in design.draft["blocks"]] == ["greet"]
    assert design.draft["connections"] == []


def test_nothing_is_taken_over_a_change_of_somebody_else(browser: Client, design: Design) -> None:
    change_draft(design=design, document=changed() | {"name": "Mine"}, caller=SYSTEM)
    page = take(browser, design, part="greet", revision=design.revision - 1)
    assert "changed the draft in the meantime" in page
    assert design.draft["name"] == "Mine"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"part": "nothing"}, "no such part"),
        ({"kind": "agents", "part": "writer"}, "did not say"),
        ({"kind": "agent", "part": "writer"}, "no such part"),
        ({"part": ""}, "did not say"),
        ({"part": "\x00"}, "did not say"),
        ({"part": "greet", "revision": "x"}, "did not say"),
        ({"kind": "design", "part": "blocks"}, "no such part"),
    ],
    ids=["part", "kind", "agent", "empty", "nul", "revision", "blocks"],
)
def test_what_cannot_be_taken_is_said(
    browser: Client, design: Design, fields: dict[str, Any], sentence: str
) -> None:
    before = design.draft
    assert sentence in take(browser, design, **fields)
    assert design.draft == before


def test_an_unknown_source_is_not_found(browser: Client, design: Design) -> None:
    for source in ("9", "x", "00000000-0000-0000-0000-000000000001"):
        data = {"source": source, "kind": "block", "part": "greet", "revision": design.revision}
        answer = browser.post(f"/designs/{design.pk}/compare/take/", data)
        assert answer.status_code == 404
