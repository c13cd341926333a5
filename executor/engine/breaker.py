"""Leaves a model alone for a while when its calls keep failing."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from executor.engine.llm.base import ErrorKind, Model, ModelAnswer, ModelError, ModelRequest

WINDOW = 10
MAX_FAILURES = 5
FIRST_PAUSE_SECONDS = 30.0
MAX_PAUSE_SECONDS = 600.0
MAX_DOUBLINGS = 10

# Fixed words: the server's own, from somebody else's call, may quote what that call said.
COUNTED = {
    ErrorKind.TRANSIENT: "the server could not answer",
    ErrorKind.TIMEOUT: "the server did not answer in time",
}
AT_ONCE = {
    ErrorKind.QUOTA: "the account has no credit left; top it up or name another model",
    ErrorKind.CREDENTIAL: "the server refuses the key; check it",
}

# Told what happened: the model's name, the seconds of the pause, why.
Tell = Callable[[str, float, str], None]


class Breaker:
    """Closed, open, or half-open, for the calls of one model; all methods are safe in any thread.

    It opens when 5 of the last 10 calls failed (transient, time-out), or at once when there is no
    credit or the key is refused: for 30 seconds, and for twice as long each time it opens again
    before a call succeeded, up to 10 minutes. After that it is half-open: one call is let through,
    which closes it or opens it again. `clock` gives seconds; `on_open` is told of each pause.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_open: Tell | None = None,
    ) -> None:
        self._name = name
        self._clock = clock
        self._on_open = on_open
        self._lock = threading.Lock()
        self._failed: deque[bool] = deque(maxlen=WINDOW)
        # Counts changes of state: how a call ends that began before the last one says nothing.
        self._turn = 0
        self._pauses = 0
        self._until: float | None = None
        self._is_trying = False
        self._reason = ""

    def check(self) -> None:
        """Raises ModelError(UNAVAILABLE) if a call would be refused now; takes nothing."""
        with self._lock:
            self._refuse()

    def begin(self) -> int:
        """A ticket for one call, to be given back by `end` or `abandon`. Raises ModelError."""
        with self._lock:
            self._refuse()
            if self._until is not None:
                self._is_trying = True
                self._turn += 1
            return self._turn

    def end(self, ticket: int, failure: ErrorKind | None) -> None:
        """Say how a call ended: None if it was answered, else the class of its error."""
        if failure is ErrorKind.UNAVAILABLE:
            self.abandon(ticket)
            return
        pause = None
        with self._lock:
            if ticket == self._turn:
                pause = self._count(failure)
        if pause is not None and self._on_open is not None:
            self._on_open(self._name, pause, self._reason)

    def abandon(self, ticket: int) -> None:
        """The call ended without a word about the model: it was cancelled, or never made."""
        with self._lock:
            if ticket == self._turn:
                self._is_trying = False

    def end_pause(self) -> None:
        """Half-open from now on: somebody has reason to think that the model answers again."""
        with self._lock:
            if self._until is not None:
                self._until = self._clock()

    def _refuse(self) -> None:
        if self._until is None:
            return
        left = self._until - self._clock()
        if left > 0:
            seconds = math.ceil(left)
            how_long = f"for {seconds} more second{'' if seconds == 1 else 's'}"
        elif self._is_trying:
            how_long = "while one call finds out whether it answers again"
        else:
            return
        sentence = f"{self._name}: left alone {how_long}, because {self._reason}."
        raise ModelError(ErrorKind.UNAVAILABLE, sentence)

    def _count(self, failure: ErrorKind | None) -> float | None:
        """Seconds of the pause that begins with this outcome, if one does."""
        was_trying, self._is_trying = self._is_trying, False
        self._failed.append(failure in COUNTED)
        if failure is not None and self._opens(failure, was_trying=was_trying):
            return self._open(failure)
        if was_trying:
            self._turn += 1
            self._until, self._pauses = None, 0
            self._failed.clear()
        return None

    def _opens(self, failure: ErrorKind, *, was_trying: bool) -> bool:
        if failure in AT_ONCE:
            return True
        return failure in COUNTED and (was_trying or sum(self._failed) >= MAX_FAILURES)

    def _open(self, failure: ErrorKind) -> float:
        doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(self._pauses, MAX_DOUBLINGS)
        pause = min(MAX_PAUSE_SECONDS, doubled)
        self._turn += 1
        self._pauses += 1
        self._until = self._clock() + pause
        self._reason = COUNTED.get(failure) or AT_ONCE[failure]
        self._failed.clear()
        return pause


class GuardedModel:
    """A model behind its breaker: refusals are ModelError(UNAVAILABLE), as of a model not there."""

    def __init__(self, model: Model, breaker: Breaker) -> None:
        self.model = model
        self.breaker = breaker

    @property
    def name(self) -> str:
        return self.model.name

    async def has_price(self) -> bool:
        return await self.model.has_price()

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """Ask once, unless the model is left alone at the moment. Raises ModelError."""
        ticket = self.breaker.begin()
        try:
            answer = await self.model.complete(request, on_delta)
        except ModelError as error:
            if error.only_streaming:
                # Whether the model answers, the next try tells.
                self.breaker.abandon(ticket)
            else:
                self.breaker.end(ticket, error.kind)
            raise
        except BaseException:
            self.breaker.abandon(ticket)
            raise
        self.breaker.end(ticket, None)
        return answer
