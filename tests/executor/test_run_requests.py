"""What a run asks people is on its page and on the home page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executor.models import BlockResult, Status
from tests.deciding import ask, cast, join, waiting_run
from tests.executor.waiting_designs import perform, waiting_design

pytestmark = pytest.mark.django_db(transaction=True)
Browser = Callable[[User], Client]


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


def part(page: Any, name: str) -> str:
    """The section of that id; empty without it."""
    assert page.status_code == 200
    text: str = page.content.decode()
    return text.partition(f'id="{name}"')[2].partition("</section>")[0]


def test_a_run_shows_what_it_asks_and_what_was_decided(
    ana: User, operator: User, browser_of: Browser
) -> None:
    run = waiting_run()
    open_one = ask(run, block_id="pair", due_at=timezone.now() + timedelta(hours=1), required=2)
    decided = ask(run, question="Is it right?")
    cast(decided, ana, reason="by the contract")
    shown = part(browser_of(ana).get(f"/executions/{run.pk}/"), "run-requests")
    for text in (
        f"/requests/{open_one.pk}/", "asks finance", "0 of 2 approvals", "pair", "Decide",
        "ana approved", "by the contract",
    ):  # fmt: skip
        assert text in shown
    other = part(browser_of(operator).get(f"/executions/{run.pk}/"), "run-requests")
    assert "asks finance" in other
    assert "Decide<" not in other


def test_a_run_that_never_waited_asks_for_no_requests(operator: User, browser_of: Browser) -> None:
    run = waiting_run(status=Status.QUEUED, waiting_since=None)
    browser = browser_of(operator)
    with CaptureQueriesContext(connection) as asked:
        assert part(browser.get(f"/executions/{run.pk}/"), "run-requests") == ""
    assert not [one for one in asked if "decisionrequest" in one["sql"]]


def test_the_time_that_it_waits_is_no_time_that_it_took(
    operator: User, browser_of: Browser
) -> None:
    now = timezone.now()
    run = waiting_run(
        started_at=now - timedelta(hours=3, seconds=5),
        waiting_since=now - timedelta(hours=2),
        waited_ms=3_600_000,
    )
    facts = browser_of(operator).get(f"/executions/{run.pk}/").content.decode()
    facts = facts.partition('id="run-facts"')[2].partition("</dl>")[0]
    assert '<span data-spent="0">5.0 s</span>' in facts
    waited = facts.partition("<dt>Waited</dt>")[2].partition("</dd>")[0]
    assert "3 h" in waited


def test_the_history_says_whom_a_run_waits_for(operator: User, browser_of: Browser) -> None:
    run = waiting_run()
    for group in ("finance", "legal", "finance"):
        ask(run, group=group)
    waiting_run()
    with CaptureQueriesContext(connection) as asked:
        page = browser_of(operator).get("/executions/?status=waiting").content.decode()
    assert "Waits for finance, legal<" in page
    assert "Waits for its time<" in page
    assert len([one for one in asked if "decisionrequest" in one["sql"]]) <= 2


def test_home_says_in_which_block_a_run_waits(operator: User, browser_of: Browser) -> None:
    run = waiting_run()
    BlockResult.objects.create(execution=run, block_id="pair", status="waiting")
    running = part(browser_of(operator).get("/"), "running")
    assert "waiting in pair" in running


def test_home_lists_what_has_waited_longest_for_the_person(
    ana: User, operator: User, viewer: User, browser_of: Browser
) -> None:
    for number in range(7):
        ask(question=f"Question {number}?")
    mine = part(browser_of(ana).get("/"), "asked")
    assert "Waiting for your decision" in mine
    assert [number for number in range(7) if f"Question {number}?" in mine] == [0, 1, 2, 3, 4]
    assert part(browser_of(operator).get("/"), "asked") == ""
    seen = part(browser_of(viewer).get("/"), "asked")
    assert "Waiting for a decision" in seen
    assert "Question 0?" in seen


def test_a_block_that_waits_is_chosen_and_says_until_when(
    operator: User, browser_of: Browser, queue: Callable[..., Any], version_of: Any
) -> None:
    run = perform(queue(version_of(waiting_design())))
    shown = part(browser_of(operator).get(f"/executions/{run.pk}/"), "run-details")
    assert "Waits until <time" in shown
    assert "due_at" not in shown
