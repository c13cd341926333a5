"""The page of a design's versions and its draft's history, and restoring one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.services import deploy_design, undeploy
from designs.access import SYSTEM
from designs.drafts.checkpoints import keep_checkpoint
from designs.models import Design
from designs.models.checkpoint import Reason
from designs.services import change_draft, create_design, publish_design
from designs.views import versions
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def design() -> Design:
    """Two versions; the draft is another document."""
    design = create_design(document=greeting(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM, note="The first")
    change_draft(design=design, document=doubling(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return change_draft(design=design, document=greeting(), caller=SYSTEM)


@pytest.fixture
def browser(designer: User, browser_of: Browser) -> Client:
    return browser_of(designer)


def page_of(browser: Client, design: Design) -> str:
    answer = browser.get(f"/designs/{design.pk}/versions/")
    assert answer.status_code == 200
    return answer.content.decode()


def restore(browser: Client, design: Design, **fields: Any) -> Any:
    data = {"revision": design.revision, **fields}
    return browser.post(f"/designs/{design.pk}/versions/restore/", data)


def test_versions_say_who_uses_them(browser: Client, design: Design) -> None:
    for path, number in (("/one", 1), ("/two", 2), ("/hidden", 2), ("/gone", 2)):
        row = deploy_design(design=design, endpoint_path=path, version=number, caller=SYSTEM)
        if path == "/hidden":
            row.groups.add(Group.objects.create(name="Elsewhere"))
        if path == "/gone":
            undeploy(deployment=row, caller=SYSTEM)
    page = page_of(browser, design)
    first, second = page.index('id="v1"'), page.index('id="v2"')
    assert second < page.index("/two") < first < page.index("/one")
    assert "The first" in page
    # Compare, and restore.
    assert page.count('aria-describedby="version-1"') == 2
    assert "/hidden" not in page
    assert "/gone" not in page


def test_many_deployments_are_counted_and_read_at_once(
    browser: Client, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as found:
            page_of(browser, design)
        return len(found)

    count()
    before = count()
    for number in range(9):
        deploy_design(design=design, endpoint_path=f"/p/{number}", version=1, caller=SYSTEM)
    assert count() == before
    assert "9 in all" in page_of(browser, design)
    # Those that are not read are counted.
    monkeypatch.setattr(versions, "READ_DEPLOYMENTS", 0)
    assert "9 deployments" in page_of(browser, design)


def test_one_deployment_is_no_several(
    browser: Client, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_design(design=design, endpoint_path="/p/only", version=1, caller=SYSTEM)
    monkeypatch.setattr(versions, "READ_DEPLOYMENTS", 0)
    page = page_of(browser, design)
    assert "1 deployment" in page
    assert "1 deployments" not in page


def test_a_design_without_versions(browser: Client) -> None:
    design = create_design(document=greeting(), caller=SYSTEM)
    assert "never published" in page_of(browser, design)


def test_a_version_becomes_the_draft(browser: Client, design: Design) -> None:
    answer = restore(browser, design, number=2)
    assert answer["Location"] == f"/designs/{design.pk}/"
    design.refresh_from_db()
    assert design.draft["name"] == "Doubling"
    assert design.changed_by_name == "designer"
    page = page_of(browser, design)
    assert "Before a restore" in page
    # What it was before comes back in the same way.
    (kept,) = design.checkpoints.filter(reason=Reason.RESTORE)
    restore(browser, design, checkpoint=kept.pk)
    design.refresh_from_db()
    assert design.draft["name"] == "Greeting"


def test_nothing_is_restored_over_a_change_of_somebody_else(
    browser: Client, design: Design
) -> None:
    answer = restore(browser, design, number=2, revision=design.revision - 1)
    assert answer["Location"] == f"/designs/{design.pk}/versions/"
    assert "changed the draft in the meantime" in browser.get(answer["Location"]).content.decode()
    design.refresh_from_db()
    assert design.draft["name"] == "Greeting"


def test_what_is_not_there_is_not_restored(browser: Client, design: Design) -> None:
    other = create_design(document=greeting(), caller=SYSTEM)
    kept = keep_checkpoint(design=other, caller=SYSTEM, reason=Reason.BY_HAND)
    for fields in ({"number": 9}, {"checkpoint": kept.pk}):
        assert restore(browser, design, **fields).status_code == 404
    for fields in (
        {}, {"number": 1, "checkpoint": kept.pk}, {"number": "x"}, {"number": "1\x00"},
        {"number": 10**30}, {"checkpoint": "x"}, {"number": 1, "revision": ""},
    ):  # fmt: skip
        answer = restore(browser, design, **fields)
        assert answer["Location"] == f"/designs/{design.pk}/versions/"
        assert "did not say" in browser.get(answer["Location"]).content.decode()
    design.refresh_from_db()
    assert design.draft["name"] == "Greeting"


def test_viewers_read_and_restore_nothing(
    viewer: User, browser_of: Browser, design: Design
) -> None:
    browser = browser_of(viewer)
    assert "/versions/restore/" not in page_of(browser, design)
    assert restore(browser, design, number=2).status_code == 403
