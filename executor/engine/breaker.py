"""A circuit breaker: pauses calls to a model while they keep failing."""

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

# Fixed words: those of the server may quote another caller's prompt.
COUNTED = {
    ErrorKind.TRANSIENT: "the server could not answer",
    ErrorKind.TIMEOUT: "the server did not answer in time",
}
AT_ONCE = {
    ErrorKind.QUOTA: "the account has no credit left; top it up or name another model",
    ErrorKind.CREDENTIAL: "the server refuses the key; check it",
}

# Called with the model's name, the seconds of the pause, and the reason.
OnOpen = Callable[[str, float, str], None]


class Breaker:
    """Closed, open, or half-open, for the calls of one model; all methods are thread-safe.

    It opens when 5 of the last 10 calls failed (TRANSIENT, TIMEOUT), or at once when there is no
    credit or the key is refused: for 30 seconds, doubled each time it opens again before a call
    succeeds, up to 10 minutes. Then it is half-open: one call is let through, which closes it or
    opens it again. `clock` gives seconds; `on_open` is called for each pause.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_open: OnOpen | None = None,
    ) -> None:
        self._name = name
        self._clock = clock
        self._on_open = on_open
        self._lock = threading.Lock()
        self._failed: deque[bool] = deque(maxlen=WINDOW)
        # Counts changes of state: results of calls that began before the last change are ignored.
        self._turn = 0
        self._pauses = 0
        self._until: float | None = None
        self._is_trying = False
        self._reason = ""

    def check(self) -> None:
        """Raises ModelError(UNAVAILABLE) if a call would be refused now."""
        with self._lock:
            self._refuse()

    def begin(self) -> int:
        """A ticket for one call, to be passed to `end` or `abandon`. Raises ModelError."""
        with self._lock:
            self._refuse()
            if self._until is not None:
                self._is_trying = True
                self._turn += 1
            return self._turn

    def end(self, ticket: int, failure: ErrorKind | None) -> None:
        """Count the result of a call: None if it was answered, else the class of its error."""
        if failure is ErrorKind.UNAVAILABLE:
            self.abandon(ticket)
            return
        pause = None
        with self._lock:
            if ticket != self._turn:
                return
            was_trying, self._is_trying = self._is_trying, False
            self._failed.append(failure in COUNTED)
            if failure in AT_ONCE or (
                failure in COUNTED and (was_trying or sum(self._failed) >= MAX_FAILURES)
            ):
                pause = min(
                    MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._pauses, MAX_DOUBLINGS)
                )
                self._pauses += 1
                self._until = self._clock() + pause
                self._reason = (COUNTED | AT_ONCE)[failure]
            elif was_trying:
                self._until, self._pauses = None, 0
            else:
                return
            self._turn += 1
            self._failed.clear()
        if pause is not None and self._on_open is not None:
            self._on_open(self._name, pause, self._reason)

    def abandon(self, ticket: int) -> None:
        """End a call that says nothing about the model: it was cancelled, or never sent."""
        with self._lock:
            if ticket == self._turn:
                self._is_trying = False

    def end_pause(self) -> None:
        """Make an open breaker half-open now, as the model may answer again."""
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


class GuardedModel:
    """A model behind its breaker, whose refusals are ModelError(UNAVAILABLE)."""

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
        ticket = self.breaker.begin()
        try:
            answer = await self.model.complete(request, on_delta)
        except ModelError as error:
            if error.only_streaming:
                # The next try, without streaming, shows whether the model answers.
                self.breaker.abandon(ticket)
            else:
                self.breaker.end(ticket, error.kind)
            raise
        except BaseException:
            self.breaker.abandon(ticket)
            raise
        self.breaker.end(ticket, None)
        return answer
