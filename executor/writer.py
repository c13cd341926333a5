"""The one writer of a process: a thread with its own database connection that groups what waits."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from django.db import DatabaseError, close_old_connections, connection, transaction

from executor.errors import RecorderUnavailable

logger = logging.getLogger(__name__)

# More than this in one transaction makes the first caller wait for the last one's rows.
MOST_AT_ONCE = 200
# Beyond this many waiting writes the database is too slow or away: refuse instead of piling up.
MOST_WAITING = 20_000

T = TypeVar("T")


class Write(Generic[T]):
    """One thing to write. Writes of one class that wait together are applied together, by `apply`.

    `rank` orders classes within a transaction: what others point at comes first.
    """

    rank = 0

    def __init__(self) -> None:
        self.done: Future[T] = Future()

    @classmethod
    def apply(cls, writes: Sequence[Any]) -> Sequence[Any]:
        """Write all, inside a transaction; one result (or an exception to raise) for each, in
        order.
        """
        raise NotImplementedError

    @classmethod
    def committed(cls, writes: Sequence[Any]) -> None:
        """What to tell others once it is durable."""


class Writer:
    """Takes writes from any thread and loop; each has a future that ends when it is committed."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Write[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write[T]) -> Future[T]:
        """Queue the write. Raises RecorderUnavailable when too much waits already."""
        if self._waiting.qsize() > MOST_WAITING:
            raise RecorderUnavailable(
                "The database is too slow at the moment. Try again in some seconds."
            )
        self._waiting.put(write)
        return write.done

    def stop(self) -> None:
        """Write what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join(timeout=30)

    def _work(self) -> None:
        running = True
        while running:
            batch, running = self._take()
            if not batch:
                continue
            close_old_connections()
            try:
                _write_together(batch)
            except DatabaseError:
                _write_one_by_one(batch)
            except Exception as error:
                logger.exception("A group of writes failed.")
                _fail(batch, error)
        connection.close()

    def _take(self) -> tuple[list[Write[Any]], bool]:
        """Wait for one write, then take all that wait with it; False after the last."""
        batch: list[Write[Any]] = []
        found = self._waiting.get()
        while found is not None:
            batch.append(found)
            if len(batch) >= MOST_AT_ONCE or self._waiting.empty():
                return batch, True
            found = self._waiting.get()
        return batch, False


def _write_together(batch: Sequence[Write[Any]]) -> None:
    groups: dict[type[Write[Any]], list[Write[Any]]] = {}
    for write in batch:
        groups.setdefault(type(write), []).append(write)
    ordered = sorted(groups.items(), key=lambda item: item[0].rank)
    with transaction.atomic():
        results = [(kind, writes, kind.apply(writes)) for kind, writes in ordered]
    for kind, writes, answers in results:
        for write, answer in zip(writes, answers, strict=True):
            if isinstance(answer, Exception):
                write.done.set_exception(answer)
            else:
                write.done.set_result(answer)
        kind.committed(writes)


def _write_one_by_one(batch: Sequence[Write[Any]]) -> None:
    """One bad write (a broken constraint) must not take the others of its group with it."""
    for write in batch:
        try:
            _write_together([write])
        except DatabaseError as error:
            connection.close_if_unusable_or_obsolete()
            write.done.set_exception(error)
        except Exception as error:
            logger.exception("A write failed.")
            _fail([write], error)


def _fail(batch: Sequence[Write[Any]], error: Exception) -> None:
    for write in batch:
        if not write.done.done():
            write.done.set_exception(error)


_lock = threading.Lock()
_writers: dict[int, Writer] = {}


def process_writer() -> Writer:
    """This process's writer, started at its first use (again after a fork: threads do not survive
    it).
    """
    pid = os.getpid()
    found = _writers.get(pid)
    if found is None:
        with _lock:
            found = _writers.get(pid) or _writers.setdefault(pid, Writer())
    return found
