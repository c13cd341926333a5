"""Connections to a test's own model server, and answers that wait to be read."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from tests.model_server import MAX_SECONDS, Answer, Exchange

POST = """
async ([path, fields]) => {
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const body = new URLSearchParams(fields);
  return (await fetch(path, { method: "POST", headers, body })).status;
}
"""


@contextmanager
def connected(page: Page, name: str, url: str) -> Iterator[None]:
    """A connection to this model server, for so long."""
    fields = {
        "name": name,
        "provider": "openai_compatible",
        "base_url": url,
        "default_model": "small",
        "is_enabled": "on",
        "timeout_seconds": "120",
        "has_system_role": "on",
        "streams": "on",
    }
    assert page.evaluate(POST, ["/connections/new/", fields]) == 200
    rows = page.request.get("/connections/").text()
    newest = max(map(int, re.findall(r"/connections/(\d+)/", rows)))
    yield
    assert page.evaluate(POST, [f"/connections/{newest}/delete/", {}]) == 200


def spoken(is_read: threading.Event, *words: str) -> Answer:
    """A stream whose last word comes once the others were read."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, "text/event-stream")
        for place, word in enumerate(words, 1):
            if place == len(words):
                is_read.wait(MAX_SECONDS)
            exchange.events({"choices": [{"index": 0, "delta": {"content": word}}]})
        exchange.events({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        exchange.raw(b"data: [DONE]\n\n")

    return answer
