"""Keys that a key has made end with it, count as it, and can do no more than it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from deployments.access.keys import create_key, find_caller, forget_keys, revoke_key, rotate_key
from deployments.errors import KeyBeyond, KeyRefused
from deployments.models import MAX_MAKERS, ApiKey, Deployment
from designs.auditing.audit import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[str], APIClient]
ALL = ("execute", "read", "manage")


def child_of(text: str, owner: User, **fields: Any) -> tuple[ApiKey, str]:
    return create_key(owner=owner, maker=find_caller(text), **{"scopes": ALL, **fields})


def works(api_with: Api, text: str) -> bool:
    return api_with(text).get("/api/deployments").status_code == 200


def test_they_end_when_it_is_revoked(operator: User, api_with: Api) -> None:
    parent, text = create_key(owner=operator)
    client = api_with(text)
    made = client.post("/api/keys", {"scopes": list(ALL)}, format="json").json()
    assert made["made_by"] == str(parent.pk)
    grandchild = api_with(made["key"]).post("/api/keys", {"scopes": ["read"]}, format="json").json()
    other = create_key(owner=operator)[1]
    assert works(api_with, grandchild["key"])
    revoke_key(key=parent)
    # By the caches of this process, too.
    assert [works(api_with, key) for key in (text, made["key"], grandchild["key"], other)] == [
        False, False, False, True,
    ]  # fmt: skip
    rows = {row["id"]: row for row in api_with(other).get("/api/keys").json()["results"]}
    assert rows[made["id"]]["is_usable"] is False
    assert rows[grandchild["id"]]["made_by"] == made["id"]


def test_they_end_when_it_expires_or_is_removed(operator: User) -> None:
    parent, text = create_key(owner=operator)
    child, child_text = child_of(text, operator)
    ApiKey.objects.filter(pk=parent.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    forget_keys()
    with pytest.raises(KeyRefused):
        find_caller(child_text)
    ApiKey.objects.get(pk=parent.pk).delete()
    assert not ApiKey.objects.filter(pk=child.pk).exists()


def test_they_lose_what_it_loses(operator: User, deploy: Callable[..., Deployment]) -> None:
    parent, text = create_key(owner=operator)
    child_text = child_of(text, operator)[1]
    deployment = deploy()
    parent.scopes = ["read"]
    parent.save()
    parent.deployments.set([deployment])
    forget_keys()
    caller = find_caller(child_text)
    assert caller.scopes == {"read"}
    assert caller.deployment_ids == {deployment.pk}


def test_all_of_a_family_count_together(
    operator: User, api_with: Api, deploy: Callable[..., Deployment]
) -> None:
    deploy()
    text = create_key(owner=operator, requests_per_minute=3)[1]
    children = [child_of(text, operator, requests_per_minute=3)[1] for _ in range(3)]
    grandchild = child_of(children[0], operator, requests_per_minute=3)[1]
    post = [
        api_with(key).post("/api/deployed/double", {"number": 1}, format="json")
        for key in (*children[1:], grandchild, children[0], text)
    ]
    assert [answer.status_code for answer in post] == [200, 200, 200, 429, 429]
    assert post[3].json()["violated-policies"] == ["maker1-minute"]
    assert "key's maker" in post[3].json()["detail"]
    assert {find_caller(key).turn_key for key in (*children, grandchild)} == {
        find_caller(text).turn_key
    }


def test_a_key_renews_itself_and_its_own_only(operator: User, api_with: Api) -> None:
    """Or it would know the secret of one that outlives it."""
    parent, text = create_key(owner=operator)
    sibling, sibling_text = create_key(owner=operator)
    child, child_text = child_of(text, operator)
    answers = [
        api_with(text).post(f"/api/keys/{key.pk}/rotate", {"overlap_seconds": 60}, format="json")
        for key in (parent, child, sibling)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    with pytest.raises(KeyBeyond):
        rotate_key(key=parent, maker=find_caller(child_text))
    assert works(api_with, sibling_text)


def test_a_persons_renewal_reads_no_makers(operator: User) -> None:
    maker, text = create_key(owner=operator)
    key, _ = child_of(text, operator)
    with CaptureQueriesContext(connection) as captured:
        rotate_key(key=key)
    reads = [query["sql"] for query in captured.captured_queries if query["sql"][:6] == "SELECT"]
    assert any(key.pk.hex in sql.replace("-", "") for sql in reads)
    assert not any(maker.pk.hex in sql.replace("-", "") for sql in reads)


def test_a_family_has_an_end_and_is_found_in_as_many_queries(operator: User) -> None:
    text = create_key(owner=operator)[1]

    def queries(key: str) -> int:
        forget_keys()
        with CaptureQueriesContext(connection) as found:
            find_caller(key)
        return sum('FROM "deployments_apikey" ' in one["sql"] for one in found.captured_queries)

    first = queries(text)
    for _ in range(MAX_MAKERS):
        text = child_of(text, operator)[1]
    assert queries(text) == first
    with pytest.raises(KeyBeyond):
        child_of(text, operator)


def test_a_revoked_key_makes_none(operator: User) -> None:
    parent, text = create_key(owner=operator)
    caller = find_caller(text)
    revoke_key(key=parent)
    with pytest.raises(KeyRefused):
        create_key(owner=operator, maker=caller)


def test_the_list_shows_who_made_them(operator: User, browser_of: Callable[..., Client]) -> None:
    parent, text = create_key(owner=operator)
    child_of(text, operator, name="Child")
    page = browser_of(operator).get("/keys/").content.decode()
    assert f"created by <code>{parent}</code>" in page


def test_hidden_deployments_are_not_told(
    make_user: Callable[..., User], operator: User, api_of: Callable[..., APIClient],
    deploy: Callable[..., Deployment],
) -> None:  # fmt: skip
    outsider = make_user("outsider", "Administrator")
    hidden, seen = deploy(), deploy(path="/seen")
    hidden.groups.set([Group.objects.get(name="Designer")])
    key, _ = create_key(owner=operator, deployments=[hidden, seen])
    client = api_of(outsider)
    row = next(one for one in client.get("/api/keys").json()["results"] if one["id"] == str(key.pk))
    assert row["deployment_ids"] == [str(seen.pk)]
    entries = client.get("/api/audit").content.decode()
    assert str(seen.pk) in entries
    assert str(hidden.pk) not in entries
    assert AuditEntry.objects.filter(object_pk=str(key.pk)).exists()
