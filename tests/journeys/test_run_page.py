"""A run that fails is understood, mended and resumed, and its text is read while it is written."""

from __future__ import annotations

import re
import threading

from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys.designing import agent, call
from tests.journeys.models import connected, spoken
from tests.model_server import fails, model_server, says

HOSTILE = "<img src=x onerror=alert(1)>"


def asking(block_id: str, label: str) -> dict[str, object]:
    agents = [{**agent("Ann"), "model": "mended"}]
    task = {"task": "Write.", "retries": 0}
    return {"id": block_id, "type": "sequential", "label": label, "agents": agents, **task}


def test_a_failed_run_is_mended_and_goes_on_where_it_failed(
    signed_in: Page, browser: Browser
) -> None:
    page = signed_in
    is_read = threading.Event()
    document = {
        "schema": 1,
        "blocks": [asking("plan", f"Plan {HOSTILE}"), asking("letter", f"Letter {HOSTILE}")],
        "connections": [{"id": "c", "source": "plan", "target": "letter"}],
    }
    with model_server() as server, connected(page, "mended", server.url):
        server.then(says(f"A plan {HOSTILE}")).usual = fails(400, "Bad words.")
        body = {"name": "Mended", "document": document}
        design = call(page, "POST", "/api/designs", body)["id"]
        run = call(page, "POST", f"/api/designs/{design}/execute", {"input_data": {}})
        page.goto(f"/executions/{run['log_id']}/")
        # It is told as it happens, without a reload.
        expect(page.get_by_role("alert")).to_contain_text("refused the request")
        expect(page.get_by_role("alert").get_by_role("link").first).to_have_text(
            re.compile("connection")
        )
        prices = page.get_by_role("region", name="What resuming does")
        expect(prices).to_contain_text("1 finished step kept")

        # Without a script it reads the same.
        plain = browser.new_context(
            base_url=page.url, java_script_enabled=False, storage_state=page.context.storage_state()
        )
        read = plain.new_page()
        read.goto(page.url)
        read.locator("svg a[data-pick=plan]").click()
        expect(read.locator(".say")).to_contain_text(f"A plan {HOSTILE}")
        plain.close()

        asked = len(server.calls)
        server.usual = spoken(is_read, "Dear ", f"{HOSTILE} ", "bye.")
        page.get_by_role("button", name="Resume from the failed step").click()
        letter = page.locator("[data-block=letter]")
        expect(page.locator(".say .text")).to_have_text(f"Dear {HOSTILE}")
        expect(letter).to_have_class(re.compile("running"))
        is_read.set()
        expect(page.get_by_role("region", name="Result")).to_contain_text("bye.")
        expect(letter).to_have_class(re.compile("completed"))
        expect(page.locator("#run-bar")).to_contain_text("Completed")
        expect(page.locator("tr.kept")).to_have_count(1)
        assert len(server.calls) == asked + 1
        assert page.locator("main img").count() == 0


def test_a_block_that_was_chosen_while_the_page_was_fetched_stays(signed_in: Page) -> None:
    page = signed_in
    is_read = threading.Event()
    held: list[Route] = []
    document = {
        "schema": 1,
        "blocks": [asking("plan", "Plan"), asking("letter", "Letter")],
        "connections": [{"id": "c", "source": "plan", "target": "letter"}],
    }
    with model_server() as server, connected(page, "mended", server.url):
        server.then(says("A plan.")).usual = spoken(is_read, "Dear ", "reader.")
        design = call(page, "POST", "/api/designs", {"name": "Chosen", "document": document})["id"]
        run = call(page, "POST", f"/api/designs/{design}/execute", {"input_data": {}})
        page.goto(f"/executions/{run['log_id']}/?block=plan")
        expect(page.locator("[data-block=letter]")).to_have_class(re.compile("running"))
        # Of the whole page, which the end has fetched.
        whole = re.compile(r"/executions/[^/]+/\?(?!.*part=)")
        page.route(whole, lambda route: route.continue_() if held else held.append(route))
        with page.expect_request(whole):
            is_read.set()
        with page.expect_response(re.compile("part=details")):
            page.locator("svg a[data-pick=letter]").click()
        held[0].continue_()
        expect(page.locator("#run-bar")).to_contain_text("Completed")
        expect(page.locator("[data-shown]")).to_have_attribute("data-shown", "letter")


COUNT_CLOSED = """
window.closedStreams = 0;
const close = EventSource.prototype.close;
EventSource.prototype.close = function () { window.closedStreams += 1; close.call(this); };
"""
TAKE_AWAY = """
document.getElementById("run").remove();
document.dispatchEvent(new CustomEvent("htmx:afterSettle", { detail: { elt: document.body } }));
"""


def test_a_run_that_leaves_the_page_is_followed_no_longer(signed_in: Page) -> None:
    page = signed_in
    is_read = threading.Event()
    page.add_init_script(COUNT_CLOSED)
    with model_server() as server, connected(page, "mended", server.url):
        server.usual = spoken(is_read, "Dear ", "reader.")
        body = {"name": "Left", "document": {"schema": 1, "blocks": [asking("letter", "Letter")]}}
        design = call(page, "POST", "/api/designs", body)["id"]
        run = call(page, "POST", f"/api/designs/{design}/execute", {"input_data": {}})
        page.goto(f"/executions/{run['log_id']}/")
        expect(page.locator("[data-block=letter]")).to_have_class(re.compile("running"))
        before = page.evaluate("window.closedStreams")
        page.evaluate(TAKE_AWAY)
        assert page.evaluate("window.closedStreams") > before
        is_read.set()
