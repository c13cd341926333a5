"""Collects a document's problems: places as JSON pointers, in order, up to a maximum."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from designs.graph.spec import Fix, Problem

MAX_PROBLEMS = 200
MAX_EXCERPT = 80
# Pairs of characters compared for "Did you mean …?" in one document.
MAX_COMPARED = 5_000_000
MAX_CANDIDATES = 500
# Characters of texts in all mendings of one document.
MAX_CARRIED = 200_000


class Report:
    """The problems so far; those beyond MAX_PROBLEMS are dropped."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, str], Problem] = {}
        self._dropped = False
        self._compared = 0
        self._carried = 0

    def add(self, path: str, message: str, fix: Fix | None = None) -> None:
        if self.full:
            self.leave_out()
        else:
            self._problems.setdefault((path, message), Problem(path, message, fix))

    def mend(self, path: str, message: str, fix: Fix) -> None:
        """Give a problem that was added before its mending."""
        if (path, message) in self._problems:
            self._problems[path, message] = Problem(path, message, fix)

    def has(self, path: str) -> bool:
        return any(place == path for place, _ in self._problems)

    def leave_out(self) -> None:
        """Add a final problem that says that there are more."""
        self._dropped = True

    def affords(self, text: str) -> bool:
        """Whether a mending may carry one more text; all of them together are bounded."""
        self._carried += len(text)
        return self._carried <= MAX_CARRIED

    def nearest(self, name: str, names: Iterable[str]) -> str:
        """A similar name, else an empty string.

        Also empty once the comparisons for one document, perhaps a hostile one, are used up.
        """
        candidates = [other for other in names if len(other) <= MAX_EXCERPT][:MAX_CANDIDATES]
        self._compared += len(name) * sum(map(len, candidates))
        if self.full or len(name) > MAX_EXCERPT or self._compared > MAX_COMPARED:
            return ""
        matches = difflib.get_close_matches(name, candidates, n=1)
        return matches[0] if matches else ""

    @property
    def full(self) -> bool:
        return len(self._problems) >= MAX_PROBLEMS

    def __len__(self) -> int:
        return len(self._problems)

    def problems(self) -> tuple[Problem, ...]:
        """In the document's order; the last one says if there are more."""
        problems = sorted(self._problems.values(), key=lambda problem: _order(problem.path))
        if self._dropped:
            problems.append(Problem("", f"There are more problems than these {MAX_PROBLEMS}."))
        return tuple(problems)


def did_you_mean(name: str) -> str:
    """The end of a sentence; empty without a name."""
    return f" Did you mean `{name}`?" if name else ""


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) in characters that can be stored; very long keys are cut."""
    keys = (excerpt(str(part)).replace("~", "~0").replace("/", "~1") for part in parts)
    return "".join(f"/{key}" for key in keys)


def excerpt(text: str) -> str:
    """Text from a document, cut and escaped to fit into a sentence."""
    cut = text if len(text) <= MAX_EXCERPT else f"{text[:MAX_EXCERPT]}…"
    return cut.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


_KEYS = (
    "schema", "name", "description", "model", "input_schema", "output_schema",
    "blocks", "connections", "output",
)  # fmt: skip
_PLACES = {key: place for place, key in enumerate(_KEYS)}


def _order(path: str) -> list[tuple[int, int, str]]:
    """Sort key for paths: top-level keys in their usual order, indexes by number."""
    first, *parts = path.split("/")[1:] or [""]
    key = [(_PLACES.get(first, -1), 0, first)]
    for part in parts:
        is_index = part.isascii() and part.isdigit() and len(part) < 10
        key.append((0, int(part), "") if is_index else (1, 0, part))
    return key
