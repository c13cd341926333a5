"""Accepts connections so that the web processes of one socket share them evenly.

asyncio accepts all waiting connections at once: of 64 that come together, one of two processes
mostly takes all, keeps them, and refuses what goes beyond its bounds of streams, calls and runs
while the other is idle (`python -m benchmarks.shared_connections`). In requests a second the two
ways do not differ.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

# After each accept a process rests for this long per connection it holds, so the one that holds
# fewer accepts next. Short enough for a thousand new connections a second in each.
REST_SECONDS = 0.0001
MAX_REST_SECONDS = 0.001
# After a longer pause the loop catches up with this many at once.
MAX_AT_ONCE = 30
# After an error such as too many open files, as asyncio does.
ERROR_REST_SECONDS = 1.0


class Acceptor:
    """Replaces an `asyncio.Server` on a listening socket that several processes share.

    `load` gives the number of connections that this process holds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: Callable[[], asyncio.BaseProtocol],
        sock: socket.socket,
        load: Callable[[], int],
    ) -> None:
        self._loop, self._factory, self._sock, self._load = loop, factory, sock, load
        self._rest: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[object]] = set()
        sock.setblocking(False)
        loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Accept no more; connections that are open stay."""
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    async def wait_closed(self) -> None:
        """Wait until all accepted connections have their protocol."""
        if self._opening:
            await asyncio.wait(self._opening)

    def _accept(self, most: int = 1) -> None:
        taken = 0
        for _ in range(most):
            try:
                connection, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                # Another process was faster, or the client left.
                break
            except OSError:
                self._rest_for(ERROR_REST_SECONDS)
                raise
            connection.setblocking(False)
            opening = self._loop.connect_accepted_socket(self._factory, connection)
            task = self._loop.create_task(opening)
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
            taken += 1
        if taken:
            self._rest_for(min(self._load() * REST_SECONDS, MAX_REST_SECONDS))

    def _rest_for(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock)
        self._rest = self._loop.call_later(seconds, self._resume, self._loop.time() + seconds)

    def _resume(self, due: float) -> None:
        """Accept as many as an idle loop would have since `due`."""
        self._loop.add_reader(self._sock, self._accept)
        late = self._loop.time() - due
        self._accept(1 + min(int(late / MAX_REST_SECONDS), MAX_AT_ONCE))
