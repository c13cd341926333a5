"""Estimates the cost of matching a text from the regular expression alone.

The engine reads a text once, with a lazily filled table of its states. Where a counted repeat
follows something of free length, each place of the count may be active at once: the table
overflows, and each character then costs a step for each active place.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

# Open places that still fit into the table.
FEW_PLACES = 10
# In characters read with the table: one character without it, and each open place in addition.
_WITHOUT_TABLE = 1_000
_PER_PLACE = 11

_ATOM = re.compile(r"\\(?:[pPxu]\{[^}]*\}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_REPEAT = re.compile(r"(?:([*+?])|\{(\d{1,6})(?:(,)(\d{0,6}))?\})\??")
_OPENING = re.compile(r"\((?:\?(?:[a-zA-Z-]*:|P?<[^>]*>|[a-zA-Z-]+(?=\))))?")
_NO_WIDTH = frozenset({"^", "$", r"\b", r"\B", r"\A", r"\z"})


@dataclass(frozen=True, slots=True)
class PatternCost:
    """`per_character` is in characters that a plain pattern reads in the same time;
    `most_characters` is how much of a text is read at most.
    """

    per_character: int
    most_characters: float

    def of_text(self, length: int) -> int:
        return self.per_character * int(min(length, self.most_characters))


@dataclass(slots=True)
class _Part:
    """`states` in all, `open_places` of them that may be open at once; lengths in characters.

    `width` is the number of places where the next part may begin, 1 if there is no choice.
    `single` is the source of a part that matches one character.
    """

    states: float = 0
    open_places: float = 0
    least: float = 0
    most: float = 0
    width: float = 1
    anchored: bool = False
    single: str = ""


@lru_cache(maxsize=1024)
def cost_of_pattern(pattern: str) -> PatternCost:
    """An upper estimate, for any text, even an invalid pattern."""
    try:
        part = _Reader(pattern).alternatives()
    except RecursionError:
        return PatternCost(_WITHOUT_TABLE + _PER_PLACE * len(pattern), math.inf)
    places = part.open_places if part.anchored else part.states
    longest = part.most + 1 if part.anchored else math.inf
    per_character = 1 if places <= FEW_PLACES else _WITHOUT_TABLE + _PER_PLACE * int(places)
    return PatternCost(per_character, longest)


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            parts.append(self._sequence())
        return _Part(
            states=sum(part.states for part in parts),
            open_places=sum(part.open_places for part in parts),
            least=min(part.least for part in parts),
            most=max(part.most for part in parts),
            width=sum(part.width for part in parts),
            anchored=all(part.anchored for part in parts),
        )

    def _sequence(self) -> _Part:
        whole = _Part()
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            part = self._repeated()
            whole.anchored = whole.anchored or (part.anchored and whole.most == 0)
            whole.states += part.states
            whole.open_places += max(part.open_places, min(part.states, whole.width - 1))
            whole.least += part.least
            whole.most += part.most
            whole.width += part.width - 1
        return whole

    def _repeated(self) -> _Part:
        part = self._atom()
        while match := _REPEAT.match(self._pattern, self._at):
            self._at = match.end()
            if match[1]:
                least, most = float(match[1] == "+"), 1 if match[1] == "?" else math.inf
            else:
                least = most = float(match[2])
                if match[3]:
                    most = float(match[4] or math.inf)
            part = _times(part, least, most)
        if part.single and part.width > 1 and self._ends_clearly(part):
            part.width = 1
        return part

    def _atom(self) -> _Part:
        if match := _OPENING.match(self._pattern, self._at):
            self._at = match.end()
            part = self.alternatives()
            self._at += self._pattern.startswith(")", self._at)
            return part
        atom = _ATOM.match(self._pattern, self._at)
        text = atom.group() if atom else self._pattern[self._at]
        self._at += len(text)
        if text in _NO_WIDTH:
            return _Part(anchored=text in ("^", r"\A"))
        # Plain letters seldom leave a choice; character classes do.
        is_class = text[0] in ".[" or (text[0] == "\\" and text[1:2].isalpha())
        return _Part(states=float(is_class), least=1, most=1, single=text)

    def _ends_clearly(self, part: _Part) -> bool:
        """Whether the next character of the pattern is not one that the part repeats."""
        following = _ATOM.match(self._pattern, self._at)
        if following is None:
            return True
        text = following.group()
        if not part.single or text in "([.|)" or _REPEAT.match(self._pattern, following.end()):
            return text == "$"
        letter = text[1:] if text.startswith("\\") and not text[1:].isalnum() else text
        if text.startswith("\\") and letter == text:
            return False
        try:
            return re.fullmatch(part.single, letter, re.DOTALL) is None
        except re.error:
            return False


def _times(part: _Part, least: float, most: float) -> _Part:
    times = most if math.isfinite(most) else least
    states = times * max(part.states, 1) if times > 1 else part.states
    # Zero times infinity is 0 here.
    length = part.most * most if part.most and most else 0
    # A part that may end at several places may begin again at each of them.
    is_open = part.width > 1 and most > 1
    return _Part(
        states=states,
        open_places=states if is_open else part.open_places,
        least=part.least * least,
        most=length,
        width=length + 1 if is_open else part.width + most - least,
        anchored=part.anchored,
        single=part.single,
    )
