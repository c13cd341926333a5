"""The page of open requests, that of closed ones, and the number in the side bar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executor.models import DecisionRequest
from tests.deciding import COST_CENTRE, ask, cast, join, waiting_run, waiting_try

pytestmark = pytest.mark.django_db(transaction=True)
Browser = Callable[[User], Client]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return answer.content.decode()


def test_it_lists_by_due_time_with_what_is_needed_to_decide(
    ana: User, operator: User, browser_of: Browser
) -> None:
    soon, late = (timezone.now() + timedelta(hours=hours) for hours in (1, 48))
    ask(question="Never?")
    ask(question="Late?", due_at=late)
    first = ask(
        waiting_run(user=operator), question="Soon?", due_at=soon, required=2, form=COST_CENTRE
    )
    page = text_of(browser_of(ana).get("/requests/"))
    places = [page.index(text) for text in ("Soon?", "Late?", "Never?")]
    assert places == sorted(places)
    assert page.count('value="approve"') == page.count('value="reject"') == 3
    for text in ("started by operator", "1200", "0 of 2 approvals", "finance"):
        assert text in page
    assert first.execution is not None
    assert first.execution.deployment.endpoint_path in page
    assert "cost_centre" in page


def test_who_may_not_decide_reads_why_and_gets_no_buttons(
    ana: User, viewer: User, operator: User, browser_of: Browser
) -> None:
    ask(waiting_run(user=ana))
    for user, why in (
        (ana, "somebody else decides"), (operator, "Members of the group finance"),
        (viewer, "do not include the right"),
    ):  # fmt: skip
        page = text_of(browser_of(user).get("/requests/"))
        assert why in page
        assert 'name="verdict"' not in page
    assert "1200" not in text_of(browser_of(viewer).get("/requests/"))


def test_what_runs_say_is_text(ana: User, browser_of: Browser) -> None:
    ask(question=HOSTILE, shown={HOSTILE: HOSTILE}, block_id=HOSTILE, tool=HOSTILE)
    page = text_of(browser_of(ana).get("/requests/"))
    assert "<img" not in page
    assert "&lt;img" in page


def test_only_those_that_wait_for_me(ana: User, browser_of: Browser) -> None:
    ask(question="Mine?")
    ask(question="Of legal?", group="legal")
    voted = ask(question="Voted on?", required=2)
    cast(voted, ana)
    page = text_of(browser_of(ana).get("/requests/?mine=1"))
    assert "Mine?" in page
    assert "Of legal?" not in page
    assert "Voted on?" not in page
    DecisionRequest.objects.all().delete()
    assert "Nothing waits for you" in text_of(browser_of(ana).get("/requests/?mine=1"))
    assert "No run waits for a person" in text_of(browser_of(ana).get("/requests/"))


def test_closed_ones_are_on_a_tab_of_their_own(ana: User, browser_of: Browser) -> None:
    assert "Nothing has been decided" in text_of(browser_of(ana).get("/requests/closed/"))
    for verdict in ("approve", "reject"):
        cast(ask(waiting_try(), question=f"{verdict} this?"), ana, verdict)
    ask(question="Open?")
    page = text_of(browser_of(ana).get("/requests/closed/"))
    for text in ("approve this?", "reject this?", "Approved", "Rejected", "ana"):
        assert text in page
    assert "Open?" not in page
    assert "approve this?" not in text_of(browser_of(ana).get("/requests/"))


def test_nobody_sees_what_is_hidden(
    ana: User, make_user: Callable[..., User], browser_of: Browser
) -> None:
    hidden = ask(question="Hidden?")
    assert hidden.execution is not None
    hidden.execution.deployment.groups.set([Group.objects.create(name="elsewhere")])
    browser = browser_of(ana)
    assert "Hidden?" not in text_of(browser.get("/requests/"))
    assert browser.get(f"/requests/{hidden.pk}/").status_code == 404
    assert browser.post(f"/requests/{hidden.pk}/vote/").status_code == 404
    assert browser_of(make_user("nobody")).get("/requests/").status_code == 403


def test_the_side_bar_counts_what_waits_for_the_person(
    ana: User, operator: User, browser_of: Browser
) -> None:
    ask(required=2)
    own = ask(waiting_run(user=ana))

    def number(user: User) -> str:
        cache.clear()
        page = text_of(browser_of(user).get("/side/", HTTP_HX_REQUEST="true"))
        parts = page.partition('href="/requests/"')[2].partition("</a>")[0]
        return parts.partition('<span class="badge accent">')[2].partition("<")[0]

    assert [number(ana), number(operator)] == ["1", ""]
    cast(DecisionRequest.objects.exclude(pk=own.pk).get(), ana)
    assert number(ana) == ""


def test_more_requests_cost_no_more_queries(ana: User, browser_of: Browser) -> None:
    browser = browser_of(ana)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            text_of(browser.get("/requests/"))
        return len(asked)

    ask()
    queries()
    few = queries()
    for _ in range(4):
        cast(ask(required=2), ana)
    assert queries() == few
    htmx = {"HTTP_HX_REQUEST": "true"}
    part = browser.get("/requests/", **htmx)
    assert "<html" not in text_of(part)
    assert browser.get("/requests/", HTTP_X_SEEN=part["X-Seen"], **htmx).status_code == 204
