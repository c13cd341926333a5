"""Computes a block's expressions, cheap ones in place and others in a thread, in one allowance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from designs.graph.expressions import Expression, ExpressionError, Template
from designs.graph.meter import CHEAP_SHARE, Allowance, Heavy, Meter
from designs.runtime.computing import compute

Compiled = Expression | Template
Names = Mapping[str, Any]


class Evaluation:
    """All expressions of one block: its prompts, settings and outgoing conditions."""

    __slots__ = ("_cheap", "_in_thread", "_of_block", "_prepared", "_run")

    def __init__(self, run: Allowance) -> None:
        self._run = run
        # Meters what is computed in place; None once that was too much. Most blocks compute little,
        # so a block's allowance is made only when it is needed.
        self._cheap: Meter | None = Meter(CHEAP_SHARE, Heavy)
        self._of_block: Allowance | None = None
        # The meter of the function that runs in a thread at the moment.
        self._in_thread: Meter | None = None
        self._prepared: dict[tuple[str, str], Any] = {}

    def run_if_cheap(self, compiled: Compiled, names: Names) -> Any:
        """The value, if it and what came before are cheap. Raises Heavy, ExpressionError.

        In the thread of `run_in_thread` the whole allowance may be used.
        """
        if self._in_thread is not None:
            return _value(compiled, names, self._in_thread)
        meter = self._cheap
        if meter is None:
            raise Heavy
        before = meter.left
        if not self._run.covers(*before):
            self._give_up(meter)
            raise Heavy
        try:
            return _value(compiled, names, meter)
        except Heavy:
            self._give_up(meter)
            raise
        finally:
            after = meter.left
            self._run.take(before[0] - after[0], before[1] - after[1], before[2] - after[2])

    def _give_up(self, cheap: Meter) -> None:
        """Stop computing in place, and charge the block for what was."""
        self._cheap = None
        self._allowance.settle(cheap)

    @property
    def _allowance(self) -> Allowance:
        if self._of_block is None:
            self._of_block = self._run.of_block()
        return self._of_block

    def run_in_place(self, compiled: Compiled, names: Names) -> Any:
        """The value, even if that blocks the event loop: at most for the block's allowance."""
        try:
            return self.run_if_cheap(compiled, names)
        except Heavy:
            meter = self._allowance.meter()
            try:
                return _value(compiled, names, meter)
            finally:
                self._allowance.pay(meter)

    async def run_in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """The function's result, computed in a thread. Raises what it raises.

        When this is cancelled, the thread ends the next time it charges the meter.
        """
        self._in_thread = meter = self._allowance.meter()

        def work() -> Any:
            # Waiting for a thread costs nothing of its time.
            meter.begin()
            return function(*args)

        try:
            return await compute(work)
        finally:
            meter.stop()
            self._in_thread = None
            self._allowance.pay(meter)

    async def run(self, compiled: Compiled, names: Names) -> Any:
        """The value, computed in place or in a thread. Raises ExpressionError."""
        try:
            return self.run_if_cheap(compiled, names)
        except Heavy:
            return await self.run_in_thread(self.run_if_cheap, compiled, names)

    # --- Prompts ----------------------------------------------------------------------------------

    async def prepare(
        self, template: Template, names: Callable[[Template], Names], whose: str
    ) -> None:
        """Render a template in advance, for code that cannot await it."""
        if template.text is not None:
            return
        try:
            value = await self.run(template, names(template))
        except ExpressionError as error:
            value = error
        self._prepared[template.source, self._whose(template, whose)] = value

    def has(self, template: Template, whose: str = "") -> bool:
        return (template.source, self._whose(template, whose)) in self._prepared

    def prepared(self, template: Template, whose: str = "") -> Any:
        """The value of a prepared template. Raises ExpressionError."""
        value = self._prepared[template.source, self._whose(template, whose)]
        if isinstance(value, ExpressionError):
            raise value
        return value

    @staticmethod
    def _whose(template: Template, whose: str) -> str:
        """Empty unless the template reads `incoming`, which alone differs between agents."""
        return whose if template.reads_incoming else ""


def _value(compiled: Compiled, names: Names, meter: Meter) -> Any:
    if isinstance(compiled, Expression):
        return compiled.evaluate(names, meter)
    return compiled.render(names, meter)
