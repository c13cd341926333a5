"""The writer of a process: a thread with its own database connection that writes in batches."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

from designs.runtime import faults
from designs.runtime.background import forever
from designs.runtime.processes import PerProcess
from executor.errors import RecorderUnavailable
from executor.recording import admission

logger = logging.getLogger(__name__)

# With more writes in one transaction the first caller waits too long for the last one's rows.
MAX_AT_ONCE = 200
# Maximum of queued writes; beyond it the database is too slow or away, and writes are refused.
MAX_WAITING = 20_000
# A write is retried for this long while the database is away: longer than a restart takes.
PATIENCE_SECONDS = 15.0
PAUSE_SECONDS = 0.1
# SQLite's words for temporary errors; its other errors would come again.
TEMPORARY_ON_SQLITE = ("locked", "disk", "unable to open", "full")

T = TypeVar("T")


class Write(Generic[T]):
    """One thing to write. Queued writes of one class are applied together, by `apply`.

    `rank` orders the classes within a transaction: rows that others refer to come first. `again` is
    true after a try that broke off and may have been committed. `point` names the class's commits
    for tests (`designs.runtime.faults`).
    """

    rank = 0
    point = ""

    def __init__(self) -> None:
        self.done: Future[T] = Future()
        self.since = time.monotonic()
        self.again = False

    @classmethod
    def locks(cls, writes: Sequence[Any]) -> Iterable[admission.Lock]:
        """What must be locked before they are applied; called inside the same transaction."""
        return ()

    @classmethod
    def apply(cls, writes: Sequence[Any]) -> Sequence[Any]:
        """Write all, inside a transaction; returns a result or an exception for each, in order."""
        raise NotImplementedError

    @classmethod
    def is_one_statement(cls, writes: Sequence[Any]) -> bool:
        """True if `apply` needs no transaction around it, which would be two round trips more: it
        is a single statement, or makes its own transaction.
        """
        return False

    @classmethod
    def committed(cls, writes: Sequence[Any], answers: Sequence[Any]) -> None:
        """Called once they are durable, before their callers go on, to notify others. An answer may
        be an exception.
        """

    @property
    def is_overdue(self) -> bool:
        return time.monotonic() - self.since > PATIENCE_SECONDS


# Writes of one class, and the result of each.
Group = tuple[type[Write[Any]], list[Write[Any]], Sequence[Any]]


class Writer:
    """Takes writes from any thread and loop; the future of each is done once it is committed."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Write[Any] | None] = queue.SimpleQueue()
        self._has_ended = threading.Event()
        # The connection is kept without checks: a write finds out if it is broken.
        self._end = forever("writer", self._round, keeps_connection=True)

    def submit(self, write: Write[T]) -> Future[T]:
        """Queue the write. Raises RecorderUnavailable if the queue is full."""
        if self._waiting.qsize() > MAX_WAITING:
            raise RecorderUnavailable(
                "The database is too slow at the moment. Try again in some seconds."
            )
        self._waiting.put(write)
        return write.done

    def stop(self) -> None:
        self._waiting.put(None)
        self._has_ended.wait(timeout=30)

    def _round(self) -> None:
        batch: list[Write[Any]] = []
        write = self._waiting.get()
        # None ends the thread.
        while write is not None:
            batch.append(write)
            if len(batch) >= MAX_AT_ONCE or self._waiting.empty():
                break
            write = self._waiting.get()
        try:
            # Writes that were cancelled are skipped; the others can no longer be cancelled, so that
            # no result meets a cancelled future.
            batch = [write for write in batch if write.done.set_running_or_notify_cancel()]
            _write(batch)
        except Exception as error:
            logger.exception("A step after a commit failed.")
            _fail(batch, error)
        if write is None:
            self._end.set()
            connection.close()
            self._has_ended.set()


def _write(batch: Sequence[Write[Any]]) -> None:
    """Write the batch; while the database is away, retry until PATIENCE_SECONDS are over."""
    while batch:
        try:
            written = _commit(batch)
        except Exception as error:  # noqa: BLE001 - each caller gets it
            _close_unusable()
            if _is_temporary(error):
                logger.warning("The database cannot be written: %s", str(error).strip())
                batch = _to_retry(batch)
            elif len(batch) > 1:
                # One bad write (a broken constraint) must not take the others with it.
                for write in batch:
                    _write([write])
                return
            else:
                if not isinstance(error, DatabaseError):
                    logger.error("A write failed.", exc_info=error)
                _fail(batch, error)
                return
        else:
            _resolve(written)
            return
        time.sleep(PAUSE_SECONDS)


def _commit(batch: Sequence[Write[Any]]) -> list[Group]:
    groups: dict[type[Write[Any]], list[Write[Any]]] = {}
    for write in batch:
        groups.setdefault(type(write), []).append(write)
    ordered = sorted(groups.items(), key=lambda item: item[0].rank)
    points = {write.point for write in batch}
    before = [f"{point}.before" for point in points]
    if len(ordered) == 1 and ordered[0][0].is_one_statement(batch):
        faults.reach(*before)
        written = [(ordered[0][0], list(batch), ordered[0][0].apply(batch))]
    else:
        # Several classes in one transaction: the disk is waited for once.
        with transaction.atomic():
            # All locks by one call, or two processes could wait for each other.
            admission.lock([lock for kind, writes in ordered for lock in kind.locks(writes)])
            written = [(kind, writes, kind.apply(writes)) for kind, writes in ordered]
            faults.reach(*before)
    faults.reach(*(f"{point}.after" for point in points))
    return written


def _resolve(written: list[Group]) -> None:
    for kind, writes, answers in written:
        try:
            # First: what a caller publishes next comes after the change that it waited for.
            kind.committed(writes, answers)
        finally:
            for write, answer in zip(writes, answers, strict=True):
                if isinstance(answer, Exception):
                    write.done.set_exception(answer)
                else:
                    write.done.set_result(answer)


def _close_unusable() -> None:
    """Close a connection whose transaction was not ended: it would commit no later write either,
    and keep their locks.
    """
    if not connection.autocommit:
        _close()


def _close() -> None:
    try:
        connection.close()
    except DatabaseError as error:
        logger.debug("A broken connection could not be closed: %s", error)


def _to_retry(batch: Sequence[Write[Any]]) -> list[Write[Any]]:
    """The writes to retry; overdue ones fail."""
    _close()
    overdue = [write for write in batch if write.is_overdue]
    away = "The database cannot be written at the moment. Try again in some seconds."
    _fail(overdue, RecorderUnavailable(away))
    left = [write for write in batch if not write.is_overdue and not write.done.done()]
    for write in left:
        write.again = True
    return left


def _is_temporary(error: Exception) -> bool:
    """True if a retry may succeed: the server restarts, the disk is full."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    if connection.vendor == "sqlite":
        return any(words in str(error) for words in TEMPORARY_ON_SQLITE)
    # Class 54: a limit of the server, which the same statement would exceed again.
    return not (getattr(error.__cause__, "sqlstate", None) or "").startswith("54")


def _fail(batch: Sequence[Write[Any]], error: Exception) -> None:
    for write in batch:
        if not write.done.done():
            write.done.set_exception(error)


process_writer = PerProcess(Writer).get
