"""What one step has spent: calls, tokens, cost, and what became of each try."""

from __future__ import annotations

from decimal import Decimal

from executor.engine.budget import Budget
from executor.engine.journal import FailedTry, StepResult
from executor.engine.llm.base import (
    MAX_TOKENS,
    ErrorKind,
    ModelAnswer,
    ModelError,
    ModelRequest,
)
from executor.engine.llm.estimate import estimated_tokens


class Spending:
    """Sums over all tries, those of an `earlier` attempt at the step included."""

    __slots__ = ("calls", "cost", "failures", "input_tokens", "is_estimated", "output_tokens")

    def __init__(self, earlier: StepResult | None) -> None:
        self.calls = 0 if earlier is None else earlier.tries
        self.input_tokens = 0 if earlier is None else earlier.input_tokens
        self.output_tokens = 0 if earlier is None else earlier.output_tokens
        self.cost: Decimal | None = None if earlier is None else earlier.cost_usd
        self.is_estimated = earlier is not None and earlier.is_estimated
        self.failures: list[FailedTry] = [] if earlier is None else list(earlier.failures)

    def begin(self, budget: Budget) -> Call:
        """A call that is about to be sent. Raises LimitReached."""
        budget.begin_call()
        return Call(self, budget)

    def note(self, model: str, kind: str, message: str, at: float) -> None:
        """A try that gave no answer."""
        self.failures.append(FailedTry(model, kind, message, at))


class Call:
    """One call: it counts once it was sent, and what it used is added when it ends."""

    __slots__ = ("_budget", "_is_sent", "_spending")

    def __init__(self, spending: Spending, budget: Budget) -> None:
        self._spending = spending
        self._budget = budget
        self._is_sent = False

    def sent(self) -> None:
        """It left for a server."""
        if not self._is_sent:
            self._is_sent = True
            self._spending.calls += 1
            self._budget.call_sent()

    def answered(self, answer: ModelAnswer, request: ModelRequest) -> None:
        self.sent()
        self._add(answer, request)

    def failed(self, error: ModelError, request: ModelRequest) -> None:
        """A model that is not there or left alone was not asked; all other errors are answers."""
        if error.kind is not ErrorKind.UNAVAILABLE:
            self.sent()
        if error.spent is not None:
            self._add(error.spent, request)

    def end(self) -> None:
        """Give the place back if the call never left."""
        if not self._is_sent:
            self._budget.call_dropped()

    def _add(self, answer: ModelAnswer, request: ModelRequest) -> None:
        spending, asked, said = self._spending, answer.input_tokens, answer.output_tokens
        if not answer.usage_told:
            spending.is_estimated = True
            estimated = estimated_tokens(request, answer.text)
            asked, said = asked or estimated.input, said or estimated.output
        asked, said = min(asked, MAX_TOKENS), min(said, MAX_TOKENS)
        spending.input_tokens += asked
        spending.output_tokens += said
        cost = self._budget.add(asked, said, answer.cost_usd)
        if cost is not None:
            spending.cost = cost + (spending.cost or 0)
