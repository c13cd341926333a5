"""Opens pages in Chromium, several at once, and keeps all that they did besides showing text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Page, async_playwright
from playwright.async_api import Error as BrowserError

from tests.crawling import NUMBER
from tests.installations import PASSWORD
from tests.journeys.conftest import FLAGS
from tests.services import chromium_path

HERE = Path(__file__).parent
WATCH = (HERE / "watch.js").read_text()
AUDIT = (HERE / "audit.js").read_text().rstrip().rstrip(";")
AT_ONCE = 3
NO_PAGE = ("Download is starting", "ERR_ABORTED", "ERR_HTTP_RESPONSE_CODE_FAILURE")
ELSEWHERE = "interrupted by another navigation"
# What runs a little after a page has loaded: scripts of the theme, elements that get the focus.
SETTLE_MS = 40
# A page that does not answer is an act, too, and must not hold up the others.
ANSWER_SECONDS = 20.0
CLOSE_SECONDS = 15.0
# htmx reads a fragment otherwise than the browser reads a page.
AGAIN = """async () => {
  if (!window.htmx || !document.querySelector("#main")) return;
  const here = location.pathname + location.search;
  await htmx.ajax("GET", here, {target: "#main", swap: "innerHTML"});
}"""
FILL = """(text) => {
  const form = document.querySelector("main form[method=post], #content form[method=post]");
  if (!form) return false;
  for (const field of form.querySelectorAll("input, textarea")) {
    const kinds = ["text", "search", "url", "email", "textarea", "password"];
    if (kinds.includes(field.type) && !field.name.startsWith("csrf")) field.value = text;
  }
  form.noValidate = true;
  setTimeout(() => HTMLFormElement.prototype.submit.call(form));
  return true;
}"""

CHOOSE = """(action) => {
  const form = document.querySelector("#changelist-form");
  for (const box of form.querySelectorAll("[name=_selected_action]")) box.checked = true;
  form.querySelector("[name=action]").value = action;
  setTimeout(() => HTMLFormElement.prototype.submit.call(form));
}"""


@dataclass
class Seen:
    """`acts` are what no text may cause, `shown` is the text of each page."""

    address: str
    acts: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    # What the next requests are noted for.
    _kinds: set[str] = field(default_factory=set)

    @contextmanager
    def noting(self, kinds: set[str]) -> Iterator[None]:
        """Note the kinds of requests there, too."""
        self._kinds = kinds
        yield
        self._kinds = set()

    def request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("data", "blob", "about"):
            kind = parts.scheme
        else:
            kind = NUMBER.sub("N", parts.path)
            if f"{parts.scheme}://{parts.netloc}" != self.address or "hostile/" in url:
                self.acts.append(f"request: {url[:300]}")
        self._kinds.add(kind)

    def console(self, message: ConsoleMessage) -> None:
        # The browser says so of each page that answers with an error, as some are to do.
        is_status = message.text.startswith("Failed to load resource: the server responded")
        if message.type in ("error", "warning") and not is_status:
            self.acts.append(f"console: {message.text[:300]} ({message.location.get('url')})")


@asynccontextmanager
async def signed_in(address: str, seen: Seen, **options: Any) -> Any:
    """A browser's windows in which the administrator is signed in."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        context = await browser.new_context(base_url=address, **options)
        await watched(context, seen)
        page = await context.new_page()
        await page.goto("/sign-in/")
        await page.get_by_label("Username").fill("admin")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/")
        await page.close()
        try:
            yield context
        finally:
            # A browser that hangs must not keep its driver from ending.
            async with asyncio.timeout(CLOSE_SECONDS):
                await browser.close()


async def watched(context: BrowserContext, seen: Seen) -> None:
    def tell(_: Any, kind: str, what: str) -> None:
        seen.acts.append(f"{kind}: {what[:300]}")

    await context.expose_binding("__tell", tell)
    await context.add_init_script(WATCH)
    context.on("request", lambda request: seen.request(request.url))
    context.on("console", seen.console)
    context.on("weberror", lambda error: seen.acts.append(f"error: {error.error}"))
    context.on("dialog", lambda dialog: _dismiss(seen, dialog))
    context.set_default_timeout(20_000)


async def _dismiss(seen: Seen, dialog: Dialog) -> None:
    """A dialog that nobody answers stops its page for ever."""
    seen.acts.append(f"dialog: {dialog.message}")
    await dialog.dismiss()


async def evaluated(page: Page, code: str, *arguments: Any) -> Any:
    """The code's value. Raises TimeoutError for a page that does not answer."""
    async with asyncio.timeout(ANSWER_SECONDS):
        return await page.evaluate(code, *arguments)


async def opened(context: BrowserContext, seen: Seen, paths: Iterable[str]) -> None:
    """Every page; those with htmx a second time as a fragment."""

    async def visit(page: Page, path: str) -> None:
        if not await go(page, seen, path):
            # The browser shows a page of its own, at a time of its own.
            await page.close()
            return
        await look(page, seen, path)
        if not path.startswith("/admin/"):
            await evaluated(page, AGAIN)
            await look(page, seen, f"{path} again")

    await _spread(context, [lambda page, path=path: visit(page, path) for path in paths])


async def sent(
    context: BrowserContext, seen: Seen, paths: Iterable[str], texts: Iterable[str]
) -> None:
    """Forms with a text in each field: they come back with it, and with what is wrong."""

    async def send(page: Page, path: str, text: str) -> None:
        assert await go(page, seen, path), path
        async with page.expect_navigation():
            assert await evaluated(page, FILL, text), path
        await look(page, seen, f"{path} sent")

    work = [
        lambda page, path=path, text=text: send(page, path, text)
        for path in paths
        for text in texts
    ]
    await _spread(context, work)


async def chosen(context: BrowserContext, seen: Seen, lists: Iterable[str], action: str) -> None:
    """An action of the admin for all rows of a list: its question, or what it says afterwards."""

    async def choose(page: Page, path: str) -> None:
        await go(page, seen, path)
        async with page.expect_navigation():
            await evaluated(page, CHOOSE, action)
        await look(page, seen, f"{path} {action}")

    await _spread(context, [lambda page, path=path: choose(page, path) for path in lists])


async def go(page: Page, seen: Seen, path: str) -> bool:
    """Open it; False for what is no page."""
    try:
        await page.goto(path)
    except BrowserError as error:
        if ELSEWHERE in str(error):
            seen.acts.append(f"navigation: instead of {path}: {error.message[:300]}")
            return False
        # What is downloaded, or refused without a word, is no page.
        if not any(words in str(error) for words in NO_PAGE):
            raise
        return False
    return True


async def look(page: Page, seen: Seen, name: str) -> None:
    await page.wait_for_timeout(SETTLE_MS)
    try:
        found = await evaluated(page, AUDIT)
    except TimeoutError:
        seen.acts.append(f"hang: {name}")
        return
    except BrowserError as error:
        # The page went elsewhere by itself.
        await page.wait_for_load_state()
        seen.acts.append(f"navigation: {name} to {page.url[:300]} ({error})")
        return
    seen.acts += [f"markup: {what} ({name})" for what in found["made"]]
    seen.shown[name] = found["shown"]


async def _spread(
    context: BrowserContext, work: list[Callable[[Page], Coroutine[Any, Any, None]]]
) -> None:
    """All of it, by a few windows that work side by side."""
    waiting = iter(work)

    async def one() -> None:
        page = await context.new_page()
        for do in waiting:
            page = await context.new_page() if page.is_closed() else page
            await do(page)
        await page.close()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
