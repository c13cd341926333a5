"""The pages of keys: a secret is on one answer and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.access.keys import create_key, find_caller
from deployments.errors import KeyRefused
from deployments.models import ApiKey, Deployment

pytestmark = pytest.mark.django_db

KEY = re.compile(r"orc_[0-9a-f]{8}_[\w-]{20,}")
Browser = Callable[[User], Client]


@pytest.fixture
def browser(operator: User, browser_of: Browser) -> Client:
    return browser_of(operator)


def text(response: Any) -> str:
    return response.content.decode()


def test_a_key_is_made_and_shown_once(
    browser: Client, operator: User, deploy: Callable[..., Deployment]
) -> None:
    bound = deploy()
    fields = {
        "name": "Nightly <b>import</b>", "scopes": ["execute"], "deployments": [str(bound.pk)],
        "requests_per_minute": "7", "expires_at": "2100-01-01T00:00",
    }  # fmt: skip
    made = browser.post("/keys/new/", fields)
    assert made.status_code == 200
    assert made["Cache-Control"] == "no-store"
    [found] = set(KEY.findall(text(made)))
    caller = find_caller(found)
    assert (caller.user_id, caller.scopes) == (operator.pk, {"execute"})
    assert (caller.deployment_ids, caller.requests_per_minute) == ({bound.pk}, 7)
    page = text(browser.get("/keys/"))
    assert "Nightly &lt;b&gt;import&lt;/b&gt;" in page
    assert found not in page
    assert bound.endpoint_path in page
    assert not KEY.search(text(browser.get("/keys/new/")))


def test_a_key_is_rotated_with_an_overlap(browser: Client, operator: User) -> None:
    key, old = create_key(owner=operator)
    assert "Rotate" in text(browser.get(f"/keys/{key.pk}/rotate/"))
    [new] = set(
        KEY.findall(text(browser.post(f"/keys/{key.pk}/rotate/", {"overlap_seconds": 3600})))
    )
    assert find_caller(old).key_id == find_caller(new).key_id == key.pk
    assert "two secrets until" in text(browser.get("/keys/"))
    browser.post(f"/keys/{key.pk}/rotate/", {"overlap_seconds": 0})
    for gone in (old, new):
        with pytest.raises(KeyRefused):
            find_caller(gone)


def test_a_key_is_revoked(browser: Client, operator: User) -> None:
    key, found = create_key(owner=operator)
    assert "rejected immediately" in text(browser.get(f"/keys/{key.pk}/revoke/"))
    page = browser.post(f"/keys/{key.pk}/revoke/", follow=True)
    assert "revoked" in text(page)
    assert f"/keys/{key.pk}/rotate/" not in text(page)
    with pytest.raises(KeyRefused):
        find_caller(found)
    refused = browser.post(f"/keys/{key.pk}/rotate/", {"overlap_seconds": 0})
    assert refused.status_code == 422
    assert "was revoked. Make" in text(refused)


@pytest.mark.parametrize(
    "fields",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires_at": "2020-01-01T00:00"},
        {"expires_at": "soon"},
        {"requests_per_minute": "0"},
        {"deployments": ["01920000-0000-7000-8000-000000000000"]},
        {"name": "x" * 201},
    ],
)
def test_wrong_fields_are_answered_with_the_form(browser: Client, fields: dict[str, Any]) -> None:
    answer = browser.post("/keys/new/", {"name": "A", "scopes": ["read"], **fields})
    assert answer.status_code == 422
    assert 'class="errors"' in text(answer)
    assert not ApiKey.objects.exists()


def test_who_may_not_is_refused(
    viewer: User, operator: User, administrator: User, browser_of: Browser,
    make_user: Callable[..., User],
) -> None:  # fmt: skip
    assert Client().get("/keys/").status_code == 302
    for path in ("/keys/", "/keys/new/"):
        assert browser_of(viewer).get(path).status_code == 403
    theirs, _ = create_key(owner=make_user("other", "Operator"), name="Theirs")
    browser = browser_of(operator)
    assert "Theirs" not in text(browser.get("/keys/"))
    for verb in ("rotate", "revoke"):
        assert browser.post(f"/keys/{theirs.pk}/{verb}/").status_code == 404
    boss = browser_of(administrator)
    assert "Theirs" in text(boss.get("/keys/"))
    assert boss.post(f"/keys/{theirs.pk}/rotate/", {"overlap_seconds": 0}).status_code == 403
    assert boss.post(f"/keys/{theirs.pk}/revoke/").status_code == 302
