"""Locks of sign-ins are seen and lifted: in the admin by administrators, else by commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from orchestra.sign_in.limits import ADDRESS_LIMIT
from tests.admin_pages import act, text_of, url_of
from tests.orchestra.signing_in import HERE, THERE, attempt, fail, is_let_in

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
RECORDS = (AccessAttempt, AccessFailureLog, AccessLog)


@pytest.fixture
def browser(administrator: User, browser_of: Browser) -> Client:
    return browser_of(administrator)


def test_an_administrator_sees_and_lifts_a_lock(
    browser: Client, viewer: User, operator: User
) -> None:
    fail("viewer", 3, HTTP_USER_AGENT="one")
    fail("viewer", 2, HTTP_USER_AGENT="two")
    fail("operator", 1)
    page = browser.get(url_of(AccessAttempt, "changelist"), {"state": "locked"})
    assert page.context["cl"].result_count == 2
    assert "Locked, 5 minutes left" in text_of(page)
    assert "Lift the lock" in text_of(browser.get(url_of(AccessAttempt.objects.first())))
    page = browser.get(url_of(AccessAttempt, "changelist"), {"state": "counted"})
    assert [row.username for row in page.context["cl"].result_list] == ["operator"]
    # One of its rows stands for the whole lock.
    act(browser, AccessAttempt.objects.filter(username="viewer")[0], "lift_selected")
    assert is_let_in("viewer")
    assert AccessAttempt.objects.get().username == "operator"


def lift(browser: Client, row: AccessAttempt, verb: str) -> str:
    url = url_of(row).replace("/change/", f"/{verb}/")
    assert browser.get(url).status_code == 200
    assert AccessAttempt.objects.filter(pk=row.pk).exists()
    return text_of(browser.post(url, follow=True))


def test_a_lock_is_lifted_on_its_page(browser: Client, viewer: User) -> None:
    fail("viewer", 5)
    page = lift(browser, AccessAttempt.objects.get(), "lift")
    assert f"viewer can sign in from {HERE} at once" in page
    assert is_let_in("viewer")


def test_the_lock_of_an_address_is_lifted(browser: Client, viewer: User) -> None:
    for number in range(ADDRESS_LIMIT):
        fail(f"person{number}", 1)
    fail("viewer", 4, THERE)
    fail("viewer", 1)
    assert not is_let_in("viewer")
    row = AccessAttempt.objects.filter(ip_address=HERE)[0]
    assert "everybody can sign in" in lift(browser, row, "lift-address")
    assert AccessAttempt.objects.get().ip_address == THERE
    assert is_let_in("viewer")


def test_records_are_there_to_look_at_and_hold_no_password(browser: Client, viewer: User) -> None:
    attempt("viewer", "a secret that is wrong")
    is_let_in("viewer")
    attempt("viewer", "a secret that is wrong")
    for model in RECORDS:
        row = model.objects.filter(username="viewer").first()
        assert row is not None
        assert "a secret" not in str(model.objects.filter(pk=row.pk).values())
        assert browser.get(url_of(model, "add")).status_code == 403
        assert browser.post(url_of(row), {"username": "other"}).status_code == 403
        assert browser.post(url_of(row, "delete"), {"post": "yes"}).status_code == 403
        act(browser, row, "delete_selected", post="yes")
        row.refresh_from_db()
        assert row.username == "viewer"


def test_others_see_no_records_and_lift_nothing(
    make_user: Callable[..., User], browser_of: Browser
) -> None:
    fail("viewer", 5)
    row = AccessAttempt.objects.get()
    browser = browser_of(make_user("dora", "Deployer", "Designer", is_staff=True))
    for model in RECORDS:
        assert browser.get(url_of(model, "changelist")).status_code == 403
    for verb in ("lift", "lift-address"):
        url = url_of(row).replace("/change/", f"/{verb}/")
        assert browser.post(url).status_code == 403
    assert act(browser, row, "lift_selected").status_code == 403
    assert AccessAttempt.objects.filter(pk=row.pk).exists()


def test_the_only_administrator_is_let_in_by_a_command(administrator: User) -> None:
    for command in (
        ("axes_reset",),
        ("axes_reset_username", "administrator"),
        ("axes_reset_ip", HERE),
    ):
        fail("administrator", 5)
        assert not is_let_in("administrator")
        call_command(*command)
        assert is_let_in("administrator")
