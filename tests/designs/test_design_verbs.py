"""Downloading, copying and deleting a design on its pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.services import deploy_design, undeploy
from designs.access import SYSTEM
from designs.auditing.audit import Action
from designs.models import AuditEntry, Design
from designs.services import change_draft, create_design, publish_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def design() -> Design:
    return create_design(document=doubling() | {"name": "Größe <1>"}, caller=SYSTEM)


@pytest.fixture
def browser(designer: User, browser_of: Browser) -> Client:
    return browser_of(designer)


def test_the_draft_is_downloaded(browser: Client, design: Design) -> None:
    answer = browser.get(f"/designs/{design.pk}/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="groe-1.json"'
    assert answer["Content-Type"] == "application/json"
    assert answer.content == browser.get(f"/api/designs/{design.pk}/export").content
    assert AuditEntry.objects.filter(object_pk=design.pk, action=Action.EXPORT).exists()


def test_a_copy_has_a_name_and_a_life_of_its_own(browser: Client, design: Design) -> None:
    publish_design(design=design, caller=SYSTEM)
    names = []
    for _ in range(2):
        answer = browser.post(f"/designs/{design.pk}/clone/")
        copy = Design.objects.get(pk=answer["Location"].split("/")[2])
        names.append(copy.name)
        assert copy.draft == design.draft | {"name": copy.name}
        assert not copy.versions.exists()
    assert names == ["Größe <1> copy", "Größe <1> copy 2"]


def test_a_very_long_name_is_copied_too(browser: Client) -> None:
    design = create_design(document=doubling() | {"name": "n" * 200}, caller=SYSTEM)
    for _ in range(2):
        assert browser.post(f"/designs/{design.pk}/clone/").status_code == 302
    assert Design.objects.count() == 3


def test_deleting_asks_first(browser: Client, design: Design) -> None:
    publish_design(design=design, caller=SYSTEM)
    url = f"/designs/{design.pk}/delete/"
    assert "its 1 version. This cannot" in browser.get(url).content.decode()
    assert Design.objects.exists()
    data = {"revision": design.revision}
    assert browser.post(url, data)["Location"] == "/designs/"
    assert not Design.objects.exists()
    assert browser.post(url, data).status_code == 404


def test_a_draft_that_was_not_seen_is_not_deleted(browser: Client, design: Design) -> None:
    seen = design.revision
    change_draft(design=design, document=doubling(), caller=SYSTEM)
    url = f"/designs/{design.pk}/delete/"
    for data in ({"revision": seen}, {"revision": "x"}, {}):
        answer = browser.post(url, data)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "Nothing was deleted" in page
        assert f'name="revision" value="{design.revision}"' in page
    assert Design.objects.exists()


def test_what_is_used_is_not_deleted(browser: Client, design: Design) -> None:
    deployment = deploy_design(design=design, endpoint_path="/one", caller=SYSTEM)
    undeploy(deployment=deployment, caller=SYSTEM)
    url, seen = f"/designs/{design.pk}/delete/", {"revision": design.revision}
    for answer, status in ((browser.get(url), 200), (browser.post(url, seen), 422)):
        assert answer.status_code == status
        assert "Undeployed ones count too" in answer.content.decode()
        assert "danger" not in answer.content.decode()
    assert Design.objects.exists()


def test_who_may_what(
    viewer: User, make_user: Callable[..., User], browser_of: Browser, design: Design
) -> None:
    browser = browser_of(viewer)
    assert browser.get(f"/designs/{design.pk}/export/").status_code == 200
    assert browser.post(f"/designs/{design.pk}/clone/").status_code == 403
    assert browser.get(f"/designs/{design.pk}/delete/").status_code == 403
    assert browser.post(f"/designs/{design.pk}/delete/").status_code == 403
    nobody = browser_of(make_user("nobody"))
    assert nobody.get(f"/designs/{design.pk}/export/").status_code == 403
    assert Design.objects.count() == 1
