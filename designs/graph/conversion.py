"""Moves the parts of a file's object into ours, and remembers where each came from."""

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

# What an object of the file has under a key, and where.
Keys = dict[str, tuple[Any, str]]


class Notes:
    """Warnings in the order they came up, up to a thousand."""

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
    """A document on its way to ours.

    `origins` says where in the file a part of `document` comes from, if not from the same place.
    """

    document: dict[str, Any]
    report: Report = field(default_factory=Report)
    warnings: Notes = field(default_factory=Notes)
    origins: dict[str, str] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """The place in the file of a place in the document."""
        known = path
        while known and known not in self.origins:
            known = known.rpartition("/")[0]
        return self.origins.get(known, known) + path[len(known) :]

    def warn(self, path: str, message: str) -> None:
        """Note something about a place in the document."""
        self.warnings.add(self.place(path), message)


# Makes our object of one in a list of the file: its path in the document, its place in the file.
Read = Callable[[Conversion, dict[str, Any], str, str], dict[str, Any]]


def keys_of(raw: Mapping[str, Any], place: str) -> Keys:
    return {name: (value, place + pointer(name)) for name, value in raw.items()}


class Part:
    """One object on its way: the file's keys that nobody took yet, and what was made of them."""

    def __init__(
        self, conversion: Conversion, path: str, keys: Keys, made: dict[str, Any] | None = None
    ) -> None:
        self.conversion = conversion
        self.path = path
        self.made: dict[str, Any] = {} if made is None else made
        self._keys = keys

    def take(self, *names: str) -> tuple[Any, str] | None:
        """The first of these keys with a value, and its place. Null and nothing are the same."""
        found = [self._keys.pop(name) for name in names if name in self._keys]
        return next((pair for pair in found if pair[0] is not None), None)

    def put(self, name: str, value: Any, place: str) -> None:
        path = self.path + pointer(name)
        if self.conversion.place(path) != place:
            self.conversion.origins[path] = place
        self.made[name] = value

    def move(self, name: str) -> None:
        if (found := self.take(name)) is not None:
            self.put(name, *found)

    def move_text(self, name: str) -> None:
        """A text that means nothing but itself: ours would be read as a template."""
        if (found := self.take(name)) is None:
            return
        value, place = found
        if isinstance(value, str) and "{{" in value:
            value = escape_text(value)
            self.conversion.warnings.add(
                place,
                "The text has `{{`, which marks an expression here. It is kept as text: `\\{{`.",
            )
        self.put(name, value, place)

    def move_list(self, name: str, read: Read) -> None:
        """A list whose objects `read` turns into ours; anything else stays as it is."""
        if (found := self.take(name)) is None:
            return
        items, place = found
        self.put(name, items, place)
        if isinstance(items, list):
            path = self.path + pointer(name)
            self.made[name] = [
                read(self.conversion, item, f"{path}/{index}", f"{place}/{index}")
                if isinstance(item, dict)
                else item
                for index, item in enumerate(items)
            ]

    def warn_of_rest(self) -> None:
        for name, (_, place) in self._keys.items():
            usual = f"`{excerpt(name)}` has no counterpart here, so it was left out."
            self.conversion.warnings.add(place, LEFT_OUT.get(name, usual))
