"""The spending of one step: calls, tokens, cost, and its failed tries."""

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
        """Reserve a call that is about to be sent. Raises LimitReached."""
        budget.begin_call()
        return Call(self, budget)

    def note(self, failed: FailedTry) -> None:
        self.failures.append(failed)


class Call:
    """One call: it counts once it was sent; its tokens and cost are added when it ends."""

    __slots__ = ("_budget", "_is_sent", "_spending")

    def __init__(self, spending: Spending, budget: Budget) -> None:
        self._spending = spending
        self._budget = budget
        self._is_sent = False

    def sent(self) -> None:
        if not self._is_sent:
            self._is_sent = True
            self._spending.calls += 1
            self._budget.call_sent()

    def answered(self, answer: ModelAnswer, request: ModelRequest) -> None:
        self.sent()
        self._add(answer, request)

    def failed(self, error: ModelError, request: ModelRequest) -> None:
        """Count a failed call; those of an UNAVAILABLE model were never sent."""
        if error.kind is not ErrorKind.UNAVAILABLE:
            self.sent()
        if error.spent is not None:
            self._add(error.spent, request)

    def end(self) -> None:
        """Release the reservation of a call that was never sent."""
        if not self._is_sent:
            self._budget.call_dropped()

    def _add(self, answer: ModelAnswer, request: ModelRequest) -> None:
        spending = self._spending
        input_tokens, output_tokens = answer.input_tokens, answer.output_tokens
        if not answer.has_usage:
            spending.is_estimated = True
            estimated = estimated_tokens(request, answer.text)
            input_tokens = input_tokens or estimated.input
            output_tokens = output_tokens or estimated.output
        input_tokens, output_tokens = min(input_tokens, MAX_TOKENS), min(output_tokens, MAX_TOKENS)
        spending.input_tokens += input_tokens
        spending.output_tokens += output_tokens
        cost = self._budget.add(input_tokens, output_tokens, answer.cost_usd)
        if cost is not None:
            spending.cost = cost + (spending.cost or 0)
