"""What gunicorn does besides its command line: workers share connections evenly, and one that is
to end hands its runs over.
"""

import signal
from typing import Any


def post_worker_init(worker: Any) -> None:
    if not hasattr(worker, "loop"):
        # Another kind of worker, which carries no runs.
        return
    if worker.cfg.workers > 1 and not worker.cfg.is_ssl:
        _share_connections(worker)
    _hand_over_at_the_end(worker)


def _share_connections(worker: Any) -> None:
    from orchestra.listening import Acceptor

    async def create_server(factory: Any, *, sock: Any, **_: Any) -> Acceptor:
        return Acceptor(worker.loop, factory, sock, load=lambda: worker.nr_conns)

    worker.loop.create_server = create_server


def _hand_over_at_the_end(worker: Any) -> None:
    """Begin to hand over at SIGTERM; by itself gunicorn tells of its end only when it is due."""
    from orchestra.asgi import begin_to_leave

    def leave() -> None:
        worker.handle_exit_signal()
        begin_to_leave()

    worker.loop.add_signal_handler(signal.SIGTERM, leave)
