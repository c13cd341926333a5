"""Replacements for the keywords that compare values: `enum`, `const` and `uniqueItems`.

The library compares a value with one option after the other, numbers as exact fractions, and finds
equal entries by a hash that is the same for many large numbers: one input could take minutes. The
time of these depends on the size of the value only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from designs.graph.meter import CHARACTERS_PER_STEP

_CONTAINERS = (list, dict)
_INFINITE = float("inf")


class _TooLarge(Exception):
    """The value is larger than all options."""


class Options:
    """`enum`, by the library's protocol for keywords: `validate` raises ValueError."""

    def __init__(self, _parent: Any, options: Any, _path: Any) -> None:
        self._scalars = frozenset(_scalar(item) for item in options if not _is_container(item))
        self._texts = frozenset(_text(item) for item in options if _is_container(item))
        self._largest = largest(options)

    def validate(self, value: Any) -> None:
        if not self.has(value):
            raise ValueError

    def has(self, value: Any) -> bool:
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
    """The replacements that this schema needs: the library looks up plain words in a hash table."""
    keywords: dict[str, type[Any]] = {}
    pending = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "uniqueItems" in part:
                keywords["uniqueItems"] = Unique
            if not are_words(part.get("enum", ())):
                keywords["enum"] = Options
            if not are_words([part.get("const")]):
                keywords["const"] = Constant
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
    return keywords


def are_words(options: Any) -> bool:
    """Whether the library looks options up at once: all are text, or one is null or a boolean."""
    if not isinstance(options, list | tuple) or all(isinstance(item, str) for item in options):
        return True
    return len(options) == 1 and (options[0] is None or isinstance(options[0], bool))


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON."""
    if one != other:
        return False
    # In Python `True == 1`.
    if not _is_container(one):
        return isinstance(one, bool) == isinstance(other, bool)
    return bool(_text(one) == _text(other))


def key_of(value: Any) -> Any:
    """Hashable, and equal for equal values only."""
    return (_text(value),) if _is_container(value) else _scalar(value)


def largest(options: Iterable[Any]) -> int:
    return max((size(item) for item in options if _is_container(item)), default=0)


def is_unique(values: list[Any]) -> bool:
    """Whether no two values are equal in JSON: `1` and `1.0` are equal, `1` and `true` are not."""
    seen: set[Any] = set()
    for value in values:
        key = key_of(value)
        if key in seen:
            return False
        seen.add(key)
    return True


def size(value: Any) -> int:
    """The number of values in it, including itself; long texts count as several."""
    count = 0
    pending = [value]
    while pending:
        item = pending.pop()
        count += 1
        if isinstance(item, str):
            count += len(item) // CHARACTERS_PER_STEP
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return count


def _is_container(value: Any) -> bool:
    return isinstance(value, _CONTAINERS)


def _scalar(value: Any) -> Any:
    """A key that is equal for equal values only. In Python `True == 1`."""
    return (value,) if isinstance(value, bool) else value


def _text(value: Any, most: float = _INFINITE) -> str:
    """A key that is equal for equal containers; a string, since its hash cannot be forged.

    Raises _TooLarge for a `size` above `most`.
    """
    return _write(_plain(value) if most == _INFINITE else _Plain(most).of(value))


# Made once, which halves the cost of each entry; what comes from JSON has no circles.
_write = json.JSONEncoder(check_circular=False, sort_keys=True, separators=(",", ":")).encode


def _plain(value: Any) -> Any:
    """As `_Plain` does it, without a limit."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Plain:
    """Copies values with one form for whole numbers: `1.0` becomes `1`."""

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
            self._spend(sum(1 + len(name) // CHARACTERS_PER_STEP for name in value))
            return {name: self.of(item) for name, item in value.items()}
        return value

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _TooLarge
