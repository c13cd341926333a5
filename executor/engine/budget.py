"""The calls, tokens and cost that a run has used so far, and its limits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from executor.engine.context import Usage
from executor.engine.journal import StepResult
from executor.engine.limits import LimitReached, Limits
from executor.engine.words import counted

NO_USAGE = Usage()
# Costs are recorded in millionths of a dollar.
MIN_COST = Decimal("0.000001")


class Budget:
    """Counts calls, tokens and cost of one run; `recorded` are the steps of its earlier attempts.

    `before` is the usage of the runs that this one continues: it counts towards the limits, not as
    usage of this run. A call counts when it is sent; until then it is reserved.
    """

    __slots__ = (
        "_before", "_calls", "_cost", "_input_tokens", "_limits", "_output_tokens", "_tool_calls",
        "_unsent",
    )  # fmt: skip

    def __init__(
        self, limits: Limits, recorded: Iterable[StepResult] = (), before: Usage = NO_USAGE
    ) -> None:
        self._limits = limits
        self._before = before
        self._calls = 0
        self._unsent = 0
        self._input_tokens = 0
        self._output_tokens = 0
        self._cost: Decimal | None = None
        # The keys of the steps that called a tool.
        self._tool_calls: set[str] = set()
        for step in recorded:
            if step.tool is not None and step.tries:
                self._tool_calls.add(step.key)
            if step.model is not None:
                self._calls += step.tries
                self.add(step.input_tokens, step.output_tokens, step.cost_usd)

    def begin_call(self) -> None:
        """Reserve a call that is about to be sent. Raises LimitReached if a limit is reached.

        Either `call_sent` or `call_dropped` follows.
        """
        limits = self._limits
        calls = self._before.model_calls + self._calls + self._unsent
        if limits.model_calls is not None and calls >= limits.model_calls:
            raise LimitReached(
                f"The limit of {counted(limits.model_calls, 'model call')} is reached and another "
                "is needed.",
            )
        if limits.tokens is not None and self._tokens >= limits.tokens:
            raise LimitReached(
                f"The limit of {counted(limits.tokens, 'token')} is used up and another call is "
                "needed.",
            )
        if limits.cost_usd is not None and self._spent >= limits.cost_usd:
            raise LimitReached(
                f"The limit of {limits.cost_usd:g} US dollars is used up, another call is needed.",
            )
        self._unsent += 1

    def call_sent(self) -> None:
        self._unsent -= 1
        self._calls += 1

    def call_dropped(self) -> None:
        self._unsent -= 1

    @property
    def tool_calls_left(self) -> int:
        return self._limits.tool_calls - self._before.tool_calls - len(self._tool_calls)

    def begin_tool_call(self, key: str) -> bool:
        """Count a call of a tool; False if the limit is reached."""
        if key not in self._tool_calls and self.tool_calls_left <= 0:
            return False
        self._tool_calls.add(key)
        return True

    @property
    def needs_prices(self) -> bool:
        """Whether calls of unknown cost are refused, as the limit of cost could not be kept."""
        return self._limits.cost_usd is not None and not self._limits.unpriced

    def add(self, input_tokens: int, output_tokens: int, cost: Decimal | None) -> Decimal | None:
        """Count what a call used. Returns the cost to record for it: the difference of the rounded
        sums, so that many calls below MIN_COST are neither lost nor counted twice.
        """
        self._input_tokens += input_tokens
        self._output_tokens += output_tokens
        if cost is None:
            return None
        before = rounded_cost(self._cost or Decimal(0))
        self._cost = cost + (self._cost or 0)
        return rounded_cost(self._cost) - before

    def check(self) -> None:
        """Raises LimitReached when more was used than is allowed."""
        limits = self._limits
        if limits.tokens is not None and self._tokens > limits.tokens:
            raise LimitReached(f"{self._tokens} tokens were used; the limit is {limits.tokens}.")
        if limits.cost_usd is not None and self._spent > limits.cost_usd:
            raise LimitReached(
                f"{self._spent:.4f} US dollars were spent; the limit is {limits.cost_usd:g}.",
            )

    @property
    def usage(self) -> Usage:
        return Usage(
            model_calls=self._calls,
            tool_calls=len(self._tool_calls),
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cost_usd=None if self._cost is None else float(rounded_cost(self._cost)),
        )

    @property
    def _tokens(self) -> int:
        before = self._before.input_tokens + self._before.output_tokens
        return before + self._input_tokens + self._output_tokens

    @property
    def _spent(self) -> float:
        return (self._before.cost_usd or 0.0) + float(self._cost or 0)


def rounded_cost(cost: Decimal) -> Decimal:
    """The cost as columns store it; databases would round halves differently."""
    return cost.quantize(MIN_COST)
