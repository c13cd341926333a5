"""Where a block's expressions are computed: cheap ones at once, others in a thread; all together
within one allowance.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from designs.computing import compute
from designs.graph.expressions import Expression, ExpressionError, Template
from designs.graph.meter import MAX_SECONDS, Allowance, Heavy, Meter

Compiled = Expression | Template
Names = Mapping[str, Any]


class Evaluation:
    """All that one block computes: its prompts, its settings, the conditions behind it."""

    __slots__ = ("_allowance", "_apart", "_cheap", "_is_heavy", "_prepared")

    def __init__(self, run: Allowance) -> None:
        self._allowance = run.of_block()
        self._cheap = self._allowance.cheap_part()
        self._is_heavy = False
        # The meter of what is computed in a thread just now.
        self._apart: Meter | None = None
        self._prepared: dict[tuple[str, str], Any] = {}

    def at_once(self, compiled: Compiled, names: Names) -> Any:
        """The value, if it and what came before are cheap. Raises Heavy, ExpressionError.

        In the thread of `apart` it may cost what the allowance has.
        """
        if self._apart is not None:
            return _value(compiled, names, self._apart)
        if self._is_heavy:
            raise Heavy
        meter = self._cheap.meter(raises=Heavy)
        try:
            return _value(compiled, names, meter)
        except Heavy:
            self._is_heavy = True
            raise
        finally:
            self._cheap.pay(meter)

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

    async def prepare(self, source: str, names: Callable[[Template], Names], whose: str) -> None:
        """Render a template ahead, for where it is asked for and nobody can wait."""
        template = Template.compile(source)
        if not template.expressions:
            return
        try:
            found = await self.value(template, names(template))
        except ExpressionError as error:
            found = error
        self._prepared[source, self._whose(template, whose)] = found

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
        reads = template.reads
        is_own = reads.everything or any(path[0] == "incoming" for path in reads.paths)
        return whose if is_own else ""


def _value(compiled: Compiled, names: Names, meter: Meter) -> Any:
    if isinstance(compiled, Expression):
        return compiled.evaluate(names, meter)
    return compiled.render(names, meter)
