"""What browsers can be lured into: asking changes nothing, and all else needs a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.auditing.audit import Action, AuditEntry
from tests.access_routes import make_world
from tests.orchestra.walking import (
    admin_addresses,
    api_calls,
    contents,
    page_addresses,
    send,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def root(make_user: Callable[..., User]) -> User:
    """A person whom nothing but the method can be refused."""
    return make_user("root", "Administrator", is_superuser=True, is_staff=True)


def signed_in(user: User) -> Client:
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(user)
    return browser


def test_without_a_token_nothing_changes(root: User) -> None:
    world = make_world(root)
    browser = signed_in(root)
    urls = page_addresses(world) + admin_addresses()
    calls = [(method, url) for method in CHANGING for url in urls]
    calls += [call for call in api_calls(world) if call[0] in CHANGING]
    before = contents()
    answers = {(method, url): send(browser, method, url) for method, url in calls}
    # Health knows no person, and no method that changes anything.
    assert answers.pop(("POST", "/api/health/live")) == 405
    assert {call: status for call, status in answers.items() if status != 403} == {}
    assert contents() == before
    assert len(answers) > 400


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil"])
def test_nor_does_it_with_the_token_of_a_page_elsewhere(root: User, origin: str) -> None:
    browser = signed_in(root)
    browser.get("/account/password/")
    token = browser.cookies["csrftoken"].value
    answer = browser.post(
        "/account/sessions/end/", {"csrfmiddlewaretoken": token}, HTTP_ORIGIN=origin
    )
    assert answer.status_code == 403
    assert browser.post("/account/sessions/end/", {"csrfmiddlewaretoken": token}).status_code == 302


def test_asking_changes_nothing(root: User) -> None:
    world = make_world(root)
    browser = signed_in(root)
    urls = page_addresses(world) + admin_addresses()
    urls += [url for method, url in api_calls(world) if method == "GET"]
    before = contents()
    recorded = set(AuditEntry.objects.values_list("pk", flat=True))
    answers = {}
    for url in urls:
        answers[url] = send(browser, "GET", url)
        send(browser, "HEAD", url)
    after = contents()
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
    # Taking something away is no change, but is recorded.
    done = AuditEntry.objects.exclude(pk__in=recorded).values_list("action", flat=True)
    assert set(done) == {Action.EXPORT}
    assert {url: status for url, status in answers.items() if status >= 500} == {
        "/api/health/ready": 503
    }
    # Most of them did show something.
    assert Counter(answers.values())[200] > 100


def test_the_walk_would_see_a_change(root: User) -> None:
    before = contents()
    root.first_name = "Ruth"
    root.save()
    after = contents()
    assert [name for name in after if after[name] != before[name]] == ["auth.User"]
