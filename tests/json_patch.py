"""Applies a JSON patch (RFC 6902) as strictly as it is written there."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any


def patched(document: Any, patch: Iterable[dict[str, Any]]) -> Any:
    """A changed copy. Raises LookupError for a place that is not there."""
    document = copy.deepcopy(document)
    for step in patch:
        assert set(step) == ({"op", "path"} if step["op"] == "remove" else {"op", "path", "value"})
        *way, last = [
            key.replace("~1", "/").replace("~0", "~") for key in step["path"].split("/")[1:]
        ]
        parent = document
        for key in way:
            parent = parent[int(key)] if isinstance(parent, list) else parent[key]
        _OPERATIONS[step["op"]](parent, last, copy.deepcopy(step.get("value")))
    return document


def _add(parent: Any, key: str, value: Any) -> None:
    if isinstance(parent, list):
        place = len(parent) if key == "-" else int(key)
        if place > len(parent):
            raise IndexError(key)
        parent.insert(place, value)
    else:
        parent[key] = value


def _remove(parent: Any, key: str, value: Any) -> None:
    del parent[int(key) if isinstance(parent, list) else key]


def _replace(parent: Any, key: str, value: Any) -> None:
    place = int(key) if isinstance(parent, list) else key
    parent[place]  # It must be there already.
    parent[place] = value


_OPERATIONS = {"add": _add, "remove": _remove, "replace": _replace}
