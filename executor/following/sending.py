"""Wakes the workers: one message says "there is work", whatever waits in the rows."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from celery import current_app
from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger(__name__)

TASK = "executor.take_work"
# By name: what follows an end belongs to deployments, which is not known here.
SETTLE = "deployments.settle_execution"
# The first try may meet a connection that the broker's restart has closed.
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
# A broker that hangs costs the sender seconds; what is not sent now, the sweeps make up for.
REST_SECONDS = 2.0
# So long a message may arrive, and so long no other is sent: the queue stays as short as that.
EXPIRES_SECONDS = 15.0
BELL = "doorbell"
# Settlings that wait for a broker that hangs; a sweep of deployments finds those beyond.
MAX_WAITING = 10_000


def ring() -> None:
    """Say to the workers that there is work. Never raises and never waits: a lost message costs a
    second, after which workers with room look by themselves.
    """
    _sender().ring()


def send_settling(pk: uuid.UUID) -> None:
    """Say that an execution has ended, to whom it is of use. Never raises: a sweep there looks."""
    _sender().settle(pk)


def hear_ring() -> None:
    """A worker heard it: from now on another message is sent. Called before rows are read, so that
    what is queued after the reading rings again. Never raises.
    """
    try:
        cache.delete(BELL)
    except Exception as error:  # noqa: BLE001 - it expires
        logger.debug("The doorbell could not be reset: %s", error)


def keep_silent() -> None:
    """For a worker without room: the message that waits already is enough. Never raises."""
    try:
        cache.touch(BELL, expires_seconds())
    except Exception as error:  # noqa: BLE001 - one message more in the queue
        logger.debug("The doorbell could not be kept silent: %s", error)


def expires_seconds() -> float:
    """After which time nobody may hear a message any more."""
    return min(EXPIRES_SECONDS, settings.ENVIRONMENT.lease_seconds)


class Sender:
    """One thread that talks with the broker, so that nobody else waits for one that hangs."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sender")
        self._lock = threading.Lock()
        self._rings = False
        self._waiting = 0
        self._rest_until = 0.0

    def ring(self) -> None:
        with self._lock:
            if self._rings:
                return
            self._rings = True
        self._submit(self._ring)

    def settle(self, pk: uuid.UUID) -> None:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                return
            self._waiting += 1
        self._submit(lambda: self._settle(pk))

    def _submit(self, work: Callable[[], None]) -> None:
        try:
            self._pool.submit(work)
        except RuntimeError:
            # The interpreter is about to end.
            logger.debug("A message was not sent: this process ends.")

    def _ring(self) -> None:
        with self._lock:
            # Before anything is sent: what is queued from now on rings again.
            self._rings = False
        self._safely(self._ring_once)

    def _ring_once(self) -> None:
        seconds = expires_seconds()
        if not cache.add(BELL, 1, timeout=seconds):
            return
        try:
            self._send(TASK, {}, expires=seconds)
        except Exception:
            hear_ring()
            raise

    def _settle(self, pk: uuid.UUID) -> None:
        with self._lock:
            self._waiting -= 1
        self._safely(lambda: self._send(SETTLE, {"e": pk.hex}))

    def _send(self, task: str, values: dict[str, str], **options: float) -> None:
        current_app.send_task(task, kwargs=values, retry=True, retry_policy=ONCE_MORE, **options)

    def _safely(self, work: Callable[[], None]) -> None:
        if time.monotonic() < self._rest_until:
            return
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the row is committed: nothing may fail any more
            self._rest_until = time.monotonic() + REST_SECONDS
            logger.warning("Workers cannot be woken at the moment: %s", error)


_lock = threading.Lock()
_senders: dict[int, Sender] = {}


def _sender() -> Sender:
    """This process's, started at its first use (again after a fork)."""
    pid = os.getpid()
    with _lock:
        if pid not in _senders:
            _senders[pid] = Sender()
        return _senders[pid]
