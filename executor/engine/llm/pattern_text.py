"""A text that a simple pattern takes: for answers that nobody writes."""

from __future__ import annotations

import re

# A class or a character, and how often it stands. Groups and choices are not read.
_PART = re.compile(
    r"(?P<one>\[(?:[^\]\\]|\\.)+\]|\\.|[^\\()|*+?{}^$])(?:\{(?P<least>[0-9]{1,3})(?:,[0-9]*)?\}|(?P<mark>[*+?]))?"
)
_CANDIDATES = "1aA0zZ9 -_./:,;#@+$%&"
MAX_PARTS = 100


def text_for(pattern: str) -> str:
    """Empty if the pattern is not that simple. It may not fit, so hold it against the pattern."""
    inner = pattern.removeprefix("^").removesuffix("$")
    pieces: list[str] = []
    at = 0
    while at < len(inner) and len(pieces) < MAX_PARTS:
        part = _PART.match(inner, at)
        letter = _letter(part["one"]) if part else ""
        if part is None or not letter:
            return ""
        least = part["least"] or {"*": "0", "?": "0"}.get(part["mark"], "1")
        pieces.append(letter * int(least))
        at = part.end()
    return "".join(pieces)


def _letter(one: str) -> str:
    """One that the class takes."""
    if len(one) == 1 and one != ".":
        return one
    if one[0] == "\\" and not one[1].isalnum():
        return one[1]
    try:
        compiled = re.compile(one)
    except re.error:
        return ""
    return next((letter for letter in _CANDIDATES if compiled.fullmatch(letter)), "")
