"""Two of three members approve from two browsers at once; whoever started the run may not; the last
request is decided without JavaScript.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.installations import PASSWORD, ROOT, Installation
from tests.journeys.conftest import PATIENCE_MS
from tests.services import plain_environment

PEOPLE = ("ana", "ben", "cleo")
PATH = "/journey/payment"
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "name": "Payment with two approvals",
    "input_schema": {
        "type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"],
    },
    "blocks": [
        {
            "id": "release",
            "type": "approval",
            "settings": {
                "group": "finance",
                "required": 2,
                "question": "Pay {{ input.amount }} EUR to ACME?",
                "form": {
                    "type": "object",
                    "properties": {"cost_centre": {"type": "string", "maxLength": 9}},
                    "required": ["cost_centre"],
                },
            },
        },
        {
            "id": "paid",
            "type": "transform",
            "settings": {"template": "Paid from {{ incoming.answers.cost_centre }}."},
        },
    ],
    "connections": [{"id": "c1", "source": "release", "target": "paid", "route": "approved"}],
}  # fmt: skip
SET_UP = f"""
import json
from django.contrib.auth.models import Group, User
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design
finance, _ = Group.objects.get_or_create(name="finance")
for name in {PEOPLE!r}:
    person, is_new = User.objects.get_or_create(username=name)
    person.set_password({PASSWORD!r})
    person.save()
    person.groups.set([Group.objects.get(name="Operator"), finance])
design = create_design(document=json.loads({json.dumps(DOCUMENT)!r}), caller=SYSTEM)
deployment = deploy_design(design=design, endpoint_path={PATH!r}, caller=SYSTEM)
print(deployment.pk)
"""


@pytest.fixture(scope="module")
def deployment(installation: Installation) -> str:
    """Its id; three people belong to the group that it asks."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", SET_UP],
        cwd=ROOT,
        env=plain_environment(dict(installation.variables)),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]


@pytest.fixture
def windows(
    browser: Browser, installation: Installation, deployment: str, tmp_path: Path
) -> Iterator[dict[str, Page]]:
    """A browser of each person, signed in; that of `plain` is cleo's without JavaScript."""
    found: dict[str, Page] = {}
    for name in (*PEOPLE, "plain"):
        context = browser.new_context(
            base_url=installation.address, java_script_enabled=name != "plain"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = found[name] = context.new_page()
        page.goto("/sign-in/")
        page.get_by_label("Username").fill("cleo" if name == "plain" else name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
    yield found
    for page in found.values():
        page.context.close()


def start(page: Page, deployment: str, amount: int) -> None:
    """The person starts a run, and is on its page."""
    page.goto(f"/deployments/{deployment}/execute/")
    page.get_by_label("amount").fill(str(amount))
    page.get_by_role("button", name="Execute", exact=True).click()
    page.get_by_role("link", name="Open this run").click()
    page.wait_for_url("**/executions/**")


def fill_in(page: Page, amount: int, cost_centre: str, reason: str) -> None:
    card = page.get_by_role("article", name=f"Pay {amount} EUR to ACME?")
    card.get_by_label("cost_centre").fill(cost_centre)
    card.get_by_label("Reason").fill(reason)


def press(page: Page, amount: int, verb: str = "Approve") -> None:
    card = page.get_by_role("article", name=f"Pay {amount} EUR to ACME?")
    card.get_by_role("button", name=verb).click(no_wait_after=True)


def test_two_of_three_approve_at_once_and_the_starter_may_not(
    windows: dict[str, Page], deployment: str
) -> None:
    ana, ben, cleo = (windows[name] for name in PEOPLE)
    start(ana, deployment, 1200)
    decisions = ana.get_by_role("region", name="Decisions")
    expect(decisions).to_contain_text("0 of 2 approvals")
    decisions.get_by_role("link", name="Pay 1200 EUR to ACME?").click()
    expect(ana.get_by_text("You started this run, so somebody else decides.")).to_be_visible()
    expect(ana.get_by_role("button", name="Approve")).to_have_count(0)

    for page in (ben, cleo):
        page.goto("/requests/?mine=1")
    expect(ben.get_by_role("navigation", name="Main")).to_contain_text("waiting for you")
    fill_in(ben, 1200, "17", "checked with ACME")
    # What is typed stays while the list refreshes.
    with cleo.expect_response(lambda answer: "/requests/" in answer.url):
        fill_in(cleo, 1200, "18", "it is in the budget")
    expect(cleo.get_by_label("Reason")).to_have_value("it is in the budget")
    press(ben, 1200)
    press(cleo, 1200)
    for page in (ben, cleo):
        expect(page.get_by_role("status")).to_contain_text("You approved: Pay 1200 EUR to ACME?")

    # The page of the request follows, and so does that of the run.
    expect(ana.get_by_text("checked with ACME")).to_be_visible()
    expect(ana.get_by_text("it is in the budget")).to_be_visible()
    ana.get_by_role("link", name="Open the run").click()
    expect(ana.get_by_role("region", name="Result")).to_contain_text("Paid from 1")
    expect(ana.get_by_role("region", name="Decisions")).to_contain_text("ben approved")


def test_without_javascript_a_request_is_decided_too(
    windows: dict[str, Page], deployment: str
) -> None:
    ana, ben, plain = windows["ana"], windows["ben"], windows["plain"]
    start(ana, deployment, 77)
    expect(ana.get_by_role("region", name="Decisions")).to_contain_text("0 of 2 approvals")
    plain.goto("/requests/")
    press(plain, 77)
    expect(plain.get_by_text("Give a reason.")).to_be_visible()
    expect(plain.get_by_text("This is required.")).to_be_visible()
    fill_in(plain, 77, "x", "too late in the year")
    press(plain, 77, "Reject")
    plain.wait_for_url("**/requests/")
    expect(plain.get_by_text("You rejected: Pay 77 EUR to ACME?")).to_be_visible()
    plain.goto("/requests/closed/")
    plain.get_by_role("link", name="Pay 77 EUR to ACME?").click()
    expect(plain.get_by_text("cleo rejected", exact=False)).to_be_visible()
    # Who comes late is told.
    ben.goto(plain.url)
    expect(ben.get_by_text("This is rejected by cleo.")).to_be_visible()
    expect(ana.get_by_role("alert")).to_contain_text("cleo rejected it: too late in the year")
