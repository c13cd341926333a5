"""A person signs in, deploys a design under a path of its own, runs it, reads the result."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.installations import Installation

PATH = "/journeys/pipeline"


def deploy(page: Page, design: str, path: str) -> None:
    page.goto("/deployments/new/")
    choice = page.get_by_label("Design", exact=True)
    label = choice.locator("option", has_text=design).first.inner_text()
    choice.select_option(label=label)
    page.get_by_label("Endpoint path").fill(path)
    page.get_by_role("button", name="Deploy").click()
    page.wait_for_url(re.compile(r"/deployments/(?!new)"))


def test_from_sign_in_to_the_result(signed_in: Page, installation: Installation):
    page = signed_in
    path, key, example = installation.sample
    deploy(page, "pipeline", PATH)

    page.goto("/deployments/")
    card = page.get_by_role("article").filter(has_text=PATH)
    expect(card).to_be_visible()
    card.get_by_role("link", name="Execute").click()
    expect(page).to_have_url(re.compile(r"/deployments/[0-9a-f-]{36}/execute/"))
    box = page.get_by_label(re.compile("input", re.IGNORECASE)).first
    given = json.loads(box.input_value())
    box.fill(json.dumps(given))
    page.get_by_role("button", name="Execute").click()

    expect(page).to_have_url(re.compile(r"/executions/[0-9a-f-]{36}/"))
    expect(page.get_by_text("completed", exact=False).first).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Result")

    page.goto("/executions/")
    row = page.get_by_role("row").filter(has_text=PATH).first
    expect(row).to_contain_text(re.compile("completed", re.IGNORECASE))
