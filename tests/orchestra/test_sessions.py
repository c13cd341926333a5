"""Sessions: when they end, what keeps them awake, and when their key changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import PASSWORD
from tests.orchestra.signing_in import attempt

pytestmark = pytest.mark.django_db
BY_HAND = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}
POLL = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(timezone.now(), tick=False) as found:
        yield found


@pytest.fixture
def browser(viewer: User, clock: Any) -> Client:
    found = Client()
    assert attempt("viewer", PASSWORD, browser=found).status_code == 302
    return found


def key_of(browser: Client) -> str:
    return browser.cookies["sessionid"].value


def writes(browser: Client, **headers: Any) -> list[str]:
    """The statements by which a request of the start page changed sessions."""
    with CaptureQueriesContext(connection) as found:
        assert browser.get("/", **headers).status_code == 200
    statements = [query["sql"] for query in found]
    return [
        sql
        for sql in statements
        if "django_session" in sql and not sql.startswith(("SELECT", "SAVEPOINT"))
    ]


def test_a_session_ends_after_twelve_hours_whatever_is_done(browser: Client, clock: Any) -> None:
    assert browser.cookies["sessionid"]["max-age"] == 12 * 3600
    for _ in range(23):
        clock.shift(timedelta(minutes=30))
        assert browser.get("/", **BY_HAND).status_code == 200
    clock.shift(timedelta(minutes=29))
    assert browser.get("/", **BY_HAND).status_code == 200
    clock.shift(timedelta(minutes=1))
    assert browser.get("/", **BY_HAND).status_code == 302


def test_a_session_that_nobody_uses_ends_after_an_hour(browser: Client, clock: Any) -> None:
    clock.shift(timedelta(minutes=59))
    assert browser.get("/", **BY_HAND).status_code == 200
    clock.shift(timedelta(minutes=60))
    key = key_of(browser)
    answer = browser.get("/", **BY_HAND)
    assert answer["Location"] == "/sign-in/?next=/"
    assert answer.cookies["sessionid"].value == ""
    assert not Session.objects.filter(session_key=key).exists()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", POLL),
        ("/schedules/", {**POLL, "HTTP_ACCEPT": "text/html, */*"}),
        ("/api/deployments", {"HTTP_ACCEPT": "application/json"}),
        ("/api/nothing", {"HTTP_ACCEPT": "text/event-stream"}),
    ],
)
def test_what_refreshes_itself_keeps_nothing_awake(
    browser: Client, clock: Any, path: str, headers: dict[str, Any]
) -> None:
    for _ in range(59):
        clock.shift(timedelta(minutes=1))
        assert browser.get(path, **headers).status_code in (200, 404)
    clock.shift(timedelta(minutes=1))
    answer = browser.get("/", HTTP_HX_CURRENT_URL="http://testserver/schedules/?text=a", **POLL)
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Fschedules%2F%3Ftext%3Da"


@pytest.mark.parametrize("headers", [BY_HAND, {**POLL, "HTTP_X_BY_HAND": "1"}])
def test_what_a_person_does_keeps_it_awake(
    browser: Client, clock: Any, headers: dict[str, Any]
) -> None:
    for _ in range(4):
        clock.shift(timedelta(minutes=50))
        assert browser.get("/", **headers).status_code == 200
        clock.shift(timedelta(minutes=5))
        assert browser.post("/schedules/preview/", {}).status_code != 302


def test_a_session_is_written_once_a_minute_at_most(browser: Client, clock: Any) -> None:
    assert writes(browser, **BY_HAND) == []
    clock.shift(timedelta(seconds=60))
    assert writes(browser, **POLL) == []
    assert len(writes(browser, **BY_HAND)) == 1
    clock.shift(timedelta(seconds=59))
    assert writes(browser, **BY_HAND) == []
    # The browser keeps its cookie; what is used moves no end.
    assert "sessionid" not in browser.get("/", **BY_HAND).cookies


def test_signing_in_changes_the_key_and_sweeps(viewer: User, clock: Any) -> None:
    browser = Client()
    browser.cookies["sessionid"] = "given" + "0" * 27
    attempt("viewer", PASSWORD, browser=browser)
    assert key_of(browser) != "given" + "0" * 27
    assert Session.objects.count() == 1
    clock.shift(timedelta(hours=13))
    attempt("viewer", PASSWORD)
    assert Session.objects.count() == 1


def test_a_session_that_ends_meanwhile_is_no_error(browser: Client, clock: Any) -> None:
    clock.shift(timedelta(minutes=2))
    key = key_of(browser)
    Session.objects.all().delete()
    assert browser.get("/", **BY_HAND).status_code == 302
    browser.cookies["sessionid"] = key
    assert browser.get("/sign-in/", **BY_HAND).status_code == 200


GIVE: dict[str, Callable[[User], Any]] = {
    "a group": lambda user: user.groups.add(Group.objects.get(name="Deployer")),
    "a permission": lambda user: user.user_permissions.add(
        Permission.objects.get(codename="add_deployment")
    ),
    "a permission of the group": lambda user: Group.objects.get(name="Viewer").permissions.add(
        Permission.objects.get(codename="add_deployment")
    ),
    "all": lambda user: User.objects.filter(pk=user.pk).update(is_superuser=True),
}


@pytest.mark.parametrize("what", GIVE)
def test_new_rights_count_at_once_under_another_key(
    browser: Client, viewer: User, what: str
) -> None:
    key = key_of(browser)
    assert browser.get("/deployments/new/", **BY_HAND).status_code == 403
    GIVE[what](viewer)
    # What refreshes itself sends the old key for a while: it has the rights, and keeps the key.
    assert browser.get("/deployments/new/", **POLL).status_code == 200
    assert key_of(browser) == key
    assert browser.get("/deployments/new/", **BY_HAND).status_code == 200
    changed = key_of(browser)
    assert changed != key
    assert not Session.objects.filter(session_key=key).exists()
    assert browser.get("/deployments/new/", **BY_HAND).status_code == 200
    assert key_of(browser) == changed


def test_lost_rights_are_lost_at_once(browser: Client, viewer: User) -> None:
    key = key_of(browser)
    User.objects.filter(pk=viewer.pk).update(is_staff=True)
    assert browser.get("/admin/", **BY_HAND).status_code == 200
    assert key_of(browser) != key
    User.objects.filter(pk=viewer.pk).update(is_staff=False)
    assert browser.get("/admin/", **BY_HAND).status_code == 403
    viewer.groups.clear()
    assert browser.get("/", **BY_HAND).status_code == 403
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    assert browser.get("/", **BY_HAND).status_code == 302


def test_the_times_are_the_installations(viewer: User) -> None:
    assert settings.SESSION_COOKIE_AGE == settings.ENVIRONMENT.session_seconds == 12 * 3600
    assert settings.ENVIRONMENT.session_idle_seconds == 3600
