"""What differs between two JSON values, place by place, so that a record of it stays short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Difference = tuple[str, Any, Any]


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """(path, before, after) of each place that differs; None where there is nothing.

    Steps of a path are keys; of things in a list that have ids, their ids, so that moving one is
    not changing all that follow. Other lists are compared as a whole.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _between(before, after, path)
        return
    old, new = _by_id(before), _by_id(after)
    if old is not None and new is not None:
        yield from _between(old, new, path)
        if list(old) != list(new) and set(old) == set(new):
            yield f"{path}/order", list(old), list(new)
    elif before != after or type(before) is not type(after):
        yield path, before, after


def _between(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Difference]:
    for key in dict.fromkeys((*before, *after)):
        yield from differences(before.get(key), after.get(key), f"{path}/{key}")


def _by_id(value: Any) -> dict[str, Any] | None:
    """The things of a list under their ids; None if not each has one of its own."""
    if not isinstance(value, list) or not value:
        return None
    found = {}
    for item in value:
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            return None
        found[name] = item
    return found if len(found) == len(value) else None
