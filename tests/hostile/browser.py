"""Opens pages in Chromium, several at once, and keeps all that they did besides showing text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    async_playwright,
)
from playwright.async_api import Error as BrowserError

from tests.crawling import NUMBER
from tests.installations import PASSWORD
from tests.journeys.conftest import FLAGS
from tests.services import chromium_path

HERE = Path(__file__).parent
WATCH = (HERE / "watch.js").read_text()
AUDIT = (HERE / "audit.js").read_text().rstrip().rstrip(";")
AT_ONCE = 2
NO_PAGE = ("Download is starting", "ERR_ABORTED", "ERR_HTTP_RESPONSE_CODE_FAILURE")
ELSEWHERE = "interrupted by another navigation"
# How long a busy machine may take; what takes longer is an act, and must not hold up the others.
LOAD_SECONDS = 60.0
ANSWER_SECONDS = 40.0
END_SECONDS = 20.0
# What is not seen is painted for nothing.
WINDOW = {"width": 400, "height": 300}
# htmx reads a fragment otherwise than the browser reads a page.
AGAIN = """async () => {
  if (!window.htmx || !document.querySelector("#main")) return;
  const here = location.pathname + location.search;
  await htmx.ajax("GET", here, {target: "#main", swap: "innerHTML"});
}"""
# Fields take the texts by turns.
FILL = """(texts) => {
  const form = document.querySelector("main form[method=post], #content form[method=post]");
  if (!form) return false;
  const kinds = ["text", "search", "url", "email", "textarea", "password"];
  const fields = [...form.querySelectorAll("input, textarea")].filter(
    (field) => kinds.includes(field.type) && !field.name.startsWith("csrf"));
  fields.forEach((field, at) => { field.value = texts[at % texts.length]; });
  form.noValidate = true;
  setTimeout(() => HTMLFormElement.prototype.submit.call(form));
  return true;
}"""
CHOOSE = """(action) => {
  const form = document.querySelector("#changelist-form");
  for (const box of form.querySelectorAll("[name=_selected_action]")) box.checked = true;
  form.querySelector("[name=action]").value = action;
  setTimeout(() => HTMLFormElement.prototype.submit.call(form));
  return true;
}"""


@dataclass(frozen=True)
class Visit:
    """A page to look at, then what to do there: forms sent with texts, actions for all rows, and
    whether to read it again as a fragment.
    """

    path: str
    forms: Sequence[Sequence[str]] = ()
    actions: Sequence[str] = ()
    again: bool = False

    def doings(self) -> list[tuple[str, str, Any]]:
        """What each is called, the code that does it, and what the code is given."""
        sent = [(f"sent {at}", FILL, list(texts)) for at, texts in enumerate(self.forms)]
        return [*sent, *((action, CHOOSE, action) for action in self.actions)]


@dataclass
class Seen:
    """`acts` are what no text may cause, `shown` is the text of each page, `kinds` are the paths
    that were asked for, without their numbers.
    """

    address: str
    acts: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)

    def request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("data", "blob", "about"):
            kind = parts.scheme
        else:
            kind = NUMBER.sub("N", parts.path)
            if f"{parts.scheme}://{parts.netloc}" != self.address or "hostile/" in url:
                self.acts.append(f"request: {url[:300]}")
        self.kinds.add(kind)

    def console(self, message: ConsoleMessage) -> None:
        # The browser says so of each page that answers with an error, as some are to do.
        is_status = message.text.startswith("Failed to load resource: the server responded")
        if message.type in ("error", "warning") and not is_status:
            self.acts.append(f"console: {message.text[:300]} ({message.location.get('url')})")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser that is ended, whatever its pages do."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            yield browser
        finally:
            # One that hangs is killed by its driver, which ends next.
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await browser.close()


@asynccontextmanager
async def signed_in(address: str, seen: Seen) -> AsyncIterator[BrowserContext]:
    """A browser's windows in which the administrator is signed in."""
    async with chromium() as browser:
        context = await browser.new_context(base_url=address, viewport=WINDOW)
        await watched(context, seen)
        page = await context.new_page()
        await page.goto("/sign-in/")
        await page.get_by_label("Username").fill("admin")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/")
        yield context


async def watched(context: BrowserContext, seen: Seen) -> None:
    def tell(_: Any, kind: str, what: str) -> None:
        seen.acts.append(f"{kind}: {what[:300]}")

    await context.expose_binding("__tell", tell)
    await context.add_init_script(WATCH)
    context.on("request", lambda request: seen.request(request.url))
    context.on("console", seen.console)
    context.on("weberror", lambda error: seen.acts.append(f"error: {error.error}"))
    context.on("dialog", lambda dialog: _dismiss(seen, dialog))
    context.set_default_timeout(LOAD_SECONDS * 1_000)


async def _dismiss(seen: Seen, dialog: Dialog) -> None:
    """A dialog that nobody answers stops its page for ever."""
    seen.acts.append(f"dialog: {dialog.message}")
    await dialog.dismiss()


async def evaluated(page: Page, code: str, *arguments: Any) -> Any:
    """The code's value. Raises TimeoutError for a page that does not answer."""
    async with asyncio.timeout(ANSWER_SECONDS):
        return await page.evaluate(code, *arguments)


async def visited(context: BrowserContext, seen: Seen, visits: Iterable[Visit]) -> None:
    """All of them, by a few windows that work side by side.

    No window is closed: one that is just going elsewhere may never answer that it is. They end
    with their browser.
    """
    waiting = iter(visits)

    async def one() -> None:
        page = await context.new_page()
        for visit in waiting:
            try:
                going_on = await _visit(page, seen, visit)
            except (BrowserError, TimeoutError) as error:
                seen.acts.append(f"it broke off: {visit.path}: {error!r}")
                going_on = False
            if not going_on:
                page = await context.new_page()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def _visit(page: Page, seen: Seen, visit: Visit) -> bool:
    """Whether the window can be used for the next one."""
    path = visit.path
    if not await go(page, seen, path):
        # The browser shows a page of its own, at a time of its own.
        assert not visit.doings(), path
        return False
    await look(page, seen, path)
    for at, (name, code, given) in enumerate(visit.doings()):
        assert at == 0 or await go(page, seen, path), path
        async with page.expect_navigation():
            assert await evaluated(page, code, given), path
        await look(page, seen, f"{path} {name}")
    if visit.again:
        await evaluated(page, AGAIN)
        await look(page, seen, f"{path} again")
    return True


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
