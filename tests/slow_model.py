"""A slow model server of the tests' own: speaks the OpenAI protocol, remembers its calls."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class SlowModel:
    """`prompts` has the messages of each call, `answered` those of each that was answered; so many
    of the next calls as `at_once` says are answered without waiting.
    """

    url: str
    seconds: float
    at_once: int = 0
    prompts: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def asked(self) -> int:
        return len(self.prompts)

    def waits(self, prompt: str) -> bool:
        """Note the call; whether it is to be waited for."""
        with self.lock:
            self.prompts.append(prompt)
            self.at_once -= 1
            return self.at_once < 0


@contextmanager
def slow_model(seconds: float) -> Iterator[SlowModel]:
    """A server that takes `seconds` for each answer; they may be changed at any time."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = json.dumps(request["messages"])
            waits = model.waits(prompt)
            # Made shorter meanwhile, it answers the sooner.
            began = time.monotonic()
            while waits and time.monotonic() < began + model.seconds:
                time.sleep(0.02)
            body = json.dumps(
                _answer(request["model"], f"Noted {len(prompt)} characters.")
            ).encode()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                # The caller was killed while it waited: nobody got this answer.
                self.close_connection = True
                return
            model.answered.append(prompt)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # Workers begin dozens of runs at the same moment; beyond five, connections were lost.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    model = SlowModel(f"http://127.0.0.1:{server.server_port}/v1", seconds)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()


def _answer(model: str, text: str) -> dict[str, Any]:
    return {
        "id": "answer",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
