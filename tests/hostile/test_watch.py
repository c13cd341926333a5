"""The control: where texts are not escaped, the browser's watch tells of what they do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.async_api import async_playwright

from tests.hostile.browser import Seen, go, look, watched
from tests.hostile.texts import hostile_texts, polyglots
from tests.journeys.conftest import FLAGS
from tests.services import chromium_path

pytestmark = pytest.mark.xdist_group("hostile")
POLICY = "default-src 'self'; script-src 'self'"


@pytest.fixture
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
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def acts_at(address: str, paths: list[str]) -> list[str]:
    seen = Seen(address)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        context = await browser.new_context(base_url=address)
        await watched(context, seen)
        for path in paths:
            page = await context.new_page()
            if await go(page, seen, path):
                await look(page, seen, path)
            await page.close()
        await browser.close()
    return seen.acts


def numbers(pattern: str) -> list[int]:
    return [at for at, text in enumerate([*hostile_texts(), *polyglots()]) if pattern in text]


@pytest.mark.parametrize(
    ("kind", "pattern", "act"),
    [
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
    ],
)
async def test_an_unescaped_text_is_noticed(
    careless: str, kind: str, pattern: str, act: str
) -> None:
    found = numbers(pattern)[:4]
    assert found
    acts = await acts_at(careless, [f"/{kind}/{number}" for number in found])
    assert [one for one in acts if one.startswith(act)], acts


async def test_harmless_pages_do_nothing(careless: str) -> None:
    assert await acts_at(careless, ["/open/none", "/closed/none", "/code/none"]) == []
