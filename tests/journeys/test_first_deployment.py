"""A person signs in, deploys a design, runs it beside its form, calls it with a key made there."""

from __future__ import annotations

import re
import shlex
import subprocess

from playwright.sync_api import Page, expect

from tests.installations import Installation
from tests.waiting import PATIENCE_SECONDS

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
    deploy(page, "pipeline", PATH)

    page.goto("/deployments/?view=cards")
    card = page.get_by_role("article").filter(has_text=PATH)
    card.get_by_role("link", name="Execute").click()
    expect(page).to_have_url(re.compile(r"/deployments/[0-9a-f-]{36}/execute/"))
    # The input as JSON and as fields is one value.
    page.get_by_role("button", name="JSON", exact=True).click()
    box = page.get_by_label("Input, as JSON")
    box.fill("{")
    page.get_by_role("button", name="Form", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("not JSON")
    expect(box).to_have_value("{")
    page.get_by_role("button", name="Example").click()
    page.get_by_role("button", name="Execute", exact=True).click()

    # The page stays, and the run is followed beside the form.
    expect(page).to_have_url(re.compile(r"/execute/\?run=[0-9a-f-]{36}"))
    expect(page.locator("#run-title")).to_contain_text("Completed")
    expect(page.locator("#run-result")).to_be_visible()

    page.goto("/executions/")
    row = page.get_by_role("row").filter(has_text=PATH).first
    expect(row).to_contain_text(re.compile("completed", re.IGNORECASE))

    # What stands in the page's code runs as it is.
    page.goto("/deployments/?view=rows")
    page.get_by_role("link", name=PATH).click()
    page.get_by_role("link", name="API", exact=True).click()
    page.get_by_label("What the key is for").fill("a journey")
    page.get_by_role("button", name="New key").click()
    key = page.locator("#secret").inner_text()
    assert '"success":true' in said_by("curl", page.locator("#snippet").inner_text())
    address = page.url.partition("?")[0]
    for code, mode in (("curl", "async"), ("curl", "stream"), ("python", "wait")):
        page.goto(f"{address}?code={code}&mode={mode}")
        assert said_by(code, page.locator("#snippet").inner_text(), key)

    # Switched off at once; calls are then refused.
    switch = page.get_by_role("switch")
    with page.expect_response("**/status/"):
        switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    page.reload()
    expect(switch).to_have_attribute("aria-checked", "false")


def said_by(code: str, text: str, key: str = "") -> str:
    """What the code writes; the test fails if it fails."""
    program = text if code == "curl" else f"python3 -c {shlex.quote(text)}"
    done = subprocess.run(
        ["bash", "-c", f"export ORCHESTRA_KEY={shlex.quote(key)}\n{program}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return done.stdout.replace(" ", "")
