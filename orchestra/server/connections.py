"""A connection of the web server: gunicorn's, with limits on time and number, and our headers.

gunicorn's own sets no timeout before the first request and no maximum of connections. Measured:
3,000 silent ones stayed open for as long as their clients liked.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol

from orchestra.server import headers

# Timeout of a whole request. Each byte received extends it, so that a steady sender is never cut
# off, and a client that sends a byte now and then is.
REQUEST_SECONDS = 10.0
BYTES_PER_SECOND = 50_000
# Idle connections of a process. One more closes the one that was idle the longest.
MAX_IDLE = 1_000
# How long a process that shuts down keeps idle connections: a request that is just being sent on
# one still gets its answer.
LEAVE_SECONDS = 2.0

# For gunicorn's own error answers, whose texts repeat what was sent.
_SENTENCES = {
    400: "This is not a request that HTTP allows.",
    403: "Nothing here speaks WebSocket. Follow a run by server-sent events instead.",
    408: f"The request did not arrive whole within {REQUEST_SECONDS:.0f} seconds.",
    414: "The address is too long.",
    431: "There are too many header fields, or one is too long.",
    500: "Something went wrong here. The log of the web process says more.",
    501: "This transfer coding is not supported. Send Content-Length, or chunked.",
}

_idle: dict[Connection, None] = {}


class Connection(ASGIProtocol):
    """Made for each accepted socket by `gunicorn.conf.py`."""

    def __init__(self, worker: Any) -> None:
        super().__init__(worker)
        self._clock: asyncio.TimerHandle | None = None
        self._came = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin_to_idle()
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        super().data_received(data)
        receiver = self._body_receiver
        if receiver is not None and receiver._complete:
            self._stop_clock()
        elif self._clock is None and not self._closed:
            self._start_clock()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._stop_clock()
        _idle.pop(self, None)

    def close_idle(self) -> None:
        self._keepalive_timeout()

    # --- Time -------------------------------------------------------------------------------------

    def _start_clock(self) -> None:
        seconds = REQUEST_SECONDS
        self._clock = self.worker.loop.call_later(seconds, self._look_at_clock, seconds)

    def _stop_clock(self) -> None:
        self._came = 0
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _look_at_clock(self, waited: float) -> None:
        allowed = REQUEST_SECONDS + self._came / BYTES_PER_SECOND
        # Every byte extends it a little; less than a second more is not worth another timer.
        if allowed > waited + 1:
            self._clock = self.worker.loop.call_later(
                allowed - waited, self._look_at_clock, allowed
            )
            return
        if self._came:
            self._send_error_response(408, "")
        self._stop_clock()
        self.close_idle()

    # --- Number -----------------------------------------------------------------------------------

    def _begin_to_idle(self) -> None:
        _idle[self] = None
        if len(_idle) > MAX_IDLE:
            oldest = next(iter(_idle))
            del _idle[oldest]
            oldest.close_idle()

    def _arm_keepalive_timer(self) -> None:
        super()._arm_keepalive_timer()
        self._begin_to_idle()

    def _cancel_keepalive_timer(self) -> None:
        # Called when a request has arrived, and when the connection ends.
        super()._cancel_keepalive_timer()
        _idle.pop(self, None)

    # --- Answers ----------------------------------------------------------------------------------

    async def _handle_websocket(self, request: Any, sockname: Any, peername: Any) -> None:
        self._send_error_response(403, "")
        self._close_transport()

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        """Answer with a problem as the API does, and repeat nothing of the request."""
        title = HTTPStatus(status).phrase
        problem = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": _SENTENCES.get(status, f"{title}."),
        }
        body = json.dumps(problem).encode()
        sent = {
            **headers.outside_middleware(),
            "Content-Type": "application/problem+json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **dict(extra_headers),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self._safe_write(f"HTTP/1.1 {status} {title}\r\n{lines}\r\n".encode("latin-1") + body)


def close_all_idle() -> None:
    for connection in list(_idle):
        connection.close_idle()
    _idle.clear()
