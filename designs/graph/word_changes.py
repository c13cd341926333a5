"""Two texts word by word: what stayed, went and came, at a bounded cost."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Literal

# More words than this in both texts together are compared by lines.
MAX_WORDS = 20_000
# Pairs of words looked at in one comparison of documents; a million take a tenth of a second.
MAX_STEPS = 2_500_000
MAX_WORD_LENGTH = 200

Op = Literal["same", "removed", "added"]
Words = tuple[tuple[Op, str], ...]

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class _TooCostly(Exception):
    """The steps of this comparison are used up."""


class Steps:
    """What is left of a comparison's steps."""

    def __init__(self, most: int = MAX_STEPS) -> None:
        self._left = most
        # Whether a text was too large to be compared word by word.
        self.is_coarse = False

    def spend(self, count: int) -> None:
        """Raises _TooCostly."""
        if count > self._left:
            raise _TooCostly
        self._left -= count


def compare_words(before: str, after: str, steps: Steps) -> Words:
    """The pieces of both texts in order; long texts by lines, and as a whole without steps left."""
    start, end = _ends(before, after)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    pieces: list[tuple[Op, str]] = [("same", before[:start])]
    pieces += _middle(old, new, steps)
    pieces.append(("same", before[len(before) - end :]))
    return tuple((op, text) for op, text in pieces if text)


def _middle(old: str, new: str, steps: Steps) -> list[tuple[Op, str]]:
    if old and new:
        for split in (_words, _lines):
            tokens = split(old), split(new)
            try:
                if split is _lines or sum(map(len, tokens)) <= MAX_WORDS:
                    return list(_pieces(*tokens, steps))
            except _TooCostly:
                pass
            steps.is_coarse = True
    return [("removed", old), ("added", new)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


# --- The common beginning and end -----------------------------------------------------------------


def _ends(before: str, after: str) -> tuple[int, int]:
    """How many characters both texts begin and end with alike, up to whole words."""
    shortest = min(len(before), len(after))
    start = _alike(shortest, lambda n: before[:n] == after[:n])
    for back in range(min(start, MAX_WORD_LENGTH) + 1):
        if _parts_words(before, start - back) and _parts_words(after, start - back):
            start -= back
            break
    end = _alike(shortest - start, lambda n: before[len(before) - n :] == after[len(after) - n :])
    for back in range(min(end, MAX_WORD_LENGTH) + 1):
        place = len(before) - end + back, len(after) - end + back
        if _parts_words(before, place[0]) and _parts_words(after, place[1]):
            end -= back
            break
    return start, end


def _alike(most: int, is_alike: Callable[[int], bool]) -> int:
    """The largest number up to `most` for which it holds; it holds for all smaller ones."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if is_alike(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _parts_words(text: str, place: int) -> bool:
    """True if no word and no gap goes on across this place."""
    if place in (0, len(text)):
        return True
    left, right = text[place - 1], text[place]
    is_word = (left.isalnum() or left == "_") and (right.isalnum() or right == "_")
    return not is_word and not (left.isspace() and right.isspace())


# --- What lies between ----------------------------------------------------------------------------


class _Bounded(difflib.SequenceMatcher[str]):
    """Stops when its steps are used up: hostile texts would take minutes."""

    def __init__(self, old: Sequence[str], new: Sequence[str], steps: Steps) -> None:
        self._steps = steps
        super().__init__(str.isspace, old, new)
        places: dict[str, list[int]] = self.b2j  # type: ignore[attr-defined]
        # What one search costs for each word: the places where it stands in the new text.
        self._costs = [0, *accumulate(1 + len(places.get(word, ())) for word in old)]

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> difflib.Match:
        last = len(self._costs) - 1 if ahi is None else ahi
        self._steps.spend(20 + self._costs[last] - self._costs[alo])
        return super().find_longest_match(alo, ahi, blo, bhi)


def _pieces(old: list[str], new: list[str], steps: Steps) -> Iterator[tuple[Op, str]]:
    """Raises _TooCostly."""
    steps.spend(2 * (len(old) + len(new)))
    codes = _Bounded(old, new, steps).get_opcodes()
    removed, added = "", ""
    for index, (tag, low, high, from_, to) in enumerate(codes):
        same = "".join(old[low:high])
        if tag != "equal":
            removed, added = removed + same, added + "".join(new[from_:to])
        elif same.isspace() and _between_replacements(codes, index):
            # A gap between two replaced words is no piece of its own.
            removed, added = removed + same, added + same
        else:
            yield from (("removed", removed), ("added", added), ("same", same))
            removed, added = "", ""
    yield from (("removed", removed), ("added", added))


def _between_replacements(codes: Sequence[tuple[str, int, int, int, int]], index: int) -> bool:
    neighbours = [*codes[max(0, index - 1) : index], *codes[index + 1 : index + 2]]
    return len(neighbours) == 2 and any(tag == "replace" for tag, *_ in neighbours)
