"""One's own account: rights in words, a new password, and other sessions that are ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from orchestra.sign_in.sessions import program_of
from tests.admin_pages import saved, text_of
from tests.conftest import PASSWORD
from tests.orchestra.signing_in import HERE, THERE, attempt, is_let_in

pytestmark = pytest.mark.django_db
NEW = "another horse battery staple"
URL = "/account/password/"


def signed_in(name: str = "viewer", address: str = HERE, agent: str = "") -> Client:
    browser = Client()
    assert (
        attempt(name, PASSWORD, address, browser=browser, HTTP_USER_AGENT=agent).status_code == 302
    )
    return browser


def passwords(old: str = PASSWORD, new: str = NEW, again: str = NEW) -> dict[str, str]:
    return {"old_password": old, "new_password1": new, "new_password2": again}


def is_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def test_the_account_says_what_one_may(viewer: User) -> None:
    page = text_of(signed_in().get("/account/"))
    assert "See designs, deployments and the history" in page
    assert "Viewer" in page
    assert 'href="/account/"' in text_of(signed_in().get("/"))


def test_without_rights_and_with_all(make_user: Callable[..., User]) -> None:
    make_user("nobody")
    assert "ask an administrator" in text_of(signed_in("nobody").get("/account/"))
    make_user("root", is_superuser=True)
    assert "Everything, including" in text_of(signed_in("root").get("/account/"))


def test_a_new_password_ends_all_other_sessions(viewer: User, operator: User) -> None:
    browser, other, foreign = signed_in(), signed_in(), signed_in("operator")
    key = browser.cookies["sessionid"].value
    answer = browser.post(URL, passwords(), follow=True)
    assert "Your password is changed, and all other sessions are ended." in text_of(answer)
    assert browser.cookies["sessionid"].value != key
    assert is_in(browser)
    assert not is_in(other)
    assert is_in(foreign)
    assert Session.objects.count() == 2
    viewer.refresh_from_db()
    assert viewer.check_password(NEW)


def test_a_password_set_by_an_administrator_ends_all_sessions(
    viewer: User, administrator: User
) -> None:
    browser, boss = signed_in(), signed_in("administrator")
    data = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    boss.post(f"/admin/auth/user/{viewer.pk}/password/", data)
    assert not is_in(browser)
    assert is_in(boss)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (passwords(old="wrong"), "not your present password"),
        (passwords(again="something else entirely"), "match"),
        (passwords(new="short", again="short"), "too short"),
        (passwords(new="password123", again="password123"), "too common"),
        (passwords(new="viewer12", again="viewer12"), "too similar"),
        (passwords(new="\0" * 12, again="\0" * 12), "Null characters"),
        ({}, "required"),
    ],
)
def test_what_is_wrong_is_said(viewer: User, given: dict[str, str], said: str) -> None:
    browser = signed_in()
    answer = browser.post(URL, given)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert PASSWORD not in text_of(answer)
    viewer.refresh_from_db()
    assert viewer.check_password(PASSWORD)
    assert is_in(browser)


def test_the_present_password_is_guessed_no_faster_than_at_the_door(viewer: User) -> None:
    browser = signed_in()
    statuses = [
        browser.post(URL, passwords(old="wrong"), REMOTE_ADDR=HERE).status_code for _ in range(6)
    ]
    assert statuses == [422, 422, 422, 422, 429, 429]
    assert browser.post(URL, passwords(), REMOTE_ADDR=HERE).status_code == 429
    assert not is_let_in("viewer")
    assert is_in(browser)


def test_a_right_password_is_no_failure(viewer: User) -> None:
    browser = signed_in()
    for _ in range(8):
        answer = browser.post(URL, passwords(again="something else entirely"), REMOTE_ADDR=HERE)
        assert answer.status_code == 422
    assert not AccessAttempt.objects.exists()


def test_other_sessions_are_seen_and_ended(viewer: User, operator: User) -> None:
    here = signed_in()
    phone = signed_in("viewer", THERE, "Mozilla/5.0 (Android 15; Mobile) Firefox/130.0")
    tablet, foreign = signed_in("viewer", "2001:db8::7"), signed_in("operator")
    page = here.get("/account/")
    found = page.context["sessions"]
    assert [one.is_current for one in found] == [True, False, False]
    assert {one.address for one in found} == {HERE, THERE, "2001:db8::7"}
    assert "Firefox on Android" in text_of(page)
    for one in found:
        assert not Session.objects.filter(session_key=one.name).exists()
    name = next(one.name for one in found if one.address == THERE)
    answer = here.post("/account/sessions/end/", {"session": name}, follow=True)
    assert "1 session is ended." in text_of(answer)
    assert [is_in(one) for one in (here, phone, tablet, foreign)] == [True, False, True, True]
    here.post("/account/sessions/end/")
    assert [is_in(one) for one in (here, phone, tablet, foreign)] == [True, False, False, True]


def test_nobody_ends_the_sessions_of_others(viewer: User, operator: User) -> None:
    here, foreign = signed_in(), signed_in("operator")
    name = foreign.get("/account/").context["sessions"][0].name
    for given in (name, foreign.cookies["sessionid"].value, "x", "\0"):
        answer = here.post("/account/sessions/end/", {"session": given}, follow=True)
        assert "had already ended" in text_of(answer)
    assert is_in(foreign)


def test_who_is_not_signed_in_goes_to_sign_in(client: Client) -> None:
    for path in ("/account/", URL):
        assert client.get(path)["Location"] == f"/sign-in/?next={path}"
    assert client.post("/account/sessions/end/").status_code == 302
    assert client.get("/account/sessions/end/").status_code == 405


def test_an_administrators_own_password_is_changed_here(administrator: User) -> None:
    browser = signed_in("administrator")
    saved(browser, f"/admin/auth/user/{administrator.pk}/change/", first_name="Ada")
    assert "(Ada)" in text_of(browser.get("/account/"))
    assert browser.post(URL, passwords()).status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_programs_in_words() -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    assert program_of(chrome) == "Chrome on Linux"
    assert program_of(f"{chrome} Edg/140.0") == "Edge on Linux"
    assert program_of("curl/8.5.0") == "curl"
    assert program_of("") == "Unknown client"
