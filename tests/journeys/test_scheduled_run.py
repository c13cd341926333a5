"""A schedule that is typed into the form runs by itself and leaves its traces."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.waiting import wait_until


def test_a_schedule_runs_and_shows(signed_in: Page) -> None:
    page = signed_in
    page.goto("/deployments/new/")
    page.get_by_label("Design", exact=True).select_option(label="Data pipeline")
    expect(page.get_by_label("Endpoint path")).to_have_value("/data-pipeline")
    page.get_by_label("Endpoint path").fill("/journeys/scheduled")
    page.get_by_label("Schedule", exact=True).select_option("interval")
    page.get_by_label("Every", exact=True).fill("2")
    page.get_by_label("Unit").select_option("seconds")
    expect(page.locator("#preview")).to_contain_text("every 2 seconds")
    page.get_by_role("button", name="JSON", exact=True).click()
    page.get_by_label("Input of its runs, as JSON").fill('{"rows": [{"name": "a", "amount": 1}]}')
    page.get_by_role("button", name="Deploy").click()
    page.wait_for_url(re.compile(r"/deployments/[0-9a-f-]{36}/"))

    expect(page.get_by_role("main")).to_contain_text("every 2 seconds")
    completed = page.get_by_role("row").filter(has_text="/journeys/scheduled")
    completed = completed.filter(has_text="Completed")

    def is_shown() -> bool:
        page.wait_for_timeout(500)
        page.goto("/executions/?trigger_type=scheduled")
        return completed.count() > 0

    wait_until(is_shown)
    page.goto("/schedules/")
    expect(page.get_by_role("main")).to_contain_text("Ran")

    page.goto("/deployments/?view=cards")
    card = page.get_by_role("article").filter(has_text="/journeys/scheduled")
    card.locator("summary").click()
    card.get_by_role("link", name="Undeploy").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_contain_text("history stays")
