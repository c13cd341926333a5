"""Without a script: a sample is published, deployed, changed, compared, rolled back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.installations import PASSWORD, Installation
from tests.journeys.conftest import PATIENCE_MS

PATH = "/journeys/routed"


@pytest.fixture
def plain(browser: Browser, installation: Installation) -> Iterator[Page]:
    """A window of the administrator in which no script runs."""
    context = browser.new_context(base_url=installation.address, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    yield page
    context.close()


def publish(page: Page, note: str) -> None:
    page.get_by_label("Note").fill(note)
    page.get_by_role("button", name="Publish").click()


def row_of(page: Page, version: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_text(version, exact=True))


def move(page: Page, version: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Move to {version}")
    page.get_by_label(PATH).check()
    page.get_by_role("button", name=f"Move to {version}").click()
    expect(page.get_by_text(f"{PATH} uses {version} now.")).to_be_visible()


def test_from_a_sample_to_rolling_back(plain: Page) -> None:
    page = plain
    page.goto("/designs/samples/")
    page.get_by_role("button", name="Use this sample").click()
    page.wait_for_url(re.compile(r"/designs/[0-9a-f-]{36}/$"))
    design = page.url
    publish(page, "The first")
    expect(page.get_by_text("Version 1 is published.")).to_be_visible()

    # The deploy form comes filled in.
    page.get_by_role("link", name="Deploy", exact=True).click()
    expect(page.get_by_label("Endpoint path")).to_have_value(re.compile(r"^/support-routing"))
    page.get_by_label("Endpoint path").fill(PATH)
    page.get_by_role("button", name="Deploy").click()
    page.wait_for_url(re.compile(r"/deployments/[0-9a-f-]{36}/$"))

    page.goto(design)
    draft = page.get_by_label("The draft as JSON")
    document = json.loads(draft.input_value())
    agent = document["blocks"][1]["agents"][0]
    agent["system_prompt"] = agent["system_prompt"].replace("two friendly", "three friendly")
    draft.fill(json.dumps(document))
    page.get_by_role("button", name="Save").click()
    publish(page, "Friendlier")

    # Publishing leads to the deployments that use an older version.
    move(page, "v2")
    page.goto(f"{design}compare/?from=1&to=2")
    expect(page.get_by_role("deletion")).to_have_text("two")
    expect(page.get_by_role("insertion")).to_have_text("three")
    expect(page.get_by_text(f"v2 is in use at {PATH}")).to_be_visible()

    page.goto(f"{design}versions/")
    expect(row_of(page, "v2")).to_contain_text(PATH)
    row_of(page, "v1").get_by_role("link", name="Move deployments").click()
    move(page, "v1")

    page.goto(f"{design}versions/")
    expect(row_of(page, "v1")).to_contain_text(PATH)
    row_of(page, "v1").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The draft is v1 now.")).to_be_visible()
    page.goto(f"{design}versions/")
    expect(page.get_by_text("Before a restore")).to_be_visible()


def test_a_file_is_imported_after_its_warnings_were_read(plain: Page) -> None:
    page = plain
    agents = [{"id": "agent-1", "name": "A", "system_prompt": "You help.", "role": "worker"}]
    data = {"label": "Answer", "task": "Help", "agents": agents, "git_repo": "x"}
    block = {"id": "block-1", "type": "sequential", "position": {"x": 1, "y": 2}, "data": data}
    file = {"name": "From elsewhere", "description": "", "blocks": [block], "connections": []}
    page.goto("/designs/import/")
    content = json.dumps(file).encode()
    upload = {"name": "design.json", "mimeType": "application/json", "buffer": content}
    page.get_by_label("File").set_input_files([upload])
    page.get_by_role("button", name="Read").click()
    expect(page.get_by_role("heading", name="From elsewhere")).to_be_visible()
    expect(page.get_by_text("block-1 became block_1")).to_be_visible()
    page.get_by_role("button", name="Import this design").click()
    page.wait_for_url(re.compile(r"/designs/[0-9a-f-]{36}/$"))
    expect(page.get_by_text("From elsewhere is imported as a new draft.")).to_be_visible()
