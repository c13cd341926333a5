"""Checks that a value is plain JSON that can be stored, of bounded size and depth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from designs.graph.report import Report, excerpt, pointer
from designs.graph.spec import MAX_BYTES, MAX_DEPTH
from designs.strict_json import MAX_INTEGER, TOO_LARGE

# The path to a value as a linked list: its parent's path and its own key or index.
Path = tuple[Any, str | int] | None
# A value, its depth, and its path.
Entry = tuple[object, int, Path]
END: Entry = (None, 0, None)


def check_values(raw: object, report: Report) -> None:
    """Report everything that a document may not contain. Ends for any object, even a cyclic one."""
    # Depth first, so that few iterators are open at once.
    levels: list[Iterator[Entry]] = [iter([(raw, 1, None)])]
    size = 0
    while levels:
        value, depth, path = next(levels[-1], END)
        if depth == 0:
            levels.pop()
            continue
        size += _size(value)
        if size > MAX_BYTES:
            report.add("", f"The design is larger than {MAX_BYTES // 2**20} MiB. Make it smaller.")
            return
        if report.full:
            report.leave_out()
            return
        if not isinstance(value, dict | list):
            _check_leaf(value, path, report)
        elif depth > MAX_DEPTH:
            report.add(
                _pointer(path), f"This is nested deeper than {MAX_DEPTH} levels. Make it flatter."
            )
        else:
            levels.append(_inside(value, depth + 1, path, report))


def _inside(
    value: dict[Any, Any] | list[Any], depth: int, path: Path, report: Report
) -> Iterator[Entry]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield item, depth, (path, index)
        return
    for key, item in value.items():
        if isinstance(key, str) and _text_problem(key) is None:
            yield item, depth, (path, key)
        else:
            name = excerpt(repr(key)) if isinstance(key, str) else f"of type {type(key).__name__}"
            report.add(_pointer(path), f"The key {name} is not text that can be stored. Rename it.")


def _size(value: object) -> int:
    """The approximate size in bytes of the value as JSON, without its contents."""
    if isinstance(value, str):
        size = len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        return size + 2
    if isinstance(value, dict):
        return 2 + sum(len(key) + 4 for key in value if isinstance(key, str))
    if isinstance(value, list):
        # The commas alone refuse a huge list before its entries are looked at.
        return 2 + len(value)
    return 1 + value.bit_length() // 4 if isinstance(value, int) else 4


def _check_leaf(value: object, path: Path, report: Report) -> None:
    if isinstance(value, str):
        if (problem := _text_problem(value)) is not None:
            report.add(_pointer(path), problem)
    elif isinstance(value, float):
        if not math.isfinite(value):
            report.add(
                _pointer(path), "This is not a number that JSON can hold. Write a finite number."
            )
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value < MAX_INTEGER:
            report.add(_pointer(path), TOO_LARGE)
    elif value is not None:
        report.add(
            _pointer(path),
            "This is not a JSON value. Use text, numbers, true, false, null, lists, objects.",
        )


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return "This text has a NUL character, which cannot be stored. Remove it."
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return "This text has half of a surrogate pair, which cannot be stored. Remove it."
    return None


def _pointer(path: Path) -> str:
    parts: list[str | int] = []
    while path is not None:
        path, part = path
        parts.append(part)
    return pointer(*reversed(parts))
