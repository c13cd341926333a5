"""Looks names up for calls that leave the server, in threads that nothing else waits for.

The system's own look-up cannot be told to stop: with a name whose server is silent it holds its
thread for 10 to 20 seconds. So there are few of these threads, who waits gives up early, a name is
asked for once at a time, and one that was silent is left alone for a while.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections import OrderedDict, deque
from concurrent.futures import Future
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

THREADS = 4
SECONDS = 3.0
SILENT_SECONDS = 300.0
MAX_WAITING = 64
MAX_CACHED = 10_000


class NameUnknown(Exception):
    """The name has no address, or its server was silent."""


class TooManyNames(Exception):
    """All threads are busy; nothing was asked, and nothing is known of the name."""


@dataclass(slots=True, eq=False)
class _Question:
    """One look-up; its future gives the addresses, or the error as a value."""

    host: str
    port: int
    future: Future[list[str] | OSError] = field(default_factory=Future)
    began_at: float | None = None
    waiting: int = 0


class NameLookups:
    """A few threads for the look-ups of one purpose; used by all event loops of the process."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._running = 0
        self._line: deque[_Question] = deque()
        self._asked: dict[tuple[str, int], _Question] = {}
        self._silent_until: OrderedDict[str, float] = OrderedDict()

    async def look_up(self, host: str, port: int) -> list[str]:
        """The name's addresses. Raises NameUnknown, and TooManyNames with nothing asked."""
        question = self._ask(host, port)
        try:
            async with asyncio.timeout(SECONDS):
                found = await asyncio.shield(asyncio.wrap_future(question.future))
        except TimeoutError:
            raise self._given_up(question) from None
        finally:
            self._leave(question)
        if isinstance(found, OSError):
            raise NameUnknown(f"the name {host} is not known") from found
        return found

    def _ask(self, host: str, port: int) -> _Question:
        with self._lock:
            if self._silent_until.get(host, 0.0) > time.monotonic():
                raise NameUnknown(f"the server of the name {host} did not answer lately")
            question = self._asked.get((host, port))
            if question is None:
                if len(self._line) >= MAX_WAITING:
                    raise TooManyNames
                question = self._asked[(host, port)] = _Question(host, port)
                self._line.append(question)
                if self._running < self._threads:
                    self._running += 1
                    # A daemon: the end of the process does not wait for a silent server.
                    threading.Thread(target=self._work, name="names", daemon=True).start()
            question.waiting += 1
            return question

    def _work(self) -> None:
        try:
            self._answer_all()
        except Exception:
            # Else there would be a thread less from now on.
            logger.exception("The names thread met an error; the next question starts another.")
            with self._lock:
                self._running -= 1

    def _answer_all(self) -> None:
        """Answer questions until none is left."""
        while (question := self._next()) is not None:
            try:
                entries = socket.getaddrinfo(question.host, question.port, type=socket.SOCK_STREAM)
                answer: list[str] | OSError = [str(entry[4][0]) for entry in entries]
            except OSError as error:
                answer = error
            except Exception as error:  # noqa: BLE001 - a name that cannot be asked for is not known
                answer = OSError(str(error))
            with self._lock:
                self._forget(question)
                if not isinstance(answer, OSError):
                    self._silent_until.pop(question.host, None)
            question.future.set_result(answer)

    def _next(self) -> _Question | None:
        with self._lock:
            if not self._line:
                self._running -= 1
                return None
            question = self._line.popleft()
            question.began_at = time.monotonic()
            return question

    def _given_up(self, question: _Question) -> Exception:
        """What to tell who waited long enough."""
        with self._lock:
            if question.began_at is None or time.monotonic() - question.began_at < SECONDS / 2:
                return TooManyNames()
            self._silent_until[question.host] = time.monotonic() + SILENT_SECONDS
            self._silent_until.move_to_end(question.host)
            while len(self._silent_until) > MAX_CACHED:
                self._silent_until.popitem(last=False)
        return NameUnknown(f"the server of the name {question.host} does not answer")

    def _leave(self, question: _Question) -> None:
        with self._lock:
            question.waiting -= 1
            if not question.waiting and question in self._line:
                # Nobody wants to know any more.
                self._line.remove(question)
                self._forget(question)

    def _forget(self, question: _Question) -> None:
        if self._asked.get((question.host, question.port)) is question:
            del self._asked[(question.host, question.port)]
