"""Runs are seen where people look: degraded, on another version, and without a stream."""

from __future__ import annotations

import re
import threading

from playwright.sync_api import Page, expect

from tests.journeys.designing import call
from tests.journeys.models import connected, spoken
from tests.journeys.test_run_page import asking
from tests.model_server import fails, model_server, says


def document(**more: object) -> dict[str, object]:
    return {
        "schema": 1,
        "blocks": [{**asking("plan", "Plan"), **more}, asking("letter", "Letter")],
        "connections": [{"id": "c", "source": "plan", "target": "letter"}],
    }


def deployed(page: Page, path: str, drawn: dict[str, object]) -> tuple[str, str]:
    """The ids of the design and of its deployment."""
    design = call(page, "POST", "/api/designs", {"name": path.strip("/"), "document": drawn})["id"]
    call(page, "POST", f"/api/designs/{design}/publish", {})
    body = {"design_id": design, "endpoint_path": path}
    return design, call(page, "POST", "/api/deployments", body)["id"]


def test_a_degraded_run_is_seen_on_list_and_page(signed_in: Page) -> None:
    page = signed_in
    with model_server() as server, connected(page, "mended", server.url):
        server.then(fails(400, "Bad words.")).usual = says("A letter.")
        drawn = document(on_error="continue")
        _, deployment = deployed(page, "/journeys/degraded", drawn)
        call(page, "POST", f"/api/deployments/{deployment}/execute", {"input_data": {}})
        page.goto("/deployments/?view=rows&text=journeys/degraded")
        row = page.locator(f"#row-{deployment}")
        expect(row.get_by_text("Degraded", exact=True)).to_be_visible()
        page.goto(f"/executions/?deployment={deployment}")
        line = page.locator("#runs").get_by_role("row").filter(has_text="Degraded")
        expect(line).to_have_count(1)
        line.get_by_role("link").first.click()
        expect(page.locator("#run-bar")).to_contain_text("Degraded")
        expect(page.locator("[data-block=plan]")).to_have_class(re.compile("degraded"))
        expect(page.get_by_text("Bad words.").first).to_be_visible()


def test_a_deployment_is_rolled_back(signed_in: Page) -> None:
    page = signed_in
    with model_server() as server, connected(page, "mended", server.url):
        design, deployment = deployed(page, "/journeys/back", document())
        call(page, "PATCH", f"/api/designs/{design}", {"description": "Another one"})
        call(page, "POST", f"/api/designs/{design}/publish", {})
        versions = f"/deployments/{deployment}/versions/"
        for link, said in (("Move to v2", "uses v2 now"), ("Roll back to v1", "uses v1 now")):
            page.goto(versions)
            page.get_by_role("link", name=link).click()
            page.get_by_role("button", name=link).click()
            expect(page.get_by_text(said)).to_be_visible()
        expect(page.get_by_role("link", name="Move to v2")).to_be_visible()


def test_a_run_is_fetched_again_and_again_after_three_lost_connections(signed_in: Page) -> None:
    is_read = threading.Event()
    with model_server() as server, connected(signed_in, "mended", server.url):
        server.usual = spoken(is_read, "Dear ", "reader.")
        body = {"name": "Polled", "document": {"schema": 1, "blocks": [asking("letter", "Letter")]}}
        design = call(signed_in, "POST", "/api/designs", body)["id"]
        run = call(signed_in, "POST", f"/api/designs/{design}/execute", {"input_data": {}})
        # In another window: what is lost is a complaint in the console.
        page = signed_in.context.new_page()
        tries: list[str] = []

        def lose(route: object) -> None:
            tries.append(route.request.url)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]

        page.route("**/events", lose)
        page.goto(f"/executions/{run['log_id']}/")
        expect(
            page.get_by_text("Live updates are interrupted; refreshing every 5 s")
        ).to_be_visible()
        assert len(tries) == 3
        is_read.set()
        expect(page.locator("#run-bar")).to_contain_text("Completed")
        expect(page.get_by_role("region", name="Result")).to_contain_text("Dear reader.")
        expect(page.get_by_text("Live updates are interrupted")).to_have_count(0)
        page.close()
