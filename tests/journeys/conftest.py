"""A running installation and a real browser, shared by all journeys."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.installations import PASSWORD, ROOT, Installation
from tests.services import chromium_path
from tests.waiting import PATIENCE_SECONDS

PICTURES = ROOT / "test-results"
PATIENCE_MS = 1_000 * PATIENCE_SECONDS
# Five seconds otherwise, in which a busy machine may not even load a page.
expect.set_options(timeout=PATIENCE_MS)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One installation and one browser for all journeys: they run in one test process."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("installations"))


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Not longer than a module: while it is there, its event loop counts as running, and other
    tests of this process could not start theirs.
    """
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    found = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield found
    found.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
    return report


_failed = pytest.StashKey[bool]()


@pytest.fixture
def page(
    browser: Browser, installation: Installation, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A fresh browser window; the test fails if a page complained in its console."""
    context = browser.new_context(base_url=installation.address)
    context.set_default_timeout(PATIENCE_MS)
    found = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.text} ({message.location.get('url')})")

    found.on("console", note)
    found.on("pageerror", lambda error: complaints.append(str(error)))
    yield found
    if request.node.stash.get(_failed, True):
        PICTURES.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name)
        found.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    context.close()
    assert not complaints, complaints


@pytest.fixture
def signed_in(page: Page) -> Page:
    """The window after the administrator signed in."""
    page.goto("/sign-in/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    return page


def pytest_sessionfinish(session: pytest.Session) -> None:
    """No pictures of an earlier failure beside a success."""
    if not session.testsfailed and not hasattr(session.config, "workerinput"):
        shutil.rmtree(PICTURES, ignore_errors=True)
