"""A part of a page that refreshes: only when it has changed, and only for who may see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.services import create_design, publish_design
from executor.acceptance.runs import Order, enqueue
from executor.models import Trigger
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


def part(browser: Client, seen: str = "") -> Any:
    return browser.get("/", HTTP_HX_REQUEST="true", HTTP_X_SEEN=seen)


def test_what_is_unchanged_is_not_sent_again(viewer: User, browser_of: Browser) -> None:
    browser = browser_of(viewer)
    first = part(browser)
    assert b"<html" not in first.content
    same = part(browser, first["X-Seen"])
    assert (same.status_code, same.content) == (204, b"")
    version = publish_design(
        design=create_design(document=doubling(), caller=SYSTEM), caller=SYSTEM
    )
    run = enqueue(Order(version, {"number": 1}, Trigger.MANUAL, SYSTEM))
    changed = part(browser, first["X-Seen"])
    assert changed.status_code == 200
    assert str(run.pk) in changed.content.decode()
    assert changed["X-Seen"] != first["X-Seen"]


def test_a_whole_page_is_always_sent(viewer: User, browser_of: Browser) -> None:
    browser = browser_of(viewer)
    seen = part(browser)["X-Seen"]
    assert b"<html" in browser.get("/", HTTP_X_SEEN=seen).content


def test_rights_are_checked_each_time(viewer: User, browser_of: Browser) -> None:
    browser = browser_of(viewer)
    seen = part(browser)["X-Seen"]
    viewer.groups.clear()
    assert part(browser, seen).status_code == 403
    browser.logout()
    ended = part(browser, seen)
    assert ended["HX-Redirect"].startswith("/sign-in/")
