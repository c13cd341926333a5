"""Functions of expressions that round numbers and write them."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

from designs.graph.arithmetic import settled
from designs.graph.functions import function
from designs.graph.meter import Fault, Meter
from designs.graph.text_functions import whole

_NUMBER, _TEXT = ("number",), ("string",)
MAX_DIGITS = 15
# The longest number has 309 digits before its point.
_EXACT = Context(prec=400)


@function("round", _NUMBER, _NUMBER, optional=1)
def _round(meter: Meter, number: int | float, digits: int | float = 0) -> int | float:
    places = whole("round", digits, -MAX_DIGITS, MAX_DIGITS)
    meter.step(4)
    if not math.isfinite(number):
        raise OverflowError
    rounded = _rounded(number, places)
    return settled(int(rounded) if places <= 0 else float(rounded))


@function("format_number", _NUMBER, _NUMBER, _TEXT, _TEXT, optional=2)
def _format_number(
    meter: Meter, number: int | float, digits: int | float, thousands: str = ",", point: str = "."
) -> str:
    places = whole("format_number", digits, 0, MAX_DIGITS)
    if len(thousands) > 1 or len(point) != 1:
        raise Fault(
            "has no value: format_number() separates thousands by one character or none, and the "
            "fraction by one"
        )
    meter.step(8)
    meter.write(450)
    if not math.isfinite(number):
        raise OverflowError
    rounded = _rounded(number, places)
    text = f"{abs(rounded) if rounded == 0 else rounded:,.{places}f}"
    return text.translate({ord(","): thousands, ord("."): point})


def _rounded(number: int | float, places: int) -> Decimal:
    """As people round: halves away from nought, of the number as it is written."""
    written = Decimal(repr(number))
    return written.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
