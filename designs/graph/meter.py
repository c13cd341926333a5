"""Limits on the cost of evaluating an expression: counters, and walks over values that count."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from designs.strict_json import MAX_INTEGER

MAX_STEPS = 200_000
MAX_ELEMENTS = 250_000
MAX_CHARACTERS = 4_000_000
MAX_VALUE_DEPTH = 120
# Seconds for one evaluation in a thread, including the time other threads take meanwhile.
MAX_SECONDS = 10
# A run may compute as much as this many blocks that each spend their whole budget.
RUN_BLOCKS = 50
# An evaluation on the event loop gets this fraction of the usual budget: a few milliseconds.
CHEAP_SHARE = 40

# C code that works on text or whole lists counts one step for this many characters or elements.
CHARACTERS_PER_STEP = 64
ELEMENTS_PER_STEP = 8


class Fault(Exception):
    """An expression has no value; the message completes a sentence that starts with it."""


class Overrun(Exception):
    """An evaluation cost too much; the message completes a sentence that starts with "it"."""


class Heavy(Exception):
    """An evaluation is too expensive for the event loop; it belongs in a thread."""


@dataclass(slots=True)
class Allowance:
    """A remaining budget, which its `parent` pays for too.

    `whose` names the owner in an error message; `times` is the initial budget as a multiple of a
    single evaluation's.
    """

    steps: int = MAX_STEPS
    elements: int = MAX_ELEMENTS
    characters: int = MAX_CHARACTERS
    parent: Allowance | None = None
    whose: str = ""
    times: int = 1

    @classmethod
    def of_run(cls) -> Allowance:
        return cls(
            RUN_BLOCKS * MAX_STEPS,
            RUN_BLOCKS * MAX_ELEMENTS,
            RUN_BLOCKS * MAX_CHARACTERS,
            whose=", together with what else its run computes",
            times=RUN_BLOCKS,
        )

    def of_block(self) -> Allowance:
        """The budget of one block of this run, including the conditions on its connections."""
        return Allowance(parent=self, whose=", together with what else its block computes")

    def covers(self, steps: int, elements: int, characters: int) -> bool:
        return steps <= self.steps and elements <= self.elements and characters <= self.characters

    def meter(self, raises: type[Exception] | None = None) -> Meter:
        """A meter for one evaluation; `pay` charges what it counted.

        It raises Overrun, or `raises`, when the budget is spent.
        """
        meter = Meter(raises=raises)
        payer: Allowance | None = self
        while payer is not None:
            meter.limit(payer)
            payer = payer.parent
        return meter

    def pay(self, meter: Meter) -> None:
        """Charge what the meter counted here and to the parent."""
        self.take(*meter.spent)

    def settle(self, meter: Meter) -> None:
        """Charge what the meter counted here only: the parent has already paid."""
        steps, elements, characters = meter.spent
        self.steps -= steps
        self.elements -= elements
        self.characters -= characters

    def take(self, steps: int, elements: int, characters: int) -> None:
        """Charge these amounts here and to the parent."""
        payer: Allowance | None = self
        while payer is not None:
            payer.steps -= steps
            payer.elements -= elements
            payer.characters -= characters
            payer = payer.parent


class Meter:
    """Counts the cost of one evaluation, or of several together.

    Each counting method raises Overrun when its budget or the time is spent.

    Only loops, and functions whose work grows with their input, need to count: everything else is
    bounded by the length of the expression, which is charged as a whole. `share=100` allows a
    hundredth of all budgets.
    """

    __slots__ = (
        "_budget", "_characters", "_elements", "_is_stopped", "_raises", "_steps", "_times",
        "_until", "_whose", "names", "variables",
    )  # fmt: skip

    def __init__(self, share: int = 1, raises: type[Exception] | None = None) -> None:
        self._steps = MAX_STEPS // share
        self._elements = MAX_ELEMENTS // share
        self._characters = MAX_CHARACTERS // share
        self._budget = (self._steps, self._elements, self._characters)
        self._raises = raises
        self._whose = ""
        self._times = 1
        # By `time.monotonic`.
        self._until: float | None = None
        self._is_stopped = False
        # Of the evaluation that goes on: what it may read, and the values that `let` gave names.
        self.names: Mapping[str, Any] = {}
        self.variables: dict[int, Any] = {}

    def limit(self, allowance: Allowance) -> None:
        """Lower the budget to what the allowance has left."""
        steps, elements, characters = self._budget
        budget = (
            min(steps, allowance.steps),
            min(elements, allowance.elements),
            min(characters, allowance.characters),
        )
        if budget != self._budget:
            self._whose, self._times = allowance.whose, allowance.times
        self._budget = self._steps, self._elements, self._characters = budget

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
        """Steps, elements and characters. A refused charge counts up to the limit."""
        steps, elements, characters = self._budget
        return (
            steps - max(0, self._steps),
            elements - max(0, self._elements),
            characters - max(0, self._characters),
        )

    def begin(self) -> None:
        """Called in the evaluation's thread: from now on it may take MAX_SECONDS."""
        self._until = time.monotonic() + MAX_SECONDS
        if self._is_stopped:
            self._until = -math.inf

    def stop(self) -> None:
        """Called from another thread: the evaluation ends at its next charge."""
        self._is_stopped = True
        self._until = -math.inf

    def step(self, count: int) -> None:
        self._steps -= count
        if self._steps < 0:
            raise self._overrun("takes more than {:,} steps", MAX_STEPS)
        if self._until is not None and time.monotonic() > self._until:
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
    """The steps for one pass of C code over this value, but not over its contents."""
    if isinstance(value, str):
        return len(value) // CHARACTERS_PER_STEP
    if isinstance(value, list | dict):
        return len(value) // ELEMENTS_PER_STEP
    return 0


def measure(value: Any, meter: Meter) -> int:
    """Charge for a whole value as if written out: a part that it holds twice counts twice.

    Returns the number of elements. Raises Overrun; Fault for a number that cannot be stored, or
    for nesting deeper than MAX_VALUE_DEPTH.
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
