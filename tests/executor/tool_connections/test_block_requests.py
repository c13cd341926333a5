"""Requests of HTTP blocks over the guarded client: addresses, sizes, redirects, secrets."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings

from designs.patterns.calls import HttpCall
from executor.engine.http_door import HttpFailed
from executor.tool_connections.requests import Requests

pytestmark = pytest.mark.any_database

SEEN: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        SEEN.append({name.lower(): value for name, value in self.headers.items()})
        status, body = 200, b'{"ok": true}'
        if self.path == "/large":
            body = b"x" * 2_000_000
        elif self.path == "/moved":
            status = 302
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/other")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            # The client has read enough.
            return

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    SEEN.clear()
    opened: Any = dataclasses.replace(settings.ENVIRONMENT, egress_allow=("127.0.0.1",))
    monkeypatch.setattr(settings, "ENVIRONMENT", opened)
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.daemon_threads = True
    threading.Thread(target=found.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{found.server_port}"
    finally:
        found.shutdown()
        found.server_close()


def call(url: str, **more: Any) -> HttpCall:
    usual: dict[str, Any] = {
        "connection": None, "method": "GET", "url": url, "headers": {}, "content": None,
        "seconds": 5.0, "max_bytes": 1_000_000, "effect": "read", "on_unknown_outcome": "ask",
        "parse": "auto", "accept": ("2xx",),
    }  # fmt: skip
    return HttpCall(**{**usual, **more})


async def test_an_answer_comes_whole_and_the_headers_are_sent(server: str) -> None:
    reply = await Requests().send(call(f"{server}/x"), {"X-Who": "ana"})

    assert (reply.status, reply.body) == (200, b'{"ok": true}')
    assert reply.headers["content-type"] == "application/json"
    assert SEEN[0]["x-who"] == "ana"
    assert "authorization" not in SEEN[0]


async def test_two_megabytes_are_too_large_and_a_redirect_is_an_answer(server: str) -> None:
    with pytest.raises(HttpFailed) as large:
        await Requests().send(call(f"{server}/large"), {})
    moved = await Requests().send(call(f"{server}/moved"), {})

    assert large.value.kind == "too_large"
    assert moved.status == 302
    assert len(SEEN) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://169.254.169.254/", "ftp://a.b/"])
async def test_inner_addresses_are_refused_before_a_byte_is_sent(url: str) -> None:
    with pytest.raises(HttpFailed) as refused:
        await Requests().send(call(url), {})

    assert (refused.value.kind, refused.value.was_sent) == ("refused", False)


async def test_a_server_that_is_not_there_got_nothing(server: str) -> None:
    with pytest.raises(HttpFailed) as away:
        await Requests().send(call("http://127.0.0.1:1/"), {})

    assert (away.value.kind, away.value.was_sent) == ("transient", False)


@pytest.mark.django_db(transaction=True)
async def test_a_connection_that_is_not_there_is_refused_with_a_sentence() -> None:
    with pytest.raises(HttpFailed) as refused:
        await Requests().send(call("/x", connection="shop"), {})

    assert "There is no connection shop of kind HTTP" in refused.value.sentence
