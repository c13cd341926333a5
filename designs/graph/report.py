"""Collects a document's problems: places as JSON pointers, order, and an end to them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from designs.graph.spec import Problem

MAX_PROBLEMS = 200
SHOWN = 80
# Pairs of characters that may be compared to find names that were meant.
MAX_COMPARED = 5_000_000
MAX_KNOWN = 500


class Report:
    """Problems found so far; further ones are dropped when there are 200."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, str], Problem] = {}
        self._dropped = False
        self._compared = 0

    def add(self, path: str, message: str) -> None:
        if self.full:
            self.leave_out()
        else:
            self._problems.setdefault((path, message), Problem(path, message))

    def has(self, path: str) -> bool:
        """Whether something was said of this place."""
        return any(place == path for place, _ in self._problems)

    def leave_out(self) -> None:
        """Say at the end that there are more problems."""
        self._dropped = True

    def nearest(self, name: str, names: Iterable[str]) -> str:
        """ " Did you mean `x`?" if one of the names is much like this one, else nothing.

        Nothing either when a hostile document has had enough hints.
        """
        known = [known for known in names if len(known) <= SHOWN][:MAX_KNOWN]
        self._compared += len(name) * sum(map(len, known))
        if self.full or len(name) > SHOWN or self._compared > MAX_COMPARED:
            return ""
        found = difflib.get_close_matches(name, known, n=1)
        return f" Did you mean `{found[0]}`?" if found else ""

    @property
    def full(self) -> bool:
        return len(self._problems) >= MAX_PROBLEMS

    def __len__(self) -> int:
        return len(self._problems)

    def problems(self) -> tuple[Problem, ...]:
        """In the document's order; the last one says so if there are more."""
        found = sorted(self._problems.values(), key=lambda problem: _order(problem.path))
        if self._dropped:
            found.append(Problem("", f"There are more problems than these {MAX_PROBLEMS}."))
        return tuple(found)


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) in characters that can be stored; very long keys are cut."""
    return "".join(f"/{_escaped(part)}" for part in parts)


def _escaped(part: str | int) -> str:
    return shown(str(part)).replace("~", "~0").replace("/", "~1")


def shown(text: str) -> str:
    """Text from a document, as it can stand in a sentence."""
    cut = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    return cut.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


_KEYS = (
    "schema", "name", "description", "model", "input_schema", "output_schema",
    "blocks", "connections", "output",
)  # fmt: skip
_PLACES = {key: place for place, key in enumerate(_KEYS)}


def _order(path: str) -> list[tuple[int, int, str]]:
    """Sorts as a document reads: indexes by number, its own keys as they are usually written."""
    first, *parts = path.split("/")[1:] or [""]
    key = [(_PLACES.get(first, -1), 0, first)]
    return key + [(0, int(part), "") if _is_index(part) else (1, 0, part) for part in parts]


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
