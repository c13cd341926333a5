"""The page of the audit: for administrators, to read, to filter, to take away; never to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from deployments.models import Deployment
from designs.auditing.audit import AuditEntry
from designs.models import Design
from tests.admin_pages import act, text_of, url_of
from tests.orchestra.audit.entries import LIST, body

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]


def shown(page: Any) -> list[Any]:
    return [entry.pk for entry in page.context["cl"].result_list]


def test_the_list_and_an_entry(browser: Client, renamed: AuditEntry, designer: User) -> None:
    page = text_of(browser.get(LIST))
    assert "designer" in page
    assert "192.0.2.20" in page
    assert "draft/name, name" in page
    assert f'href="{url_of(Design.objects.get())}"' in page
    entry = text_of(browser.get(url_of(renamed)))
    for words in ("Before", "After", "Doubling", "&lt;b&gt;Bold&lt;/b&gt;", renamed.cid):
        assert words in entry
    assert "<b>Bold" not in page + entry
    assert f'href="/admin/auth/user/{designer.pk}/change/"' in entry


@pytest.mark.parametrize("who", ["administrator", "root"])
def test_nobody_writes(
    who: str, make_user: Callable[..., User], browser_of: Browser, renamed: AuditEntry
) -> None:
    fields = {"is_superuser": True} if who == "root" else {}
    groups = () if who == "root" else ("Administrator",)
    browser = browser_of(make_user(who, *groups, is_staff=True, **fields))
    assert browser.get(url_of(renamed)).status_code == 200
    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}add/", {}).status_code == 403
    assert browser.post(url_of(renamed), {"actor_name": "me"}).status_code == 403
    assert browser.post(url_of(renamed, "delete"), {"post": "yes"}).status_code == 403
    act(browser, renamed, "delete_selected", post="yes")
    renamed.refresh_from_db()
    assert renamed.actor_name == "designer"


@pytest.mark.parametrize("group", ["Viewer", "Operator", "Designer", "Deployer", None])
def test_others_do_not_see_it(
    group: str | None, make_user: Callable[..., User], browser_of: Browser, renamed: AuditEntry
) -> None:
    browser = browser_of(make_user("other", *filter(None, [group]), is_staff=True))
    urls = (LIST, url_of(renamed), f"{LIST}export/csv/", f"{LIST}export/jsonl/")
    assert {browser.get(url).status_code for url in urls} <= {403, 302}
    assert LIST not in text_of(browser.get("/admin/"))


def test_the_way_there(browser: Client) -> None:
    assert f'href="{LIST}"' in text_of(browser.get("/admin/"))
    assert 'href="/admin/executor/execution/"' in text_of(browser.get(LIST))


def test_filters(browser: Client, renamed: AuditEntry) -> None:
    kind, day = renamed.content_type_id, f"{renamed.timestamp:%Y-%m-%d}"
    for query in (
        {"actor_name__icontains": "desig"},
        {"what": kind, "action__in": "1"},
        {"q": "192.0.2.20"},
        {"q": "Bold"},
        {"q": renamed.object_pk, "action__in": "1"},
        {"cid": renamed.cid},
        {"content_type__id__exact": kind, "object_pk": renamed.object_pk, "action__in": "1"},
        {"actor": renamed.actor_id},
        {"timestamp_from_0": day, "timestamp_to_0": day, "actor_name__icontains": "designer"},
        {"timestamp__year": renamed.timestamp.year, "cid": renamed.cid},
    ):
        assert shown(browser.get(LIST, query)) == [renamed.pk], query
    assert shown(browser.get(LIST, {"timestamp_to_0": "2001-01-01"})) == []
    assert renamed.pk not in shown(browser.get(LIST, {"action__in": "2"}))
    # No column that the list does not offer can be guessed.
    assert browser.get(LIST, {"changes__name__0__startswith": "D"}).status_code in (302, 400)


def test_an_object_has_its_history(
    browser: Client, renamed: AuditEntry, designer: User, browser_of: Browser
) -> None:
    row = Design.objects.get()
    page = text_of(browser.get(url_of(row, "history")))
    assert "draft/name, name" in page
    assert "192.0.2.20" in page
    assert f"object_pk={row.pk}" in page
    designer.is_staff = True
    designer.save()
    assert "192.0.2.20" not in text_of(browser_of(designer).get(url_of(row, "history")))


def test_what_is_limited_to_others_is_limited_here(
    administrator: User, browser: Client, deploy: Callable[..., Deployment],
    make_user: Callable[..., User], browser_of: Browser,
) -> None:  # fmt: skip
    board = Group.objects.create(name="Board")
    row = deploy(path="/boards-plans", groups=[board], schedule={"interval_seconds": 60})
    assert "boards-plans" not in text_of(browser.get(LIST, {"all": ""}))
    assert not shown(browser.get(LIST, {"q": "boards-plans"}))
    assert "boards-plans" not in body(browser.get(f"{LIST}export/jsonl/"))
    root = browser_of(make_user("root", is_staff=True, is_superuser=True))
    entries = AuditEntry.objects.filter(deployment_id=row.pk)
    assert entries.count() >= 4
    assert shown(root.get(LIST, {"q": "boards-plans"}))
    administrator.groups.add(board)
    assert "boards-plans" in text_of(browser.get(LIST))
