"""API keys in the admin: the secret is shown once, the digest never, and keys are one's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments.access.keys import create_key, find_caller, revoke_key
from deployments.errors import KeyRefused
from deployments.models import ApiKey, Deployment
from tests.admin_pages import act, saved, text_of, url_of

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
LIST = "/admin/deployments/apikey/"
KEY = re.compile(r"orc_[0-9a-f]{8}_[\w-]{20,}")


@pytest.fixture
def operator(make_user: Callable[..., User]) -> User:
    return make_user("operator", "Operator", is_staff=True)


@pytest.fixture
def browser(operator: User, browser_of: Browser) -> Client:
    return browser_of(operator)


@pytest.fixture
def administrator(make_user: Callable[..., User], browser_of: Browser) -> Client:
    return browser_of(make_user("administrator", "Administrator", is_staff=True))


def test_a_key_is_made_and_its_secret_shown_once(
    browser: Client, operator: User, deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy()
    page = saved(
        browser,
        f"{LIST}add/?deployments={deployment.pk}",
        name="Reports",
        scopes=["execute"],
        requests_per_minute="7",
    )
    text = KEY.search(text_of(page))
    assert text is not None
    caller = find_caller(text[0])
    assert (caller.user_id, caller.scopes) == (operator.pk, {"execute"})
    assert caller.deployment_ids == {deployment.pk}
    key = ApiKey.objects.get()
    assert (key.requests_per_minute, key.requests_per_day) == (7, None)
    for url in (LIST, url_of(key)):
        page = browser.get(url)
        assert str(key) in text_of(page)
        assert not KEY.search(text_of(page))
        assert key.digest not in text_of(page)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"requests_per_day": "0"}, "requests_per_day"),
        ({"deployments": ["nonsense"]}, "deployments"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"}, "expires_at"),
        ({"expires_at_0": "soon", "expires_at_1": "00:00:00"}, "expires_at"),
    ],
)
def test_wrong_fields_are_named(browser: Client, fields: dict[str, object], field: str) -> None:
    page = saved(browser, f"{LIST}add/", **fields)
    assert field in page.context["adminform"].form.errors
    assert not ApiKey.objects.exists()


def test_a_key_is_rotated_by_its_owner(browser: Client, operator: User) -> None:
    key, old = create_key(owner=operator)
    url = url_of(key, "rotate")
    assert "No longer" in text_of(browser.get(url))
    assert browser.post(url, {"overlap_seconds": "-5"}).status_code == 422
    new = KEY.search(text_of(browser.post(url, {"overlap_seconds": "0"}, follow=True)))
    assert new is not None
    assert find_caller(new[0]).user_id == operator.pk
    with pytest.raises(KeyRefused):
        find_caller(old)


def test_the_old_secret_may_work_for_a_while(browser: Client, operator: User) -> None:
    key, old = create_key(owner=operator)
    browser.post(url_of(key, "rotate"), {"overlap_seconds": "3600"})
    assert find_caller(old).user_id == operator.pk


def test_a_key_is_revoked_and_stays_to_be_seen(browser: Client, operator: User) -> None:
    key, text = create_key(owner=operator)
    browser.post(url_of(key, "revoke"))
    with pytest.raises(KeyRefused):
        find_caller(text)
    page = text_of(browser.get(url_of(key)))
    assert "Revoked" in page
    assert "/rotate/" not in page
    refused = browser.post(url_of(key, "rotate"), {"overlap_seconds": "0"})
    assert "was revoked. Make" in text_of(refused)
    assert browser.post(url_of(key, "delete"), {"post": "yes"}).status_code == 403


def test_selected_keys_are_revoked(browser: Client, operator: User) -> None:
    keys = [create_key(owner=operator)[0] for _ in range(2)]
    assert "2 revoked." in text_of(act(browser, keys[0], "revoke_selected", keys[1]))
    assert not ApiKey.objects.filter(revoked_at=None).exists()


def test_other_peoples_keys_are_not_there(browser: Client, make_user: Callable[..., User]) -> None:
    key, _ = create_key(owner=make_user("other", "Operator"), name="Theirs")
    assert "Theirs" not in text_of(browser.get(LIST))
    assert browser.get(url_of(key)).status_code == 302
    for verb in ("rotate", "revoke"):
        assert browser.post(url_of(key, verb)).status_code == 404


def test_administrators_see_and_revoke_all_keys_but_do_not_take_them_over(
    administrator: Client, operator: User, admin_client: Client
) -> None:
    key, text = create_key(owner=operator, name="Theirs")
    assert "Theirs" in text_of(administrator.get(LIST))
    url, data = url_of(key, "rotate"), {"overlap_seconds": "0"}
    assert administrator.post(url, data).status_code == 403
    assert find_caller(text)
    assert KEY.search(text_of(admin_client.post(url, data, follow=True)))
    administrator.post(url_of(key, "revoke"))
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_the_list_is_filtered_by_state(browser: Client, operator: User) -> None:
    works, expired, revoked = (create_key(owner=operator)[0] for _ in range(3))
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(days=1))
    revoke_key(key=revoked)
    for state, key in (("works", works), ("expired", expired), ("revoked", revoked)):
        page = browser.get(LIST, {"state": state})
        assert list(page.context["cl"].result_list) == [key], state


def test_the_digest_cannot_be_guessed_by_filters(administrator: Client, operator: User) -> None:
    key, _ = create_key(owner=operator)
    for lookup in ("digest", "digest__startswith", "digest__gt"):
        assert administrator.get(LIST, {lookup: key.digest}).status_code == 400


def test_viewers_have_no_keys(make_user: Callable[..., User], browser_of: Browser) -> None:
    browser = browser_of(make_user("vera", "Viewer", is_staff=True))
    assert browser.get(LIST).status_code == 403
    assert browser.get(f"{LIST}add/").status_code == 403
