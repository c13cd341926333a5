"""Expressions (JMESPath) and templates (text with `{{ expression }}`) of designs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from designs.graph.interpreter import Misuse, build
from designs.graph.meter import Fault, Meter, Overrun, is_truthy, measure
from designs.graph.parsing import ExpressionError, ExpressionLimit, excerpt, parse
from designs.graph.reads import Reads, find_reads
from designs.graph.trees import field_names
from designs.graph.written import written

__all__ = [
    "Expression", "ExpressionError", "ExpressionLimit", "Template", "compile_output", "escape_text",
    "is_truthy", "missing_value",
]  # fmt: skip

MAX_EXPRESSIONS = 200
MAX_TEXT = 4_000_000
# Checking a document may evaluate thousands of constants; each gets this fraction of the budget.
CONSTANT_SHARE = 100
# Longer templates are not cached, which bounds the memory of the cache.
MAX_CACHED = 20_000

_PLAIN = frozenset({str, int, bool, type(None)})
# Computed values of these types need no measuring; a number may be too large.
_UNMEASURED = frozenset({str, bool, type(None)})
_MARKS = re.compile(r"['\"`{}]")
_QUOTED = {mark: re.compile(rf"(?:\\.|[^\\{mark}])*{mark}", re.DOTALL) for mark in "'\"`"}


class Expression:
    """A compiled JMESPath expression. `Expression.compile` takes it from a cache."""

    __slots__ = ("_path", "_run", "_weight", "reads", "reads_blocks", "source", "tree")

    def __init__(self, source: str) -> None:
        tree = parse(source)
        self.source = source
        self.tree = tree
        self.reads: Reads = find_reads([tree])
        self.reads_blocks = self.reads.reads("blocks")
        self._path = field_names(tree)
        try:
            built = build(tree)
        except Misuse as misuse:
            raise ExpressionError(
                f"`{excerpt(source)}` cannot be used: {misuse}.", source
            ) from None
        self._run, self._weight = built.run, built.weight

    @staticmethod
    @lru_cache(maxsize=4096)
    def compile(source: str) -> Expression:
        """Raises ExpressionError, ExpressionLimit."""
        return Expression(source)

    def evaluate(self, scope: Mapping[str, Any], meter: Meter | None = None) -> Any:
        """The JSON value over the names in `scope`; None if it is missing.

        One `meter` may count several evaluations. Raises ExpressionError for values of the wrong
        kind, ExpressionLimit for too high a cost, and whatever the meter raises.
        """
        if self._path is not None:
            value: Any = scope
            for name in self._path:
                if type(value) is not dict and not isinstance(value, Mapping):
                    return None
                value = value.get(name)
            if type(value) in _PLAIN:
                return value
        return self._evaluate_metered(scope, Meter() if meter is None else meter)

    def constant(self) -> Any:
        """The value of an expression that reads nothing. Raises what `evaluate` does."""
        return self._evaluate_metered({}, Meter(CONSTANT_SHARE))

    def _evaluate_metered(self, scope: Mapping[str, Any], meter: Meter) -> Any:
        meter.names, meter.variables = scope, {}
        try:
            meter.step(self._weight)
            value = self._run(scope, meter)
            if type(value) not in _UNMEASURED:
                measure(value, meter)
        except Overrun as overrun:
            raise self._stopped(f"it {overrun}. Make it read less at once") from None
        except Fault as fault:
            raise ExpressionError(f"`{excerpt(self.source)}` {fault}.", self.source) from None
        except RecursionError:
            raise self._stopped("its values are nested too deep") from None
        except (ArithmeticError, ValueError):
            raise ExpressionError(
                f"`{excerpt(self.source)}` has no value: a number is too large.", self.source
            ) from None
        return value

    def _stopped(self, reason: str) -> ExpressionLimit:
        return ExpressionLimit(f"`{excerpt(self.source)}` was stopped: {reason}.", self.source)


class Template:
    """A compiled text with `{{ expression }}` in it. `Template.compile` takes it from a cache."""

    __slots__ = (
        "_single", "inner", "pieces", "places", "reads", "reads_blocks", "reads_incoming", "source",
        "text",
    )  # fmt: skip

    def __init__(self, source: str) -> None:
        self.source = source
        pieces, places = _split(source)
        inner = tuple(piece for piece in pieces if isinstance(piece, Expression))
        # The expressions, and where each stands with its braces.
        self.inner = inner
        self.places = tuple(places)
        self.reads: Reads = find_reads([expression.tree for expression in inner])
        self.reads_blocks = self.reads.reads("blocks")
        self.reads_incoming = self.reads.reads("incoming")
        self.pieces = tuple(pieces)
        self._single = inner[0] if len(pieces) == len(inner) == 1 else None
        # The result of every rendering, if there are no expressions.
        self.text = None if inner else "".join(str(piece) for piece in pieces)

    @staticmethod
    def compile(source: str) -> Template:
        """Raises ExpressionError, ExpressionLimit."""
        return _cached_template(source) if len(source) <= MAX_CACHED else Template(source)

    @property
    def expressions(self) -> tuple[str, ...]:
        return tuple(expression.source for expression in self.inner)

    @property
    def is_one_expression(self) -> bool:
        return self._single is not None

    @property
    def outline(self) -> str:
        """The text, with … in place of each expression."""
        return "".join(piece if isinstance(piece, str) else "…" for piece in self.pieces)

    def inserted(self, text: str) -> tuple[str, ...]:
        """The parts of a rendered text that came from the expressions."""
        values, at, opened = [], 0, None
        for piece in (*self.pieces, None):
            if isinstance(piece, Expression):
                opened = at if opened is None else opened
                continue
            start = len(text) if piece is None else text.find(piece, at)
            if opened is not None and start > opened:
                values.append(text[opened:start])
            at, opened = max(at, start) + len(piece or ""), None
        return tuple(values)

    def render(self, scope: Mapping[str, Any], meter: Meter | None = None) -> Any:
        """The text with each expression's value inserted: text unchanged, the rest as compact JSON.

        A template that is exactly one expression returns its value, with its type. Raises
        ExpressionError where a value is missing or null, and what `Expression.evaluate` raises.
        One meter counts all expressions.
        """
        if self.text is not None:
            return self.text
        meter = Meter() if meter is None else meter
        if self._single is not None:
            return _present(self._single, scope, meter)
        parts: list[str] = []
        size = 0
        for piece in self.pieces:
            part = piece if isinstance(piece, str) else _present(piece, scope, meter)
            if not isinstance(part, str):
                part = written(part)
            parts.append(part)
            size += len(part)
            if size > MAX_TEXT:
                message = f"would be longer than {MAX_TEXT:,} characters."
                raise ExpressionLimit(f"The text `{excerpt(self.source)}` {message}", self.source)
        return "".join(parts)


def compile_output(source: str) -> Expression | Template:
    return Template.compile(source) if "{{" in source else Expression.compile(source)


def escape_text(text: str) -> str:
    """A template that renders to exactly this text."""
    return text.replace("{{", "\\{{")


def missing_value(source: str) -> ExpressionError:
    return ExpressionError(
        f"`{excerpt(source)}` has no value here: it is missing or null. "
        "Correct the name, or give a default after `||`.",
        source,
    )


@lru_cache(maxsize=2048)
def _cached_template(source: str) -> Template:
    return Template(source)


def _present(expression: Expression, scope: Mapping[str, Any], meter: Meter) -> Any:
    value = expression.evaluate(scope, meter)
    if value is None:
        raise missing_value(expression.source)
    return value


# --- Reading templates ----------------------------------------------------------------------------


def _split(source: str) -> tuple[list[str | Expression], list[tuple[int, int]]]:
    """The text and the expressions in turn, and from where to where each expression stands."""
    pieces: list[str | Expression] = []
    places: list[tuple[int, int]] = []
    text: list[str] = []
    count = at = 0
    while (opening := source.find("{{", at)) >= 0:
        if opening > at and source[opening - 1] == "\\":
            text += [source[at : opening - 1], "{{"]
            at = opening + 2
            continue
        count += 1
        if count > MAX_EXPRESSIONS:
            raise ExpressionLimit(
                f"A text may hold {MAX_EXPRESSIONS} expressions, and this one holds more.", source
            )
        closing = _closing(source, opening + 2)
        text.append(source[at:opening])
        pieces += [joined] if (joined := "".join(text)) else []
        pieces.append(Expression.compile(source[opening + 2 : closing].strip()))
        text, at = [], closing + 2
        places.append((opening, at))
    text.append(source[at:])
    pieces += [joined] if (joined := "".join(text)) else []
    return pieces, places


def _closing(source: str, start: int) -> int:
    """The index of the closing `}}`, outside of the expression's quotes and own braces."""
    depth, at = 0, start
    while match := _MARKS.search(source, at):
        mark, at = match.group(), match.end()
        if mark == "{":
            depth += 1
        elif mark == "}":
            if depth == 0 and source.startswith("}", at):
                return match.start()
            depth = max(0, depth - 1)
        elif quoted := _QUOTED[mark].match(source, at):
            at = quoted.end()
        else:
            break
    raise ExpressionError(
        f"`{excerpt(source[start - 2 :])}` opens with `{{{{` and is not closed. "
        "Close it with `}}`, or write `\\{{` for two braces.",
        source,
    )
