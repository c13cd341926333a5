"""gunicorn's configuration: connections are limited and shared evenly by workers, and a worker
that shuts down hands over its runs.
"""

import signal
from typing import Any

# Longer than proxies and clients keep a connection (usually 60 seconds). If the server closed it
# first, requests that are just being sent on it would fail with a reset.
keepalive = 75


def post_worker_init(worker: Any) -> None:
    if not hasattr(worker, "loop"):
        # Not an ASGI worker.
        return
    _take_connections(worker)
    _hand_over_at_the_end(worker)


def _take_connections(worker: Any) -> None:
    from orchestra.server.connections import Connection
    from orchestra.server.listening import Acceptor

    create = worker.loop.create_server
    shares = worker.cfg.workers > 1 and not worker.cfg.is_ssl

    def connection() -> Connection:
        return Connection(worker)

    async def create_server(factory: Any, *, sock: Any, **more: Any) -> Any:
        if shares:
            return Acceptor(worker.loop, connection, sock, load=lambda: worker.nr_conns)
        return await create(connection, sock=sock, **more)

    worker.loop.create_server = create_server


def _hand_over_at_the_end(worker: Any) -> None:
    """At SIGTERM: gunicorn's own hook comes only at the end of its graceful timeout."""
    from orchestra.asgi import begin_to_leave
    from orchestra.server.connections import LEAVE_SECONDS, close_all_idle

    def leave() -> None:
        worker.handle_exit_signal()
        begin_to_leave()
        worker.loop.call_later(LEAVE_SECONDS, close_all_idle)

    worker.loop.add_signal_handler(signal.SIGTERM, leave)
