"""A model server of the tests' own: protocols, scripted answers and faults, every call kept."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Longer than a busy machine takes for all else that a test does meanwhile.
MAX_SECONDS = 120.0


@dataclass(frozen=True)
class Call:
    """One request as it came. `headers` have lower-case names."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """The last message's text."""
        content = self.body["messages"][-1]["content"]
        return content if isinstance(content, str) else content[0]["text"]


class Exchange:
    """One call and the way back: what a scripted answer works with."""

    def __init__(self, handler: BaseHTTPRequestHandler, call: Call, server: ModelServer) -> None:
        self.handler = handler
        self.call = call
        self.server = server

    @property
    def is_anthropic(self) -> bool:
        return self.call.path.endswith("/messages")

    @property
    def is_google(self) -> bool:
        return "enerateContent" in self.call.path

    @property
    def is_stream(self) -> bool:
        return self.call.body.get("stream") is True

    def send_either(self, message: Any, events: list[dict[str, Any]]) -> None:
        """Whole, or streamed, as it was asked for."""
        if not self.is_stream:
            self.send(200, json.dumps(message).encode())
            return
        self.head(200, "text/event-stream")
        self.events(*events)
        if not self.is_anthropic:
            self.raw(b"data: [DONE]\n\n")

    def send_google(self, message: Any) -> None:
        if "alt=sse" in self.call.path:
            self.head(200, "text/event-stream")
            self.raw(f"data: {json.dumps(message)}\n\n".encode())
        else:
            self.send(200, json.dumps(message).encode())

    def send(
        self, status: int, body: bytes, content_type: str = "application/json", **headers: str
    ) -> None:
        """A whole answer; header names are written with underscores."""
        self.head(status, content_type, Content_Length=str(len(body)), **headers)
        self.raw(body)

    def head(self, status: int, content_type: str, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Answer", f"Content-Type: {content_type}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.raw("\r\n".join([*lines, "", ""]).encode())

    def raw(self, data: bytes) -> None:
        self.handler.wfile.write(data)
        self.handler.wfile.flush()

    def events(self, *events: dict[str, Any]) -> None:
        """Server-sent events, one a dictionary; those of Anthropic have a name."""
        for event in events:
            name = f"event: {event['type']}\n" if "type" in event else ""
            self.raw(f"{name}data: {json.dumps(event)}\n\n".encode())

    def wait(self, seconds: float = MAX_SECONDS) -> bool:
        """Wait; true if the server closes meanwhile."""
        return self.server.closing.wait(seconds)

    def reset(self) -> None:
        """End the connection as a crash does."""
        linger = struct.pack("ii", 1, 0)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.handler.connection.close()


Answer = Callable[[Exchange], None]


@dataclass
class ModelServer:
    """`plan` has the answers to come; when it is empty, `usual` answers. `calls` is what came."""

    port: int = 0
    usual: Answer = lambda exchange: says("Hello.")(exchange)
    plan: deque[Answer] = field(default_factory=deque)
    calls: list[Call] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """The base address for clients of the OpenAI protocol."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def then(self, *answers: Answer) -> ModelServer:
        """Answer the next calls so."""
        self.plan.extend(answers)
        return self

    def take(self, call: Call) -> Answer:
        with self.lock:
            self.calls.append(call)
            return self.plan.popleft() if self.plan else self.usual


@contextmanager
def model_server() -> Iterator[ModelServer]:
    found = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.close_connection = True
            data = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.path, headers, json.loads(data))
            try:
                found.take(call)(Exchange(self, call, found))
            except OSError:
                # The caller went away, which is often what a test is about.
                return

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                return

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def shutdown_request(self, request: Any) -> None:
            if request.fileno() >= 0:
                super().shutdown_request(request)

    server = Server(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


# --- Answers --------------------------------------------------------------------------------------


def says(
    text: str,
    *,
    tokens: tuple[int, int] = (10, 5),
    finish: str = "stop",
    seconds: float = 0.0,
    events: int | None = None,
    after: threading.Event | None = None,
) -> Answer:
    """An answer of the model in whichever protocol was spoken: plain, or streamed word by word.

    It comes `after` something has happened, if that is given; a stream breaks off after so many
    `events`.
    """

    def answer(exchange: Exchange) -> None:
        if after is not None:
            after.wait(MAX_SECONDS)
        if exchange.wait(seconds):
            return
        if exchange.is_google:
            exchange.send_google(_google([{"text": text}], tokens))
            return
        make, cut = (_anthropic, _anthropic_events) if exchange.is_anthropic else (_openai, _events)
        message = make(exchange.call.body["model"], text, tokens, finish)
        if not exchange.is_stream:
            exchange.send(200, json.dumps(message).encode())
            return
        exchange.head(200, "text/event-stream")
        exchange.events(*cut(message)[:events])
        if not exchange.is_anthropic and events is None:
            exchange.raw(b"data: [DONE]\n\n")

    return answer


def chunks(*pieces: str, finish: str | None = "stop", ends: bool = True) -> Answer:
    """A stream of the OpenAI protocol with these pieces; `ends`: with [DONE]."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, "text/event-stream")
        for piece in pieces:
            exchange.events({"choices": [{"index": 0, "delta": {"content": piece}}]})
        if finish is not None:
            exchange.events({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if ends:
            exchange.raw(b"data: [DONE]\n\n")

    return answer


def replies(body: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    """This body, whatever was asked: text, bytes, or a value that becomes JSON."""

    def answer(exchange: Exchange) -> None:
        data = body if isinstance(body, bytes) else None
        if data is None:
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
        exchange.send(status, data, content_type)

    return answer


def gives(value: Any, **more: Any) -> Answer:
    """A structured answer."""
    return says(json.dumps(value), **more)


def fails(status: int, message: str = "Sorry.", code: str = "", **headers: str) -> Answer:
    """An error as providers write it; `code` is OpenAI's code or Anthropic's type."""

    def answer(exchange: Exchange) -> None:
        if exchange.is_anthropic:
            error = {"type": code or "api_error", "message": message}
            body: dict[str, Any] = {"type": "error", "error": error}
        else:
            body = {"error": {"message": message, "type": code or "error", "code": code or None}}
        exchange.send(status, json.dumps(body).encode(), **headers)

    return answer


def _openai(model: str, text: str, tokens: tuple[int, int], finish: str) -> dict[str, Any]:
    return {
        "id": "chat-1", "object": "chat.completion", "created": int(time.time()), "model": model,
        "choices": [
            {"index": 0, "finish_reason": finish,
             "message": {"role": "assistant", "content": text, "refusal": None}}
        ],
        "usage": {
            "prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens),
        },
    }  # fmt: skip


def _events(message: dict[str, Any]) -> list[dict[str, Any]]:
    (choice,) = message["choices"]
    shell = {**message, "object": "chat.completion.chunk"}
    del shell["usage"]

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {**shell, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    words = [chunk({"content": word}) for word in _words(choice["message"]["content"])]
    usage = {**shell, "choices": [], "usage": message["usage"]}
    return [
        chunk({"role": "assistant", "content": ""}),
        *words,
        chunk({}, choice["finish_reason"]),
        usage,
    ]


def _anthropic(model: str, text: str, tokens: tuple[int, int], finish: str) -> dict[str, Any]:
    reason = {"stop": "end_turn", "length": "max_tokens"}.get(finish, finish)
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": reason, "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]},
    }  # fmt: skip


def _anthropic_events(message: dict[str, Any]) -> list[dict[str, Any]]:
    usage = message["usage"]
    start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": w}}
            for w in _words(message["content"][0]["text"])
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": usage["output_tokens"]},
        },
        {"type": "message_stop"},
    ]


def _google(parts: list[dict[str, Any]], tokens: tuple[int, int]) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": tokens[0], "candidatesTokenCount": tokens[1],
            "totalTokenCount": sum(tokens),
        },
        "modelVersion": "gemini", "responseId": "x",
    }  # fmt: skip


def _words(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")[:-1]] + text.split(" ")[-1:]
