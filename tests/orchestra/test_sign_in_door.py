"""One door for people: the admin's sign-in leads to it, and it leads nowhere but to us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import PASSWORD
from tests.orchestra.signing_in import attempt

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
Browser = Callable[[User], Client]

# Spellings that one browser or another reads as an address of somebody else, or as a script.
ELSEWHERE = [
    "http://evil.example", "https://evil.example/", "HTTPS://EVIL.EXAMPLE", "//evil.example",
    "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\\/evil.example", "/\\\\evil.example", "\\evil.example", "http:evil.example",
    "http:/evil.example", "https:evil.example", "https:/evil.example", "http:\\\\evil.example",
    "http:///evil.example", "https:///evil.example/", "http://testserver@evil.example",
    "https://testserver@evil.example/", "//testserver@evil.example", "http://testserver.evil.example",
    "//testserver.evil.example", "http://evil.example#testserver", "http://evil.example?testserver",
    "http://evil.example\\@testserver/", "http://evil.example\\testserver", "http://user:pw@evil.example",
    "//evil.example:80", "//evil.example%2f", "http://[::1]", "//[::1]/", "http://127.0.0.1",
    "//2130706433", "ftp://testserver/", "ftp://evil.example", "javascript:alert(1)",
    "JavaScript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)",
    "\x01javascript:alert(1)", "javascript://testserver/%0aalert(1)", "data:text/html,x",
    "vbscript:x", "blob:http://testserver/x", "file:///etc/passwd", "mailto:x@evil.example",
    " //evil.example", "\t//evil.example", "\n//evil.example", "/\t/evil.example",
    "/\n/evil.example", "/\r/evil.example", "//\tevil.example", "ht\ntp://evil.example",
    "http://evil。example", "//evil．example", "//\u2f0fevil.example", "http://ｅvil.example",
    "http://[evil.example", "http://%65vil.example", "//evil.example/..;/", "://evil.example",
]  # fmt: skip


def leads_away(location: str) -> bool:
    """As browsers read it: without tabs and line ends, and with a backslash for a slash."""
    read = location.strip().translate({9: None, 10: None, 13: None}).replace("\\", "/")
    parts = urlsplit(read)
    return bool(parts.scheme) or read.startswith("//") or parts.netloc not in ("", "testserver")


def test_the_list_is_long_and_does_lead_away() -> None:
    assert len(set(ELSEWHERE)) >= 60
    assert not leads_away("/deployments/?text=a")
    assert leads_away("//evil.example")
    assert leads_away("/\\evil.example")


@pytest.mark.parametrize("where", ELSEWHERE)
def test_no_spelling_leads_away(viewer: User, browser_of: Browser, where: str) -> None:
    after_sign_in = attempt("viewer", PASSWORD, data={"next": where})
    asked = f"?next={quote(where)}"
    inside = browser_of(viewer)
    answers = [
        after_sign_in,
        inside.get(f"/sign-in/{asked}"),
        Client().get(f"/admin/login/{asked}"),
        inside.post(f"/sign-out/{asked}"),
        browser_of(viewer).post("/sign-out/", {"next": where}),
    ]
    for answer in answers:
        assert answer.status_code == 302
        assert not leads_away(answer["Location"]), answer["Location"]
        assert "evil" not in answer["Location"]
    page = Client().get(f"/sign-in/{asked}").content.decode()
    assert 'name="next" value=""' in page


def test_the_way_back_is_kept(viewer: User) -> None:
    browser = Client()
    asked = browser.get("/deployments/", {"text": "a b"})
    page = browser.get(asked["Location"])
    assert 'name="next" value="/deployments/?text=a+b"' in page.content.decode()
    data = {"next": page.context["next"]}
    assert attempt("viewer", PASSWORD, data=data)["Location"] == "/deployments/?text=a+b"


def test_the_admin_has_no_door_of_its_own(administrator: User) -> None:
    browser = Client()
    answer = browser.get("/admin/auth/user/?q=a", follow=True)
    assert answer.redirect_chain[-1][0] == "/sign-in/?next=%2Fadmin%2Fauth%2Fuser%2F%3Fq%3Da"
    data = {"next": answer.context["next"]}
    signed_in = attempt("administrator", PASSWORD, browser=browser, data=data)
    assert signed_in["Location"] == "/admin/auth/user/?q=a"
    assert browser.get(signed_in["Location"]).status_code == 200
    # A form that an open page of an older release still has, signs nobody in.
    data = {"username": "administrator", "password": PASSWORD}
    assert "sessionid" not in Client().post("/admin/login/", data).cookies
    assert browser.get("/admin/login/")["Location"] == "/admin/"


def test_who_is_no_staff_is_told_so(viewer: User, browser_of: Browser) -> None:
    browser = browser_of(viewer)
    for path in ("/admin/", "/admin/auth/user/", "/admin/login/?next=/admin/"):
        answer = browser.get(path)
        assert answer.status_code == 403, path
        assert "The admin is for staff" in answer.content.decode()
    assert browser.get("/", follow=True).status_code == 200


def test_signing_out_of_the_admin(administrator: User, browser_of: Browser) -> None:
    browser = browser_of(administrator)
    assert "Your account" in browser.get("/admin/").content.decode()
    assert browser.get("/admin/password_change/")["Location"] == "/account/password/"
    assert browser.get("/admin/logout/").status_code == 405
    assert browser.get("/admin/").status_code == 200
    assert browser.post("/admin/logout/")["Location"] == "/sign-in/"
    assert browser.get("/admin/").status_code == 302


def test_other_refusals_have_their_own_words(
    make_user: Callable[..., User], browser_of: Browser
) -> None:
    page: Any = browser_of(make_user("nobody")).get("/deployments/")
    assert page.status_code == 403
    assert "Ask an administrator to add you to a group" in page.content.decode()
