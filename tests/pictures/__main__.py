"""Takes pictures of all pages, wide and narrow, light and dark, into test-results/pictures/.

    python -m tests.pictures                      starts an installation and fills it
    python -m tests.pictures home deployment      only pages whose names begin so
    python -m tests.pictures --keep FOLDER        keeps its data there, for the next time
    python -m tests.pictures --keep FOLDER --at http://127.0.0.1:8000    one that runs already

What a picture does not show is printed: what is wider than the screen, what the browser complained
of, and, where axe-core is installed (designer/node_modules), what it finds.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.crawling import NUMBER, crawl
from tests.installations import PASSWORD, ROOT, running
from tests.journeys.conftest import FLAGS, PICTURES
from tests.pictures.rows import Api, fill
from tests.services import chromium_path

AXE = ROOT / "designer" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1280, 360)
THEMES = ("light", "dark")
# Without a session.
OUTSIDE = {"sign-in": "/sign-in/"}
JUDGE = """async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  return found.violations.map(({ id, impact, nodes }) =>
    `${id} (${impact}): ${nodes.length} x ${nodes[0].target} ${nodes[0].html.slice(0, 160)}`);
}"""
TOO_WIDE = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return null;
  const all = [...document.querySelectorAll("body *")];
  return all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 4).map((one) => one.outerHTML.slice(0, 120));
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="beginnings of names of pages")
    parser.add_argument("--keep", type=Path, help="a folder for the installation's data")
    parser.add_argument("--at", help="the address of an installation that runs already")
    parser.add_argument("--admin", action="store_true", help="the admin's pages too")
    asked = parser.parse_args()
    PICTURES.joinpath("pictures").mkdir(parents=True, exist_ok=True)
    with _installation(asked.keep, asked.at) as (address, data), _browser() as browser:
        context = signed_in(browser, address)
        pages = _pages(context, address, data, asked.admin)
        for name, path in pages.items():
            if not asked.names or name.startswith(tuple(asked.names)):
                _take(browser, context, address, name, path)


@contextmanager
def _installation(kept: Path | None, address: str | None) -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        data = kept or Path(folder) / "data"
        if address:
            yield address, data
            return
        with running(data) as found:
            yield found.address, data


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


def signed_in(browser: Browser, address: str) -> BrowserContext:
    """A context with the administrator's session."""
    context = browser.new_context(base_url=address, bypass_csp=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.close()
    return context


def _pages(context: BrowserContext, address: str, data: Path, with_admin: bool) -> dict[str, str]:
    """Name → path: those that show chosen rows, and what else links lead to, one of a kind."""
    kept = data / "pictured.json"
    if kept.exists():
        pages: dict[str, str] = json.loads(kept.read_text())
    else:
        pages = fill(Api(context, address))
        kept.write_text(json.dumps(pages))
    kinds = {NUMBER.sub("N", path) for path in pages.values()}

    def fetch(path: str) -> str | None:
        if path.startswith("/admin/") and not with_admin:
            return None
        answer = context.request.get(address + path)
        is_page = answer.ok and "text/html" in answer.headers.get("content-type", "")
        return answer.text() if is_page else None

    for path in crawl(fetch, ["/", *pages.values()], a_kind=1):
        kind = NUMBER.sub("N", path)
        if kind not in kinds:
            kinds.add(kind)
            pages[re.sub(r"\W+", "-", kind.replace("/N", "-one")).strip("-") or "home"] = path
    return {**pages, "style": "/style/", **OUTSIDE, "error-404": "/nothing/here/"}


def _take(browser: Browser, context: BrowserContext, address: str, name: str, path: str) -> None:
    outside = browser.new_context(base_url=address, bypass_csp=True) if name in OUTSIDE else None
    page = (outside or context).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(path)
            # What refreshes itself stays; fonts are there.
            page.wait_for_timeout(250)
            target = PICTURES / "pictures" / f"{name}-{width}-{theme}.png"
            page.screenshot(path=target, full_page=True, animations="disabled")
            _tell(name, width, theme, _findings(page) + complaints)
            complaints.clear()
    page.close()
    if outside:
        outside.close()


def _findings(page: Page) -> list[str]:
    found: list[Any] = []
    wide = page.evaluate(TOO_WIDE)
    if wide is not None:
        found.append(f"wider than the screen: {wide}")
    if AXE.exists():
        page.evaluate(AXE.read_text())
        found += page.evaluate(JUDGE)
    return found


def _tell(name: str, width: int, theme: str, findings: list[str]) -> None:
    for finding in findings:
        sys.stdout.write(f"{name} {width} {theme}: {finding}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
