"""Tool servers of the tests' own: MCP servers by the official library, and odd ones by hand."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvicorn

from executor.tool_connections import sample_server
from tests.waiting import wait_until

# Longer than a busy machine takes for all else that a test does meanwhile.
MAX_SECONDS = 120.0


@contextmanager
def asgi_server(app: Any) -> Iterator[str]:
    """The application on a free port of this machine; yields its address without a path."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def sample_tools() -> Iterator[str]:
    """The sample server that is shipped; yields its address."""
    with asgi_server(sample_server.make_app()) as url:
        yield f"{url}{sample_server.PATH}"


@contextmanager
def mcp_server(server: Any, **options: Any) -> Iterator[str]:
    """An MCPServer of the library, at /mcp."""
    with asgi_server(server.streamable_http_app(**options)) as url:
        yield f"{url}/mcp"


@dataclass(frozen=True)
class Asked:
    """One request as it came. `headers` have lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[BaseHTTPRequestHandler, Asked, "OddServer"], None]


@dataclass
class OddServer:
    """Answers every request as `answer` does; `asked` is what came."""

    answer: Answer
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def odd_server(answer: Answer) -> Iterator[OddServer]:
    found = OddServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            found.connections += 1
            super().setup()

        def _any(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, data)
            found.asked.append(asked)
            try:
                found.answer(self, asked, found)
            except OSError:
                # The caller went away, which is often what a test is about.
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    """A whole answer; header names are written with underscores."""
    handler.send_response(status)
    given = {"Content_Type": "application/json", "Content_Length": str(len(body)), **headers}
    for name, value in given.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


def says(value: Any, status: int = 200, **headers: str) -> Answer:
    """Always this JSON."""
    return lambda handler, asked, server: send(
        handler, status, json.dumps(value).encode(), **headers
    )


def mcp_result(asked: Asked, result: dict[str, Any]) -> bytes:
    """The JSON-RPC answer to an MCP request of the modern era."""
    return json.dumps({"jsonrpc": "2.0", "id": asked.json["id"], "result": result}).encode()
