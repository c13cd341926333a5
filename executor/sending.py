"""Wakes the workers: sends the id of an execution that waits in its row."""

from __future__ import annotations

import logging
import time
import uuid

from celery import current_app

logger = logging.getLogger(__name__)

TASK = "executor.run_execution"
# By name: what follows an end belongs to deployments, which is not known here.
SETTLE = "deployments.settle_execution"
# The first try may meet a connection that the broker's restart has closed.
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
# A broker that hangs costs each sender seconds; what is not sent now, the sweep sends.
REST_SECONDS = 2.0

_rest_until = 0.0


def send_execution(pk: uuid.UUID) -> None:
    """Wake a worker for a queued execution. Never raises: the sweep sends again what was lost."""
    _send(TASK, pk)


def send_settling(pk: uuid.UUID) -> None:
    """Say that an execution has ended, to whom it is of use. Never raises: a sweep there looks."""
    _send(SETTLE, pk)


def _send(task: str, pk: uuid.UUID) -> None:
    global _rest_until  # noqa: PLW0603 - one broker a process
    if time.monotonic() < _rest_until:
        return
    try:
        current_app.send_task(task, kwargs={"e": pk.hex}, retry=True, retry_policy=ONCE_MORE)
    except Exception as error:  # noqa: BLE001 - the row is committed: nothing may fail any more
        _rest_until = time.monotonic() + REST_SECONDS
        logger.warning("%s of exec-%s could not be sent yet: %s", task, pk.hex, error)
