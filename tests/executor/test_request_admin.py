"""Requests, votes and intents in the admin: to be read, by those who may, and never changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from executor.models import DecisionRequest, ToolIntent
from tests.deciding import COST_CENTRE, ask, cast, join, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)
HIDDEN = "zebra"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def request_with_vote(make_user: Callable[..., User]) -> DecisionRequest:
    ana = make_user("ana", "Operator")
    join("finance", ana)
    request = ask(form=COST_CENTRE, shown={"animal": HIDDEN})
    return cast(request, ana, answers={"cost_centre": f"{HIDDEN}-17"}, reason="checked")


def test_a_request_is_shown_with_its_votes(
    administrator: User, browser_of: Callable[[User], Client], request_with_vote: DecisionRequest
) -> None:
    browser = browser_of(administrator)
    url = "/admin/executor/decisionrequest/"
    assert "Pay 1,200 EUR" in text_of(browser.get(url))
    page = text_of(browser.get(f"{url}{request_with_vote.pk}/change/"))
    for text in ("ana", "checked", HIDDEN, f"{HIDDEN}-17", "approved"):
        assert text in page
    for path in ("add/", f"{request_with_vote.pk}/delete/"):
        assert browser.get(f"{url}{path}").status_code == 403
    assert browser.post(f"{url}{request_with_vote.pk}/change/", {}).status_code == 403


def test_what_is_shown_is_hidden_from_who_sees_no_payloads(
    make_user: Callable[..., User],
    browser_of: Callable[[User], Client],
    request_with_vote: DecisionRequest,
) -> None:
    browser = browser_of(make_user("vera", "Viewer", is_staff=True))
    page = text_of(browser.get(f"/admin/executor/decisionrequest/{request_with_vote.pk}/change/"))
    assert "checked" in page
    assert HIDDEN not in page


def test_requests_and_intents_of_hidden_deployments_are_not_there(
    make_user: Callable[..., User], browser_of: Callable[[User], Client]
) -> None:
    run = waiting_run()
    hidden = ask(run)
    intent = ToolIntent.objects.create(execution=run, key="a/1/tool.1", tool="crm.send")
    browser = browser_of(make_user("olga", "Operator", is_staff=True))
    addresses = [
        f"/admin/executor/decisionrequest/{hidden.pk}/change/",
        f"/admin/executor/toolintent/{intent.pk}/change/",
    ]
    assert [browser.get(url).status_code for url in addresses] == [200, 200]
    run.deployment.groups.set([Group.objects.create(name="elsewhere")])  # type: ignore[union-attr]
    assert [browser.get(url).status_code for url in addresses] == [302, 302]
    assert "crm.send" not in text_of(browser.get("/admin/executor/toolintent/"))
