"""A session is kept awake by a person only, and one that ended leads to sign in and back."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, Request, expect

from tests.installations import PASSWORD, Installation


def is_part(request: Request) -> bool:
    return "hx-request" in request.headers


def by_hand(request: Request) -> bool:
    return "x-by-hand" in request.headers


def sign_in(page: Page) -> None:
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_only_what_a_person_does_is_marked(signed_in: Page):
    page = signed_in
    with page.expect_request(is_part) as refreshed:
        page.goto("/")
    assert not by_hand(refreshed.value)
    page.goto("/executions/")
    with page.expect_request(is_part) as typed:
        page.locator("#id_text").press_sequentially("a")
    assert by_hand(typed.value)


def test_an_ended_session_leads_to_sign_in_and_back(
    signed_in: Page, browser: Browser, installation: Installation
):
    page = signed_in
    page.goto("/schedules/?text=a")
    elsewhere = browser.new_context(base_url=installation.address)
    other = elsewhere.new_page()
    other.goto("/sign-in/?next=/account/")
    sign_in(other)
    expect(other.get_by_text("This session")).to_be_visible()
    other.get_by_role("button", name="Sign out other sessions").click()
    expect(other.get_by_role("status")).to_contain_text("ended")
    expect(other.get_by_role("button", name="Sign out other sessions")).to_have_count(0)
    elsewhere.close()

    # The page refreshes itself within five seconds.
    page.wait_for_url(re.compile(r"/sign-in/\?next=%2Fschedules%2F%3Ftext%3Da$"))
    sign_in(page)
    page.wait_for_url("**/schedules/?text=a")
    page.locator("summary", has_text="admin").click()
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    page.get_by_role("link", name="Change password").click()
    expect(page.get_by_label("Present password")).to_be_focused()
