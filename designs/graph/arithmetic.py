"""Arithmetic of expressions: what an operator gives for two numbers, or why it gives nothing."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from designs.graph.kinds import KINDS, kind_of
from designs.graph.meter import Fault
from designs.strict_json import MAX_INTEGER

# Above it a double skips whole numbers, so it is not written as one.
_EXACT = 2**53

# The sign, and the index of its first character in the expression.
Operator = tuple[str, int]
Number = int | float


def _divided(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divided,
    "%": operator.mod, "//": operator.floordiv,
}  # fmt: skip
_HINTS = {
    "string": ". Make it a number with to_number(), or join texts with join('', [a, b])",
    "null": ". Give a default, as in `(a || 0)`",
}


def calculated(by: Operator, left: Any, right: Any) -> Number:
    """Raises Fault for what is no number, division by zero, and results that cannot be stored."""
    sign = by[0]
    for operand in (left, right):
        if type(operand) is not int and type(operand) is not float:
            raise _no_number(by, operand)
    if not right and sign in ("/", "%", "//"):
        raise Fault(f"has no value: {_place(by)} divides by zero")
    try:
        return settled(_OPERATIONS[sign](left, right))
    except OverflowError:
        raise Fault(f"has no value: {_place(by)} gives a number that is too large") from None


def signed(by: Operator, operand: Any) -> Number:
    """`-operand`, or `+operand`. Raises Fault."""
    if kind_of(operand) != "number":
        raise _no_number(by, operand)
    return settled(-operand if by[0] == "-" else operand)


def settled(number: Number) -> Number:
    """The number as it is stored: whole ones without a fraction, and no -0.

    Raises OverflowError for what JSON or a database could not hold.
    """
    if isinstance(number, int):
        if not -MAX_INTEGER <= number < MAX_INTEGER:
            raise OverflowError
        return number
    if not math.isfinite(number):
        raise OverflowError
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _place(by: Operator) -> str:
    return f"`{by[0]}` at character {by[1] + 1}"


def _no_number(by: Operator, operand: Any) -> Fault:
    kind = kind_of(operand)
    return Fault(
        f"has no value: {_place(by)} needs numbers, not {KINDS[kind]}{_HINTS.get(kind, '')}"
    )
