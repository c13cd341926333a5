"""What gunicorn does besides its command line: connections have limits and are shared evenly by
workers, and a worker that is to end hands its runs over.
"""

import signal
from typing import Any

# Longer than proxies and clients keep a connection (60 seconds is usual): whoever closes first must
# not be the server, or calls that are just being sent on it break with a reset.
keepalive = 75


def post_worker_init(worker: Any) -> None:
    if not hasattr(worker, "loop"):
        # Another kind of worker, which carries no runs.
        return
    _take_connections(worker)
    _hand_over_at_the_end(worker)


def _take_connections(worker: Any) -> None:
    from orchestra.server.connections import Connection
    from orchestra.server.listening import Acceptor

    usual = worker.loop.create_server
    shares = worker.cfg.workers > 1 and not worker.cfg.is_ssl

    def connection() -> Connection:
        return Connection(worker)

    async def create_server(factory: Any, *, sock: Any, **more: Any) -> Any:
        if shares:
            return Acceptor(worker.loop, connection, sock, load=lambda: worker.nr_conns)
        return await usual(connection, sock=sock, **more)

    worker.loop.create_server = create_server


def _hand_over_at_the_end(worker: Any) -> None:
    """Begin to hand over at SIGTERM; by itself gunicorn tells of its end only when it is due."""
    from orchestra.asgi import begin_to_leave
    from orchestra.server.connections import LEAVE_SECONDS, close_all_idle

    def leave() -> None:
        worker.handle_exit_signal()
        begin_to_leave()
        worker.loop.call_later(LEAVE_SECONDS, close_all_idle)

    worker.loop.add_signal_handler(signal.SIGTERM, leave)
