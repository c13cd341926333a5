"""The one writer of a process: a thread with its own database connection that groups what waits."""

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

# More than this in one transaction makes the first caller wait for the last one's rows.
MAX_AT_ONCE = 200
# Beyond this many waiting writes the database is too slow or away: refuse instead of piling up.
MAX_WAITING = 20_000
# So long a write is tried again while the database is away: longer than a restart takes.
PATIENCE_SECONDS = 15.0
PAUSE_SECONDS = 0.1
# SQLite's words for what passes; its other errors would come again.
PASSING_ON_SQLITE = ("locked", "disk", "unable to open", "full")

T = TypeVar("T")


class Write(Generic[T]):
    """One thing to write. Writes of one class that wait together are applied together, by `apply`.

    `rank` orders classes within a transaction: what others point at comes first. `again` is true
    once a try broke off: nobody knows whether it was committed. `point` names the class's commits
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
        """What must be locked before they are applied; asked inside the same transaction."""
        return ()

    @classmethod
    def apply(cls, writes: Sequence[Any]) -> Sequence[Any]:
        """Write all, inside a transaction; one result (or an exception to raise) for each, in
        order.
        """
        raise NotImplementedError

    @classmethod
    def is_one_statement(cls, writes: Sequence[Any]) -> bool:
        """Whether `apply` needs no transaction around it: it is a single statement, or makes its
        own. A transaction would be two round trips more.
        """
        return False

    @classmethod
    def committed(cls, writes: Sequence[Any]) -> None:
        """What to tell others once it is durable."""

    @property
    def is_overdue(self) -> bool:
        return time.monotonic() - self.since > PATIENCE_SECONDS


# Writes of one class, and what became of each.
Group = tuple[type[Write[Any]], list[Write[Any]], Sequence[Any]]


class Writer:
    """Takes writes from any thread and loop; each has a future that ends when it is committed."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Write[Any] | None] = queue.SimpleQueue()
        self._has_ended = threading.Event()
        # The connection is kept: what waits is written at once, and a write finds a broken one.
        self._end = forever("writer", self._round, keeps_connection=True)

    def submit(self, write: Write[T]) -> Future[T]:
        """Queue the write. Raises RecorderUnavailable when too much waits already."""
        if self._waiting.qsize() > MAX_WAITING:
            raise RecorderUnavailable(
                "The database is too slow at the moment. Try again in some seconds."
            )
        self._waiting.put(write)
        return write.done

    def stop(self) -> None:
        """Write what waits, then end the thread."""
        self._waiting.put(None)
        self._has_ended.wait(timeout=30)

    def _round(self) -> None:
        batch, running = self._take()
        try:
            # What its caller gave up is not begun; what is begun can no longer be given up, so
            # that no answer meets a cancelled future.
            batch = [write for write in batch if write.done.set_running_or_notify_cancel()]
            _write(batch)
        except Exception as error:
            logger.exception("What follows a commit failed.")
            _fail(batch, error)
        if not running:
            self._end.set()
            connection.close()
            self._has_ended.set()

    def _take(self) -> tuple[list[Write[Any]], bool]:
        """Wait for one write, then take all that wait with it; False after the last."""
        batch: list[Write[Any]] = []
        found = self._waiting.get()
        while found is not None:
            batch.append(found)
            if len(batch) >= MAX_AT_ONCE or self._waiting.empty():
                return batch, True
            found = self._waiting.get()
        return batch, False


def _write(batch: Sequence[Write[Any]]) -> None:
    """Write the group; while the database is away, try again until patience is over.

    The connection is kept: a pool would check it at each taking, and a broken one is found out by
    the write itself.
    """
    while batch:
        try:
            written = _commit(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told
            if not _is_passing(error):
                return _write_one_by_one(batch, error)
            logger.warning("The database cannot be written: %s", str(error).strip())
            batch = _still_patient(batch)
        else:
            return _tell(written)
        time.sleep(PAUSE_SECONDS)
    return None


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
            # All locks of it by one call, or two processes could wait for each other.
            admission.lock([one for kind, writes in ordered for one in kind.locks(writes)])
            written = [(kind, writes, kind.apply(writes)) for kind, writes in ordered]
            faults.reach(*before)
    faults.reach(*(f"{point}.after" for point in points))
    return written


def _tell(written: list[Group]) -> None:
    for kind, writes, answers in written:
        for write, answer in zip(writes, answers, strict=True):
            if isinstance(answer, Exception):
                write.done.set_exception(answer)
            else:
                write.done.set_result(answer)
        kind.committed(writes)


def _write_one_by_one(batch: Sequence[Write[Any]], error: Exception) -> None:
    """One bad write (a broken constraint) must not take the others of its group with it."""
    if len(batch) > 1:
        for write in batch:
            _write([write])
    elif not batch[0].done.done():
        if not isinstance(error, DatabaseError):
            logger.error("A write failed.", exc_info=error)
        batch[0].done.set_exception(error)


def _still_patient(batch: Sequence[Write[Any]]) -> list[Write[Any]]:
    """Those to try again; the others are told that the database is away."""
    _drop_connection()
    overdue = [write for write in batch if write.is_overdue]
    away = "The database cannot be written at the moment. Try again in some seconds."
    _fail(overdue, RecorderUnavailable(away))
    left = [write for write in batch if not write.is_overdue and not write.done.done()]
    for write in left:
        write.again = True
    return left


def _is_passing(error: Exception) -> bool:
    """Whether the same write may go well later: the server restarts, the disk is full."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    if connection.vendor == "sqlite":
        return any(words in str(error) for words in PASSING_ON_SQLITE)
    # Class 54: a limit of the server's program, which the same statement meets again.
    return not (getattr(error.__cause__, "sqlstate", None) or "").startswith("54")


def _drop_connection() -> None:
    try:
        connection.close()
    except DatabaseError as error:
        logger.debug("A broken connection could not be closed: %s", error)


def _fail(batch: Sequence[Write[Any]], error: Exception) -> None:
    for write in batch:
        if not write.done.done():
            write.done.set_exception(error)


process_writer = PerProcess(Writer).get
