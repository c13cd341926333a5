"""What evaluating an expression may cost: counters, and the walks over values that count."""

from __future__ import annotations

import math
from typing import Any

from designs.strict_json import LARGEST

MAX_STEPS = 200_000
MAX_ELEMENTS = 250_000
MAX_CHARACTERS = 4_000_000
MAX_VALUE_DEPTH = 120

# What C code does on text or whole lists is one step for so many characters or elements.
CHARACTERS_PER_STEP = 64
ELEMENTS_PER_STEP = 8


class Fault(Exception):
    """Why an expression has no value: the rest of a sentence that begins with the expression."""


class Overrun(Exception):
    """An evaluation that cost too much: the rest of a sentence that begins with its source."""


class Meter:
    """Counts one evaluation. Each method raises Overrun when its budget is spent.

    Only loops, and functions whose work grows with their input, need to count: everything else is
    bounded by the length of the expression's text. `share` 100 allows a hundredth of all budgets.
    """

    __slots__ = ("_characters", "_elements", "_steps")

    def __init__(self, share: int = 1) -> None:
        self._steps = MAX_STEPS // share
        self._elements = MAX_ELEMENTS // share
        self._characters = MAX_CHARACTERS // share

    def step(self, count: int) -> None:
        """Charge for nodes visited."""
        self._steps -= count
        if self._steps < 0:
            raise Overrun(f"takes more than {MAX_STEPS:,} steps")

    def make(self, count: int) -> None:
        """Charge for elements of new lists and objects."""
        self._elements -= count
        if self._elements < 0:
            raise Overrun(f"makes more than {MAX_ELEMENTS:,} elements")

    def write(self, count: int) -> None:
        """Charge for characters of new text."""
        self._characters -= count
        if self._characters < 0:
            raise Overrun(f"makes more than {MAX_CHARACTERS:,} characters of text")


def weigh(value: Any) -> int:
    """Steps that one pass of C code over this value, not over what it holds, costs."""
    if isinstance(value, str):
        return len(value) // CHARACTERS_PER_STEP
    if isinstance(value, list | dict):
        return len(value) // ELEMENTS_PER_STEP
    return 0


def measure(value: Any, meter: Meter) -> int:
    """Charge for a whole value as it would be written out: what it repeats counts each time.

    Gives the number of elements. Raises Overrun; Fault for a number that cannot be stored, or
    for nesting deeper than 120.
    """
    level = [value]
    depth = count = 0
    while level:
        depth += 1
        count += len(level)
        if depth > MAX_VALUE_DEPTH:
            raise Fault(f"is nested deeper than {MAX_VALUE_DEPTH} levels")
        deeper: list[Any] = []
        for item in level:
            if type(item) is str:
                meter.write(len(item))
            elif type(item) is dict:
                meter.make(len(item))
                meter.write(sum(map(len, item)))
                deeper.extend(item.values())
            elif type(item) is list:
                meter.make(len(item))
                deeper.extend(item)
            else:
                _check_number(item)
        level = deeper
    return count


def _check_number(item: Any) -> None:
    if type(item) is float and not math.isfinite(item):
        raise Fault("is a number too large to be written")
    if type(item) is int and not -LARGEST <= item < LARGEST:
        raise Fault("is a whole number that is too large. Write it as text")


def equal(left: Any, right: Any, meter: Meter) -> bool:
    """Equality of JSON values: `1` and `1.0` are equal, `1` and `true` are not."""
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            return False
        meter.step(len(left))
        return all(equal(a, b, meter) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return False
        meter.step(2 * len(left))
        return all(equal(value, right[key], meter) for key, value in left.items())
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        meter.step(len(left) // CHARACTERS_PER_STEP)
    return bool(left == right)


def is_truthy(value: Any) -> bool:
    """JMESPath's truth: null, false, and empty text, lists and objects are false; 0 is true."""
    if value is None or value is False:
        return False
    return not isinstance(value, str | list | dict) or len(value) > 0
