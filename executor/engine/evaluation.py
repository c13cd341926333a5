"""Where a block's expressions are computed: cheap ones at once, others in a thread; all together
within one allowance.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from designs.graph.expressions import Expression, ExpressionError, Template
from designs.graph.meter import CHEAP_SHARE, MAX_SECONDS, Allowance, Heavy, Meter
from designs.runtime.computing import compute

Compiled = Expression | Template
Names = Mapping[str, Any]


class Evaluation:
    """All that one block computes: its prompts, its settings, the conditions behind it."""

    __slots__ = ("_apart", "_cheap", "_of_block", "_prepared", "_run")

    def __init__(self, run: Allowance) -> None:
        self._run = run
        # Counts what is computed at once until that was too much. Most blocks compute little, so
        # their allowance is made when it is needed.
        self._cheap: Meter | None = Meter(CHEAP_SHARE, Heavy)
        self._of_block: Allowance | None = None
        # The meter of what is computed in a thread just now.
        self._apart: Meter | None = None
        self._prepared: dict[tuple[str, str], Any] = {}

    def at_once(self, compiled: Compiled, names: Names) -> Any:
        """The value, if it and what came before are cheap. Raises Heavy, ExpressionError.

        In the thread of `apart` it may cost what the allowance has.
        """
        if self._apart is not None:
            return _value(compiled, names, self._apart)
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
        """From now on nothing is computed at once; the block has paid for what was."""
        self._cheap = None
        self._allowance.settle(cheap)

    @property
    def _allowance(self) -> Allowance:
        if self._of_block is None:
            self._of_block = self._run.of_block()
        return self._of_block

    def in_place(self, compiled: Compiled, names: Names) -> Any:
        """The value, also if it holds the event loop: once a block, for what all it may cost."""
        try:
            return self.at_once(compiled, names)
        except Heavy:
            meter = self._allowance.meter()
            try:
                return _value(compiled, names, meter)
            finally:
                self._allowance.pay(meter)

    async def apart(self, function: Callable[..., Any], *args: Any) -> Any:
        """The function's result, computed in a thread. Raises what it raises.

        When this is cancelled, the thread ends where it charges next.
        """
        self._apart = meter = self._allowance.meter(until=time.monotonic() + MAX_SECONDS)
        try:
            return await compute(function, *args)
        finally:
            meter.stop()
            self._apart = None
            self._allowance.pay(meter)

    async def value(self, compiled: Compiled, names: Names) -> Any:
        """The value, wherever it is computed. Raises ExpressionError."""
        try:
            return self.at_once(compiled, names)
        except Heavy:
            return await self.apart(self.at_once, compiled, names)

    # --- Prompts ----------------------------------------------------------------------------------

    async def prepare(
        self, template: Template, names: Callable[[Template], Names], whose: str
    ) -> None:
        """Render a template ahead, for where it is asked for and nobody can wait."""
        if template.text is not None:
            return
        try:
            found = await self.value(template, names(template))
        except ExpressionError as error:
            found = error
        self._prepared[template.source, self._whose(template, whose)] = found

    def has(self, template: Template, whose: str = "") -> bool:
        """Whether it was prepared."""
        return (template.source, self._whose(template, whose)) in self._prepared

    def prepared(self, template: Template, whose: str = "") -> Any:
        """The value of what was prepared. Raises ExpressionError."""
        found = self._prepared[template.source, self._whose(template, whose)]
        if isinstance(found, ExpressionError):
            raise found
        return found

    @staticmethod
    def _whose(template: Template, whose: str) -> str:
        """Empty for what is the same for all: only `incoming` is another for each agent."""
        return whose if template.reads_incoming else ""


def _value(compiled: Compiled, names: Names, meter: Meter) -> Any:
    if isinstance(compiled, Expression):
        return compiled.evaluate(names, meter)
    return compiled.render(names, meter)
