"""Judges of the keywords that compare values: `enum`, `const` and `uniqueItems`.

The library compares a value with one option after the other, numbers as exact fractions, and finds
equal entries by a hash that is the same for many large numbers: minutes for one input. These take
the same time for each value, whatever it and the options are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from designs.graph.meter import CHARACTERS_PER_STEP

_CONTAINERS = (list, dict)
_INFINITE = float("inf")


class _TooLarge(Exception):
    """A value that is larger than any that it could be equal to."""


class Options:
    """`enum`, as the library wants a keyword: made once, `validate` raises ValueError."""

    def __init__(self, _parent: Any, options: Any, _path: Any) -> None:
        self._scalars = frozenset(_scalar(one) for one in options if not _is_container(one))
        self._texts = frozenset(_text(one) for one in options if _is_container(one))
        self._largest = largest(options)

    def validate(self, value: Any) -> None:
        if not self.has(value):
            raise ValueError

    def has(self, value: Any) -> bool:
        """Whether the value is one of the options."""
        if not _is_container(value):
            return _scalar(value) in self._scalars
        if not self._texts:
            return False
        try:
            return _text(value, self._largest) in self._texts
        except _TooLarge:
            return False


class Constant(Options):
    """`const`."""

    def __init__(self, parent: Any, option: Any, path: Any) -> None:
        super().__init__(parent, [option], path)


class Unique:
    """`uniqueItems`."""

    def __init__(self, _parent: Any, is_wanted: Any, _path: Any) -> None:
        self._is_wanted = is_wanted is True

    def validate(self, value: Any) -> None:
        if self._is_wanted and isinstance(value, list) and not is_unique(value):
            raise ValueError


def own_keywords(schema: Any) -> dict[str, type[Any]]:
    """Those that this schema needs: plain words are compared by the library, at once."""
    found: dict[str, type[Any]] = {}
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "uniqueItems" in part:
                found["uniqueItems"] = Unique
            if not are_words(part.get("enum", ())):
                found["enum"] = Options
            if not are_words([part.get("const")]):
                found["const"] = Constant
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return found


def are_words(options: Any) -> bool:
    """Whether the library looks all up at once: texts only, or a single one that is no number."""
    if not isinstance(options, list | tuple) or all(isinstance(one, str) for one in options):
        return True
    return len(options) == 1 and (options[0] is None or isinstance(options[0], bool))


def largest(options: Iterable[Any]) -> int:
    """The size of the largest list or object among them."""
    return max((size(one) for one in options if _is_container(one)), default=0)


def is_unique(values: list[Any]) -> bool:
    """Whether no two of them are equal, as JSON is: `1` and `1.0` are, `1` and `true` are not."""
    seen: set[Any] = set()
    for value in values:
        key = (_text(value),) if _is_container(value) else _scalar(value)
        if key in seen:
            return False
        seen.add(key)
    return True


def size(value: Any) -> int:
    """How many values it holds, itself included; long texts count as several."""
    count = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        count += 1
        if isinstance(item, str):
            count += len(item) // CHARACTERS_PER_STEP
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return count


def _is_container(value: Any) -> bool:
    return isinstance(value, _CONTAINERS)


def _scalar(value: Any) -> Any:
    """What is equal only for equal ones. Python takes `true` for 1."""
    return (value,) if isinstance(value, bool) else value


def _text(value: Any, most: float = _INFINITE) -> str:
    """Equal for equal ones. A text, because nobody can make up many with the same hash. Raises
    _TooLarge for one of a larger `size` than `most`.
    """
    return json.dumps(_Plain(most).of(value), sort_keys=True, separators=(",", ":"))


class _Plain:
    """Makes copies of values in which a whole number is written in one way only."""

    def __init__(self, most: float) -> None:
        self._left = most

    def of(self, value: Any) -> Any:
        self._spend(1)
        if isinstance(value, str):
            self._spend(len(value) // CHARACTERS_PER_STEP)
        elif isinstance(value, float):
            return int(value) if value.is_integer() else value
        elif isinstance(value, list):
            return [self.of(item) for item in value]
        elif isinstance(value, dict):
            self._spend(size_of_names(value))
            return {name: self.of(item) for name, item in value.items()}
        return value

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _TooLarge


def size_of_names(names: Iterable[str]) -> int:
    """Of an object's names, in the unit of `size`."""
    return sum(1 + len(name) // CHARACTERS_PER_STEP for name in names)
