"""The control: where texts are not escaped, the browser's watch tells of what they do."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.hostile.browser import Seen, Visit, chromium, visited, watched
from tests.hostile.texts import hostile_texts, polyglots

pytestmark = pytest.mark.xdist_group("hostile")
POLICY = "default-src 'self'; script-src 'self'"
# Where the text stands, which texts, and what they are seen to do.
CASES = [
    ("open", "<script>hit(", "script: hit"),
    ("open", "<img src=x onerror=", "script: hit"),
    ("open", "autofocus onfocus=hit", "script: hit"),
    ("open", "<img src=/hostile", "request: "),
    ("open", "http-equiv=refresh", "request: "),
    ("open", "hx-get=/hostile", "markup: "),
    ("open", "x-data x-init=", "markup: "),
    ("open", "data-hostile", "markup: "),
    ("code", "'-hit(", "script: hit"),
    ("code", "</script><script>hit", "script: hit"),
    ("closed", "<script>hit(", "policy: script-src"),
    ("closed", "onerror=hit", "policy: script-src"),
]
HARMLESS = ["/open/none", "/closed/none", "/code/none"]
ENDLESS = "http-equiv=refresh content=0 "
MAX_SECONDS = 30.0


@pytest.fixture(scope="module")
def careless() -> Iterator[str]:
    """A server that puts the text of that number into its page, as it is, in several places."""
    texts = {text: number for number, text in enumerate([*hostile_texts(), *polyglots()])}
    by_number = {number: text for text, number in texts.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, _, number = self.path.strip("/").partition("/")
            text = by_number.get(int(number) if number.isdigit() else -1, "")
            page = f'<!DOCTYPE html><title>x</title><p>{text}</p><a href="/" title="{text}">x</a>'
            page += f"<p title='{text}'>y</p>"
            if kind == "code":
                page = f"<!DOCTYPE html><script>const name = '{text}', other = \"{text}\"</script>"
            data = page.encode("utf-8", "replace")
            self.send_response(200 if kind in ("open", "code", "closed") else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            if kind == "closed":
                self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            # A browser that goes elsewhere does not wait for it.
            with suppress(ConnectionError):
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def numbers(pattern: str) -> list[int]:
    """Some of the texts in which the pattern is."""
    texts = enumerate([*hostile_texts(), *polyglots()])
    return [at for at, text in texts if pattern in text][:2]


async def looked_at(address: str) -> tuple[list[str], list[str]]:
    """What pages did: those with texts and those without."""
    opened = [f"/{kind}/{at}" for kind, pattern, _ in CASES for at in numbers(pattern)]
    async with chromium() as browser:
        acts = await acts_of(browser, address, list(dict.fromkeys(opened)))
        # A page that never ends holds nothing up.
        async with asyncio.timeout(MAX_SECONDS):
            acts += await acts_of(browser, address, [f"/open/{at}" for at in numbers(ENDLESS)])
        return acts, await acts_of(browser, address, HARMLESS)


async def acts_of(browser: Browser, address: str, opened: list[str]) -> list[str]:
    seen = Seen(address)
    context = await browser.new_context(base_url=address)
    await watched(context, seen)
    await visited(context, seen, [Visit(path) for path in opened])
    # A page alone, while it goes elsewhere, may never answer that it is closed.
    async with asyncio.timeout(MAX_SECONDS):
        await context.close()
    return seen.acts


@pytest.fixture(scope="module")
def looks(careless: str) -> tuple[list[str], list[str]]:
    return asyncio.run(looked_at(careless))


@pytest.mark.parametrize(("kind", "pattern", "act"), CASES)
def test_an_unescaped_text_is_noticed(
    looks: tuple[list[str], list[str]], kind: str, pattern: str, act: str
) -> None:
    texts = [*hostile_texts(), *polyglots()]
    found = [one for at in numbers(pattern) for one in looks[0] if is_of(one, kind, at, texts[at])]
    assert [one for one in found if one.startswith(act)], found or looks[0]


def is_of(act: str, kind: str, at: int, text: str) -> bool:
    """Whether the page with that text did it: by its address, or by the number in the text."""
    number = re.search(r"/hostile/\d+|$", text)
    assert number
    asked = bool(number[0]) and act.endswith(number[0])
    return asked or bool(re.search(rf"/{kind}/{at}(?!\d)", act))


def test_harmless_pages_do_nothing(looks: tuple[list[str], list[str]]) -> None:
    assert looks[1] == []


def test_a_page_that_never_ends_is_noticed_and_holds_nothing_up(
    looks: tuple[list[str], list[str]],
) -> None:
    [endless] = numbers(ENDLESS)
    found = [one for one in looks[0] if f"/open/{endless}" in one]
    assert [one for one in found if one.startswith(("markup: ", "navigation: "))], found
