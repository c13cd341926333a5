"""What gunicorn does besides its command line: a worker that is to end hands its runs over."""

import signal
from typing import Any


def post_worker_init(worker: Any) -> None:
    """Begin to hand over at SIGTERM; by itself gunicorn tells of its end only when it is due."""
    if not hasattr(worker, "loop"):
        # Another kind of worker, which carries no runs.
        return
    from orchestra.asgi import begin_to_leave

    def leave() -> None:
        worker.handle_exit_signal()
        begin_to_leave()

    worker.loop.add_signal_handler(signal.SIGTERM, leave)
