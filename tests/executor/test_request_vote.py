"""Votes on the page, which works as plain forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executor.models import DecisionRequest, Execution, Status
from executor.views.request_cards import prefix_of
from tests.deciding import COST_CENTRE, ask, cast, join, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


@pytest.fixture
def browser(ana: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(ana)


def send(browser: Client, request: DecisionRequest, follow: bool = True, **posted: Any) -> Any:
    return browser.post(f"/requests/{request.pk}/vote/", posted, follow=follow)


def filled(request: DecisionRequest, cost_centre: str, **more: Any) -> dict[str, Any]:
    """What the form of COST_CENTRE posts."""
    prefix = prefix_of(request)
    return {
        f"{prefix}:mode": "form", f"{prefix}:base": "{}", f"{prefix}:/cost_centre": cost_centre,
        **more,
    }  # fmt: skip


def test_a_vote_decides_and_says_so(browser: Client) -> None:
    request = ask()
    page = send(browser, request, verdict="approve", reason="fine")
    assert page.redirect_chain == [("/requests/", 302)]
    assert "You approved: Pay 1,200 EUR to ACME?" in page.content.decode()
    request.refresh_from_db()
    assert request.status == "approved"
    assert Execution.objects.get(pk=request.execution_id).status == Status.QUEUED
    assert "Approved" in browser.get(f"/requests/{request.pk}/").content.decode()


def test_who_comes_late_is_told_by_whom_it_was_decided(
    browser: Client, make_user: Callable[..., User]
) -> None:
    request = ask()
    ben = make_user("ben", "Operator")
    join("finance", ben)
    cast(request, ben, reason="I looked")
    page = send(browser, request, verdict="reject")
    assert page.redirect_chain == [(f"/requests/{request.pk}/", 302)]
    text = page.content.decode()
    assert "This is approved by ben." in text
    assert "I looked" in text
    assert request.votes.count() == 1


def test_the_starters_own_vote_is_refused(browser: Client, ana: User) -> None:
    request = ask(waiting_run(user=ana))
    page = send(browser, request, verdict="approve")
    assert "somebody else decides" in page.content.decode()
    assert request.votes.count() == 0


def test_the_form_is_filled_in(browser: Client) -> None:
    request = ask(form=COST_CENTRE)
    assert prefix_of(request) in browser.get(f"/requests/{request.pk}/").content.decode()
    send(browser, request, **filled(request, "17", verdict="approve"))
    assert request.votes.get().answers == {"cost_centre": "17"}


@pytest.mark.parametrize("verdict", ["approve", "reject", "", "done"])
def test_what_is_missing_is_said_and_what_was_typed_stays(browser: Client, verdict: str) -> None:
    request = ask(form=COST_CENTRE, needs_reason=True)
    posted = filled(request, "1", verdict=verdict, reason=" ")
    page = send(browser, request, **posted)
    assert page.status_code == 422
    text = page.content.decode()
    assert 'aria-invalid="true"' in text
    assert "\n1</textarea>" in text
    # Or it would take away what was typed.
    assert "hx-get" not in text.partition('id="requests"')[2].partition(">")[0]
    assert request.votes.count() == 0


def test_buttons_of_the_form_decide_nothing(browser: Client) -> None:
    request = ask(form=COST_CENTRE)
    posted = filled(request, "17", reason="typed")
    page = send(browser, request, **{**posted, f"{prefix_of(request)}:do": "json"})
    assert page.status_code == 200
    assert "&quot;17&quot;" in page.content.decode()
    assert "typed" in page.content.decode()
    broken = {f"{prefix_of(request)}:mode": "json", prefix_of(request): "{", "verdict": "approve"}
    assert send(browser, request, **broken).status_code == 422
    assert request.votes.count() == 0


def test_an_unknown_outcome_has_its_own_buttons(browser: Client) -> None:
    request = ask(kind="unknown_outcome", tool="crm.send_mail")
    page = browser.get(f"/requests/{request.pk}/").content.decode()
    assert [word for word in ("done", "again", "fail", "approve") if f'value="{word}"' in page] == [
        "done", "again", "fail",
    ]  # fmt: skip
    assert send(browser, request, verdict="done", result="sent").status_code == 422
    send(browser, request, verdict="done", result="sent", reason="in the outbox")
    request.refresh_from_db()
    assert request.answer == {"decision": "done", "by": "ana", "result": "sent"}


def test_odd_texts_are_no_fault(browser: Client) -> None:
    request = ask(needs_reason=True)
    for posted in ({"verdict": "approve", "reason": "\0"}, {"verdict": "\0", "reason": "x"}):
        assert send(browser, request, **posted).status_code == 422
    assert browser.get(f"/requests/{request.pk}/vote/").status_code == 405
    assert browser.get("/requests/?page=x&mine=%00").status_code == 200


def test_reading_never_decides(browser: Client) -> None:
    request = ask()
    for query in ("", "?verdict=approve", "?mine=1&verdict=approve"):
        browser.get(f"/requests/{request.pk}/{query}")
        browser.get(f"/requests/{query}")
    assert request.votes.count() == 0
