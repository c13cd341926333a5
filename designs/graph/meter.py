"""What evaluating an expression may cost: counters, and the walks over values that count."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from designs.strict_json import MAX_INTEGER

MAX_STEPS = 200_000
MAX_ELEMENTS = 250_000
MAX_CHARACTERS = 4_000_000
MAX_VALUE_DEPTH = 120
# Seconds of one evaluation in a thread, other work beside it included.
MAX_SECONDS = 10
# A run may compute as much as so many blocks that spend all they may.
RUN_BLOCKS = 50
# What is computed in place of other work may cost this part of the usual: some milliseconds.
CHEAP_SHARE = 40

# What C code does on text or whole lists is one step for so many characters or elements.
CHARACTERS_PER_STEP = 64
ELEMENTS_PER_STEP = 8


class Fault(Exception):
    """Why an expression has no value: the rest of a sentence that begins with the expression."""


class Overrun(Exception):
    """An evaluation that cost too much: the rest of a sentence that begins with its source."""


class Heavy(Exception):
    """An evaluation that costs more than may be computed at once, in between other work."""


@dataclass(slots=True)
class Allowance:
    """What may still be spent, and the words for whose it is. `parent` pays for it, too.

    `times` is how often a single evaluation's budget it was at first.
    """

    steps: int = MAX_STEPS
    elements: int = MAX_ELEMENTS
    characters: int = MAX_CHARACTERS
    parent: Allowance | None = None
    whose: str = ""
    times: int = 1

    @classmethod
    def of_run(cls) -> Allowance:
        """For all that one run computes."""
        return cls(
            RUN_BLOCKS * MAX_STEPS,
            RUN_BLOCKS * MAX_ELEMENTS,
            RUN_BLOCKS * MAX_CHARACTERS,
            whose=", together with what else its run computes",
            times=RUN_BLOCKS,
        )

    def of_block(self) -> Allowance:
        """For all that one block of the run computes, the conditions behind it included."""
        return Allowance(parent=self, whose=", together with what else its block computes")

    def covers(self, steps: int, elements: int, characters: int) -> bool:
        """Whether so much is left."""
        return steps <= self.steps and elements <= self.elements and characters <= self.characters

    def meter(self, raises: type[Exception] | None = None, until: float | None = None) -> Meter:
        """For one evaluation, which `pay` settles. It ends with Overrun, or what it `raises`, when
        nothing is left, and at `until` (time.monotonic).
        """
        meter = Meter(raises=raises)
        meter.until = until
        payer: Allowance | None = self
        while payer is not None:
            meter.limit(payer)
            payer = payer.parent
        return meter

    def pay(self, meter: Meter) -> None:
        """Take what the meter counted off, here and from the parent."""
        self.take(*meter.spent)

    def settle(self, meter: Meter) -> None:
        """Take it off here alone: the parent has paid for it."""
        steps, elements, characters = meter.spent
        self.steps -= steps
        self.elements -= elements
        self.characters -= characters

    def take(self, steps: int, elements: int, characters: int) -> None:
        """Take so much off, here and from the parent."""
        payer: Allowance | None = self
        while payer is not None:
            payer.steps -= steps
            payer.elements -= elements
            payer.characters -= characters
            payer = payer.parent


class Meter:
    """Counts one evaluation, or several together.

    Each method raises Overrun when its budget or its time is spent.

    Only loops, and functions whose work grows with their input, need to count: everything else is
    bounded by the length of the expression's text, which is charged as a whole. `share` 100 allows
    a hundredth of all budgets.
    """

    __slots__ = (
        "_characters",
        "_elements",
        "_given",
        "_raises",
        "_steps",
        "_times",
        "_whose",
        "until",
    )

    def __init__(self, share: int = 1, raises: type[Exception] | None = None) -> None:
        self._steps = MAX_STEPS // share
        self._elements = MAX_ELEMENTS // share
        self._characters = MAX_CHARACTERS // share
        self._given = (self._steps, self._elements, self._characters)
        self._raises = raises
        self._whose = ""
        self._times = 1
        self.until: float | None = None

    def limit(self, allowance: Allowance) -> None:
        """Allow no more than is left there."""
        steps, elements, characters = self._given
        given = (
            min(steps, allowance.steps),
            min(elements, allowance.elements),
            min(characters, allowance.characters),
        )
        if given != self._given:
            self._whose, self._times = allowance.whose, allowance.times
        self._given = self._steps, self._elements, self._characters = given

    @property
    def left(self) -> tuple[int, int, int]:
        """Steps, elements and characters."""
        steps, elements, characters = self._steps, self._elements, self._characters
        return (
            steps if steps > 0 else 0,
            elements if elements > 0 else 0,
            characters if characters > 0 else 0,
        )

    @property
    def spent(self) -> tuple[int, int, int]:
        """Steps, elements and characters. What was refused was not spent."""
        steps, elements, characters = self._given
        return (
            steps - max(0, self._steps),
            elements - max(0, self._elements),
            characters - max(0, self._characters),
        )

    def stop(self) -> None:
        """From another thread: the evaluation ends where it charges next."""
        self.until = -math.inf

    def step(self, count: int) -> None:
        """Charge for nodes visited."""
        self._steps -= count
        if self._steps < 0:
            raise self._overrun("takes more than {:,} steps", MAX_STEPS)
        if self.until is not None and time.monotonic() > self.until:
            raise Overrun(f"takes longer than {MAX_SECONDS} seconds")

    def make(self, count: int) -> None:
        """Charge for elements of new lists and objects."""
        self._elements -= count
        if self._elements < 0:
            raise self._overrun("makes more than {:,} elements", MAX_ELEMENTS)

    def write(self, count: int) -> None:
        """Charge for characters of new text."""
        self._characters -= count
        if self._characters < 0:
            raise self._overrun("makes more than {:,} characters of text", MAX_CHARACTERS)

    def _overrun(self, reason: str, most: int) -> Exception:
        if self._raises is not None:
            return self._raises()
        return Overrun(reason.format(most * self._times) + self._whose)


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
    if type(item) is int and not -MAX_INTEGER <= item < MAX_INTEGER:
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
