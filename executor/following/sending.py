"""Notifies workers of queued executions, with at most one message pending at a time."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from celery import current_app
from django.conf import settings
from django.core.cache import cache

from designs.runtime.patience import Patience, RareWarning
from designs.runtime.processes import PerProcess

logger = logging.getLogger(__name__)

TASK = "executor.take_work"
# By name: the task belongs to the app deployments, which executor does not import.
SETTLE = "deployments.settle_execution"
# Mail about requests to people.
TELL = "executor.tell_members"
# The first try may use a connection that the broker's restart has closed.
ONE_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
# Pause after a failure, since a hanging broker costs the sender seconds. The sweeps make up for
# messages that are not sent.
REST_SECONDS = 2.0
# Lifetime of a message, during which no second one is sent. This keeps the queue short.
EXPIRES_SECONDS = 15.0
# The cache has this key while a message is pending.
PENDING_KEY = "work-pending"
# Settle messages that wait for a hanging broker; a sweep of deployments covers the rest.
MAX_WAITING = 10_000


def notify_workers() -> None:
    """Tell the workers that there is work. Never raises or blocks. A lost message costs a second,
    after which workers with room poll.
    """
    _senders.get().notify_workers()


def send_settling(pk: uuid.UUID) -> None:
    """Have the end of an execution settled. Never raises: a sweep covers lost messages."""
    _senders.get().settle(pk)


def send_telling() -> None:
    """Have people told by mail what waits for them, if mail is set up. Never raises: a sweep covers
    lost messages.
    """
    if settings.ENVIRONMENT.mail_url:
        _senders.get().tell()


def allow_next_notification() -> None:
    """Called by a worker that received one, before it reads rows, so that whatever is queued after
    the reading sends another message. Never raises.
    """
    try:
        cache.delete(PENDING_KEY)
    except Exception as error:  # noqa: BLE001 - it expires
        logger.debug("The next notification could not be allowed: %s", error)


def suppress_notifications() -> None:
    """For a worker without room: the pending message is enough. Never raises."""
    try:
        cache.touch(PENDING_KEY, expires_seconds())
    except Exception as error:  # noqa: BLE001 - costs one message more in the queue
        logger.debug("Notifications could not be suppressed: %s", error)


def expires_seconds() -> float:
    return min(EXPIRES_SECONDS, settings.ENVIRONMENT.lease_seconds)


class Sender:
    """One thread that talks to the broker, so that callers never wait for a hanging one."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sender")
        self._lock = threading.Lock()
        self._is_notifying = False
        self._waiting = 0
        warning = RareWarning(logger, "Workers cannot be notified at the moment: %s")
        # Only its own thread asks, so no try stays unreported.
        self.patience = Patience(rest_seconds=REST_SECONDS, try_seconds=0.0, warning=warning)

    def notify_workers(self) -> None:
        with self._lock:
            if self._is_notifying:
                return
            self._is_notifying = True
        self._submit(self._work, None)

    def settle(self, pk: uuid.UUID) -> None:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                return
            self._waiting += 1
        self._submit(self._work, pk)

    def tell(self) -> None:
        self._submit(self._tell)

    def _submit(self, work: Callable[..., None], *arguments: uuid.UUID | None) -> None:
        try:
            self._pool.submit(work, *arguments)
        except RuntimeError:
            logger.debug("A message was not sent, because the interpreter is shutting down.")

    def _work(self, pk: uuid.UUID | None) -> None:
        """Have an execution settled, or (None) notify the workers."""
        with self._lock:
            if pk is None:
                # Before anything is sent: whatever is queued from now on needs another message.
                self._is_notifying = False
            else:
                self._waiting -= 1
        if not self.patience.asks():
            return
        seconds = expires_seconds()
        try:
            if pk is not None:
                self._send(SETTLE, {"e": pk.hex})
            elif cache.add(PENDING_KEY, 1, timeout=seconds):
                try:
                    self._send(TASK, {}, expires=seconds)
                except Exception:
                    allow_next_notification()
                    raise
        except Exception as error:  # noqa: BLE001 - the row is committed, so nothing may fail now
            self.patience.failed(error)

    def _tell(self) -> None:
        if not self.patience.asks():
            return
        try:
            self._send(TELL, {})
        except Exception as error:  # noqa: BLE001 - the sweep looks again
            self.patience.failed(error)

    def _send(self, task: str, values: dict[str, str], **options: float) -> None:
        current_app.send_task(task, kwargs=values, retry=True, retry_policy=ONE_RETRY, **options)
        self.patience.answered()


_senders = PerProcess(Sender)
