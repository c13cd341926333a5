"""Whether a value is plain JSON that can be stored, of bounded size and depth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from designs.graph.report import Report, pointer, shown
from designs.graph.spec import MAX_BYTES, MAX_DEPTH
from designs.strict_json import MAX_INTEGER, TOO_LARGE

# The way to a value: its parent's way and its own key or index.
Way = tuple[Any, str | int] | None
# A value, how deep it lies, and the way to it.
Found = tuple[object, int, Way]
END: Found = (None, 0, None)


def check_values(raw: object, report: Report) -> None:
    """Report what no JSON document of ours may hold. Ends for any object, cyclic ones too."""
    # Ways down that are not walked to their end; the last one first, so that few are open at once.
    open_ways: list[Iterator[Found]] = [iter([(raw, 1, None)])]
    size = 0
    while open_ways:
        value, depth, way = next(open_ways[-1], END)
        if depth == 0:
            open_ways.pop()
            continue
        size += _size(value)
        if size > MAX_BYTES:
            report.add("", f"The design is larger than {MAX_BYTES // 2**20} MiB. Make it smaller.")
            return
        if report.full:
            report.leave_out()
            return
        if not isinstance(value, dict | list):
            _check_leaf(value, way, report)
        elif depth > MAX_DEPTH:
            report.add(
                _path(way), f"This is nested deeper than {MAX_DEPTH} levels. Make it flatter."
            )
        else:
            open_ways.append(_inside(value, depth + 1, way, report))


def _inside(
    value: dict[Any, Any] | list[Any], depth: int, way: Way, report: Report
) -> Iterator[Found]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield item, depth, (way, index)
        return
    for key, item in value.items():
        if isinstance(key, str) and _text_problem(key) is None:
            yield item, depth, (way, key)
        else:
            name = shown(repr(key)) if isinstance(key, str) else f"of type {type(key).__name__}"
            report.add(_path(way), f"The key {name} is not text that can be stored. Rename it.")


def _size(value: object) -> int:
    """About as many bytes as the value itself, without what it holds, takes as JSON."""
    if isinstance(value, str):
        size = len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        return size + 2
    if isinstance(value, dict):
        return 2 + sum(len(key) + 4 for key in value if isinstance(key, str))
    if isinstance(value, list):
        # The commas: a list is refused before what it holds is looked at one by one.
        return 2 + len(value)
    return 1 + value.bit_length() // 4 if isinstance(value, int) else 4


def _check_leaf(value: object, way: Way, report: Report) -> None:
    if isinstance(value, str):
        if (problem := _text_problem(value)) is not None:
            report.add(_path(way), problem)
    elif isinstance(value, float):
        if not math.isfinite(value):
            report.add(
                _path(way), "This is not a number that JSON can hold. Write a finite number."
            )
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value < MAX_INTEGER:
            report.add(_path(way), TOO_LARGE)
    elif value is not None:
        report.add(
            _path(way),
            "This is not a JSON value. Use text, numbers, true, false, null, lists, objects.",
        )


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return "This text has a NUL character, which cannot be stored. Remove it."
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return "This text has half of a surrogate pair, which cannot be stored. Remove it."
    return None


def _path(way: Way) -> str:
    parts: list[str | int] = []
    while way is not None:
        way, part = way
        parts.append(part)
    return pointer(*reversed(parts))
