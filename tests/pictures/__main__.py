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
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.crawling import NUMBER, crawl
from tests.installations import PASSWORD, ROOT, running
from tests.journeys.conftest import FLAGS, PICTURES
from tests.pictures import acting, designer
from tests.pictures.acting import Tools, fill_acting, reconnect, tools
from tests.pictures.designer import Scene, fill_designs
from tests.pictures.rows import Api, fill
from tests.services import chromium_path, plain_environment

AXE = ROOT / "designer" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1440, 360)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
VIEWER = "vera"
MAKE_VIEWER = f"""
from django.contrib.auth.models import Group, User
person, _ = User.objects.get_or_create(username={VIEWER!r}, first_name="Vera", last_name="Okafor")
person.set_password({PASSWORD!r})
person.save()
person.groups.add(Group.objects.get(name="Viewer"))
"""
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
    with (
        _installation(asked.keep, asked.at) as (address, data),
        _browser() as browser,
        tools() as offered,
    ):
        context = signed_in(browser, address)
        people = {"": context, **_others(browser, context, address, data)}
        pages = _pages(context, address, data, offered, asked.admin)
        scenes = {name: (Scene(name), path) for name, path in pages.items()}
        # Without a session.
        scenes["sign-in"] = Scene("sign-in", who="nobody"), "/sign-in/"
        for name, scene in {**designer.SCENES, **acting.SCENES}.items():
            scenes[name] = scene, pages[scene.of] + scene.query
        for name, (scene, path) in scenes.items():
            if not asked.names or name.startswith(tuple(asked.names)):
                _take(people[scene.who], name, path, scene)


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


def _others(
    browser: Browser, context: BrowserContext, address: str, data: Path
) -> dict[str, BrowserContext]:
    """Nobody, the administrator without script, and a viewer (where the data is at hand)."""
    options: Any = {"base_url": address, "bypass_csp": True}
    state: Any = context.storage_state()
    others = {
        "nobody": browser.new_context(**options),
        "plain": browser.new_context(**options, java_script_enabled=False, storage_state=state),
    }
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", MAKE_VIEWER]
    environment = plain_environment({"ORCHESTRA_DATA": str(data)})
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    others["viewer"] = signed_in(browser, address, VIEWER)
    return others


def signed_in(browser: Browser, address: str, name: str = "admin") -> BrowserContext:
    """A context with a person's session."""
    context = browser.new_context(base_url=address, bypass_csp=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.close()
    return context


def _pages(
    context: BrowserContext, address: str, data: Path, offered: Tools, with_admin: bool
) -> dict[str, str]:
    """Name → path: those that show chosen rows, and what else links lead to, one of a kind."""
    kept = data / "pictured.json"
    api = Api(context, address)
    if kept.exists():
        pages: dict[str, str] = json.loads(kept.read_text())
        reconnect(api, offered)
    else:
        pages = fill(api)
        pages |= fill_designs(api, api.with_key())
        pages |= fill_acting(api, api.with_key(), offered)
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
    return {**pages, "style": "/style/", "error-404": "/nothing/here/"}


def _take(context: BrowserContext, name: str, path: str, scene: Scene) -> None:
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(path)
            # What refreshes itself stays; fonts are there.
            page.wait_for_timeout(250)
            try:
                scene.act(page)
            except Error as error:
                _tell(name, width, theme, [f"not seen: {error}"])
            page.wait_for_timeout(250)
            target = PICTURES / "pictures" / f"{name}-{width}-{theme}.png"
            page.screenshot(path=target, full_page=True, animations="disabled")
            found = [] if scene.who == "plain" else _findings(page)
            _tell(name, width, theme, found + complaints)
            complaints.clear()
    page.close()


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
