"""What the expressions and templates of a draft are worth over given names, for its editor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from designs.graph.expressions import Expression, ExpressionError, Template, missing_value
from designs.graph.meter import Meter
from designs.graph.reads import Reads
from designs.graph.report import Report
from designs.graph.shape import Parts, read_parts
from designs.graph.structure import Layout, check_structure
from designs.graph.values import check_values

__all__ = ["Appraisal", "Layout", "draft_layout", "reads_of", "shown"]

# Characters of a shown value, and of one that stands in a text.
MAX_SHOWN = 2_000
MAX_SHOWN_INSIDE = 200
# Of all texts together.
MAX_EXPRESSIONS = 1_000

TOO_MANY = f"Only {MAX_EXPRESSIONS:,} expressions are computed at once. Ask for fewer texts."

Names = Mapping[str, Any]


class Appraisal:
    """Computes texts within the budget of one evaluation for all of them."""

    def __init__(self) -> None:
        self._meter = Meter()
        self._meter.begin()
        self._left = MAX_EXPRESSIONS

    def of_expression(self, source: str, names: Names) -> dict[str, Any]:
        """`value` with `cut`, or `error`."""
        try:
            return shown(self._value(Expression.compile(source), names), MAX_SHOWN)
        except ExpressionError as error:
            return {"error": error.message}

    def of_template(self, source: str, names: Names) -> dict[str, Any]:
        """`value` with `cut`, or the first `error`; `placeholders` has the same of each expression,
        with its place from `start` to `end` in UTF-16 code units, as scripts count.
        """
        try:
            template = Template.compile(source)
        except ExpressionError as error:
            return {"error": error.message}
        values = [self._placeholder(expression, names) for expression in template.inner]
        places = zip(_in_utf16(source, template.places), values, strict=True)
        placeholders = [{**place, **_inside(value)} for place, value in places]
        return {**_whole(template, values), "placeholders": placeholders}

    def _placeholder(self, expression: Expression, names: Names) -> Any:
        """The value, or the ExpressionError."""
        try:
            value = self._value(expression, names)
        except ExpressionError as error:
            return error
        return missing_value(expression.source) if value is None else value

    def _value(self, expression: Expression, names: Names) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ExpressionError(TOO_MANY, expression.source)
        return expression.evaluate(names, self._meter)


def reads_of(source: str, *, is_template: bool) -> Reads:
    """The names that the text reads: none if it cannot be parsed."""
    try:
        return (Template if is_template else Expression).compile(source).reads
    except ExpressionError:
        return Reads((), everything=False)


def draft_layout(document: object) -> Layout:
    """The blocks and connections of a draft that may have problems: those without any."""
    report = Report()
    check_values(document, report)
    parts = Parts()
    if isinstance(document, dict) and len(report) == 0:
        parts = read_parts(document, report)
    return check_structure(parts, report)


def shown(value: Any, limit: int) -> dict[str, Any]:
    """The JSON value, or the beginning of its text, which is then `cut`."""
    text = value if isinstance(value, str) else _beginning(value, limit)
    if len(text) > limit:
        return {"value": text[:limit], "cut": True}
    return {"value": value, "cut": False}


def _beginning(value: Any, limit: int) -> str:
    """The value as JSON, of which no more is written than is shown."""
    parts, size = [], 0
    for part in json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode(value):
        parts.append(part)
        size += len(part)
        if size > limit:
            break
    return "".join(parts)


def _inside(value: Any) -> dict[str, Any]:
    if isinstance(value, ExpressionError):
        return {"error": value.message}
    return shown(value, MAX_SHOWN_INSIDE)


def _whole(template: Template, values: list[Any]) -> dict[str, Any]:
    """The rendered text, or the value of a template that is one expression."""
    failed = next((value for value in values if isinstance(value, ExpressionError)), None)
    if failed is not None:
        return {"error": failed.message}
    if template.is_one_expression:
        return shown(values[0], MAX_SHOWN)
    parts, size, found = [], 0, iter(values)
    for piece in template.pieces:
        value = piece if isinstance(piece, str) else next(found)
        part = value[: MAX_SHOWN + 1] if isinstance(value, str) else _beginning(value, MAX_SHOWN)
        parts.append(part)
        size += len(part)
        if size > MAX_SHOWN:
            break
    return shown("".join(parts), MAX_SHOWN)


def _in_utf16(source: str, places: tuple[tuple[int, int], ...]) -> list[dict[str, int]]:
    found, before, units = [], 0, 0
    for start, end in places:
        units += _units(source[before:start])
        begin = units
        units += _units(source[start:end])
        found.append({"start": begin, "end": units})
        before = end
    return found


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
