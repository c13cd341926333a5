"""Moves the parts of another layout into a document, and records where each came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from designs.graph.expressions import escape_text
from designs.graph.report import Report, excerpt, pointer
from designs.graph.spec import Problem

MAX_WARNINGS = 1_000

LEFT_OUT = {
    "use_tools": "Agents have no tools here, so `use_tools` was left out.",
    "git_repo": "Blocks work on no repository here, so `git_repo` was left out.",
    "git_repos": "Designs know no repositories here, so `git_repos` was left out.",
    "isolate_agent_workspaces": (
        "Agents have no workspaces here, so `isolate_agent_workspaces` was left out."
    ),
    "extract_output": (
        "A connection hands on the whole output, so `extract_output` was left out. "
        "Shape the output with a `transform` block."
    ),
}

# An object's values with their places in the file, by key.
Keys = dict[str, tuple[Any, str]]


class Notes:
    """Warnings in order, up to MAX_WARNINGS."""

    def __init__(self) -> None:
        self._notes: list[Problem] = []
        self._dropped = 0

    def add(self, path: str, message: str) -> None:
        if len(self._notes) < MAX_WARNINGS:
            self._notes.append(Problem(path, message))
        else:
            self._dropped += 1

    def notes(self) -> tuple[Problem, ...]:
        more = Problem("", f"There are {self._dropped:,} more warnings than these.")
        return (*self._notes, more) if self._dropped else tuple(self._notes)


@dataclass(slots=True)
class Conversion:
    """A document under construction.

    `origins` maps places in `document` to their places in the file, where these differ.
    """

    document: dict[str, Any]
    report: Report = field(default_factory=Report)
    warnings: Notes = field(default_factory=Notes)
    origins: dict[str, str] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """The place in the file of a place in the document."""
        parent = path
        while parent and parent not in self.origins:
            parent = parent.rpartition("/")[0]
        return self.origins.get(parent, parent) + path[len(parent) :]

    def warn(self, path: str, message: str) -> None:
        self.warnings.add(self.place(path), message)


# Converts one object of a list, given its path in the document and its place in the file.
Convert = Callable[[Conversion, dict[str, Any], str, str], dict[str, Any]]


def keys_of(raw: Mapping[str, Any], place: str) -> Keys:
    return {name: (value, place + pointer(name)) for name, value in raw.items()}


class Part:
    """One object under construction, `made`, and the keys of the file that are not moved yet."""

    def __init__(
        self, conversion: Conversion, path: str, keys: Keys, made: dict[str, Any] | None = None
    ) -> None:
        self.conversion = conversion
        self.path = path
        self.made: dict[str, Any] = {} if made is None else made
        self._keys = keys

    def take(self, *names: str) -> tuple[Any, str] | None:
        """Remove these keys; returns the first value that is not null, with its place."""
        pairs = [self._keys.pop(name) for name in names if name in self._keys]
        return next((pair for pair in pairs if pair[0] is not None), None)

    def put(self, name: str, value: Any, place: str) -> None:
        path = self.path + pointer(name)
        if self.conversion.place(path) != place:
            self.conversion.origins[path] = place
        self.made[name] = value

    def move(self, name: str) -> None:
        if (pair := self.take(name)) is not None:
            self.put(name, *pair)

    def move_text(self, name: str) -> None:
        """Move a plain text, which is escaped since the document's is a template."""
        if (pair := self.take(name)) is None:
            return
        value, place = pair
        if isinstance(value, str) and "{{" in value:
            value = escape_text(value)
            self.conversion.warnings.add(
                place,
                "The text has `{{`, which marks an expression here. It is kept as text: `\\{{`.",
            )
        self.put(name, value, place)

    def move_list(self, name: str, convert: Convert) -> None:
        """Move a list and convert its objects; anything else in it stays unchanged."""
        if (pair := self.take(name)) is None:
            return
        items, place = pair
        self.put(name, items, place)
        if isinstance(items, list):
            path = self.path + pointer(name)
            self.made[name] = [
                convert(self.conversion, item, f"{path}/{index}", f"{place}/{index}")
                if isinstance(item, dict)
                else item
                for index, item in enumerate(items)
            ]

    def warn_of_rest(self) -> None:
        for name, (_, place) in self._keys.items():
            usual = f"`{excerpt(name)}` has no counterpart here, so it was left out."
            self.conversion.warnings.add(place, LEFT_OUT.get(name, usual))
