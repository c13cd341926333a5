"""Resolves host names for outgoing calls, in threads of their own.

The system's resolver cannot be cancelled: a name whose server is silent blocks its thread for 10 to
20 seconds. So these threads are few, callers time out early, a name is asked for once at a time,
and one whose server was silent is not asked for again for a while.
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
    """All threads are busy: the resolver was not asked."""


@dataclass(slots=True, eq=False)
class _Question:
    """One look-up; the future's result is the addresses, or the error as a value."""

    host: str
    port: int
    future: Future[list[str] | OSError] = field(default_factory=Future)
    began_at: float | None = None
    waiting: int = 0


class NameLookups:
    """A few threads for one kind of look-up, used by all event loops of the process."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._running = 0
        self._line: deque[_Question] = deque()
        self._asked: dict[tuple[str, int], _Question] = {}
        self._silent_until: OrderedDict[str, float] = OrderedDict()

    async def look_up(self, host: str, port: int) -> list[str]:
        """The name's addresses. Raises NameUnknown, TooManyNames."""
        question = self._ask(host, port)
        try:
            async with asyncio.timeout(SECONDS):
                answer = await asyncio.shield(asyncio.wrap_future(question.future))
        except TimeoutError:
            with self._lock:
                if question.began_at is None or time.monotonic() - question.began_at < SECONDS / 2:
                    # All threads were busy with other names.
                    raise TooManyNames from None
                self._silent_until[host] = time.monotonic() + SILENT_SECONDS
                self._silent_until.move_to_end(host)
                while len(self._silent_until) > MAX_CACHED:
                    self._silent_until.popitem(last=False)
            raise NameUnknown(f"the server of the name {host} does not answer") from None
        finally:
            with self._lock:
                question.waiting -= 1
                if not question.waiting and question in self._line:
                    self._line.remove(question)
                    self._forget(question)
        if isinstance(answer, OSError):
            raise NameUnknown(f"the name {host} is not known") from answer
        return answer

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
                    # A daemon, so that a silent server does not delay the end of the process.
                    threading.Thread(target=self._work, name="names", daemon=True).start()
            question.waiting += 1
            return question

    def _work(self) -> None:
        try:
            self._answer_all()
        except Exception:
            logger.exception("Error in the names thread; the next question starts another one.")
            with self._lock:
                self._running -= 1

    def _answer_all(self) -> None:
        while True:
            with self._lock:
                if not self._line:
                    self._running -= 1
                    return
                question = self._line.popleft()
                question.began_at = time.monotonic()
            try:
                entries = socket.getaddrinfo(question.host, question.port, type=socket.SOCK_STREAM)
                answer: list[str] | OSError = [str(entry[4][0]) for entry in entries]
            except OSError as error:
                answer = error
            except Exception as error:  # noqa: BLE001 - such as a name that cannot be encoded
                answer = OSError(str(error))
            with self._lock:
                self._forget(question)
                if not isinstance(answer, OSError):
                    self._silent_until.pop(question.host, None)
            question.future.set_result(answer)

    def _forget(self, question: _Question) -> None:
        if self._asked.get((question.host, question.port)) is question:
            del self._asked[(question.host, question.port)]
