"""Cookies hold what anybody likes: what is no session's key is asked nobody, and is no fault."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orchestra.sign_in.session_store import SessionStore

pytestmark = pytest.mark.django_db

# In quotes, a backslash with three digits stands for any byte.
COOKIES = (
    'sessionid="abcdefgh\\000ijk"; csrftoken="\\000"; messages="\\000"',
    'sessionid="\\377\\376abcdefghij"',
    "sessionid=" + "x" * 4_000,
    "sessionid=ABCDEFGHIJKLMNOPQRSTUVWXYZ123456",
)


@pytest.mark.parametrize("cookie", COOKIES)
@pytest.mark.parametrize("url", ["/", "/sign-in/", "/api/designs", "/api/deployed/x", "/admin/"])
def test_odd_cookies_are_nobodys(url: str, cookie: str) -> None:
    answer = Client().get(url, headers={"cookie": cookie})
    assert answer.status_code == (200 if url == "/sign-in/" else 401 if "/api/" in url else 302)


def test_a_session_that_was_made_here_is_known(viewer: User) -> None:
    browser = Client()
    browser.force_login(viewer)
    assert browser.get("/").status_code == 200
    key = browser.session.session_key
    assert SessionStore(key).session_key == key
    assert SessionStore(f"{key}\0").session_key is None
