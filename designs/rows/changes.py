"""The differences between two JSON values, so that the audit stays short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Difference = tuple[str, Any, Any]


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """(path, before, after) of each difference; None stands for a missing value.

    A path consists of keys. Items of a list that all have ids are matched by these, so that moving
    one is not a change of all that follow. Other lists are compared as a whole.
    """
    old, new = _by_key(before), _by_key(after)
    is_list = isinstance(before, list)
    if old is None or new is None or is_list != isinstance(after, list):
        if before != after or type(before) is not type(after):
            yield path, before, after
        return
    for key in dict.fromkeys((*old, *new)):
        yield from differences(old.get(key), new.get(key), f"{path}/{key}")
    if is_list and list(old) != list(new) and set(old) == set(new):
        yield f"{path}/order", list(old), list(new)


def _by_key(value: Any) -> dict[str, Any] | None:
    """An object, or a list's items by their ids; None for anything else."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return None
    dicts = [item for item in value if isinstance(item, dict)]
    items = {item["id"]: item for item in dicts if isinstance(item.get("id"), str)}
    return items if items and len(items) == len(value) else None
