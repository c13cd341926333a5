"""Words, sentences and their overlap, for the stand-in."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

LABEL = "[stand-in]"

_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_ENDING = re.compile(r"(?<=\w\w\w)(?:ing|ed|s)\Z")
_COMMON = frozenset(
    stem
    for line in (
        "about after all and any are because been but can did does each for from had has have",
        "her his how into its just more most not now off one only other our out over per say she",
        "should some such than that the their them then there these they this via was were what",
        "when where which who will with would yes you your",
    )
    for stem in line.split()
)


def stems(text: str) -> list[str]:
    """The meaningful words in lower case and without common endings, in order."""
    return [
        _ENDING.sub("", word)
        for word in _WORD.findall(text.lower())
        if word not in _COMMON and (len(word) > 2 or word.isdigit())
    ]


def sentences(text: str) -> list[str]:
    return [line for part in _SENTENCE.findall(text) if (line := part.strip(" \t-*•"))]


def shortened(text: str, max_words: int) -> str:
    words = text.split()
    return " ".join(words) if len(words) <= max_words else " ".join(words[:max_words]) + "…"


def extract(text: str, about: str, max_words: int) -> str:
    """The sentences that say most about something, in their own order, within `max_words`."""
    if len(text.split()) <= max_words:
        return " ".join(text.split())
    lines = list(dict.fromkeys(sentences(text)))
    if not lines:
        return shortened(text, max_words)
    weights = Counter(stems(text))
    wanted = set(stems(about))
    scores = []
    for line in lines:
        words = set(stems(line))
        score = sum(weights[word] + 3 * (word in wanted) for word in words)
        scores.append(score / math.sqrt(len(words)) if words else 0.0)
    ranked = sorted(range(len(lines)), key=lambda place: (-scores[place], place))
    chosen: list[int] = []
    left = max_words
    for place in ranked:
        size = len(lines[place].split())
        if size <= left:
            chosen.append(place)
            left -= size
    if not chosen:
        return shortened(lines[ranked[0]], max_words)
    return " ".join(lines[place] for place in sorted(chosen))


def overlap(words: Sequence[str], other: Sequence[str]) -> float:
    """The share of distinct words that are also in `other`, from 0 to 1."""
    distinct = set(words)
    return len(distinct & set(other)) / len(distinct) if distinct else 0.0


def mentions(text: str, name: str) -> bool:
    """Whether the text has a lower-case name, as it is or with spaces for underscores."""
    spaced = name.replace("_", " ")
    pattern = rf"(?<!\w)(?:{re.escape(name)}|{re.escape(spaced)})(?!\w)"
    return re.search(pattern, text.lower()) is not None


def plain(value: Any) -> str:
    """A value as readable lines, without the labels of earlier stand-in answers."""
    if isinstance(value, str):
        return value.replace(LABEL, "").strip()
    if isinstance(value, dict):
        return "\n".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(plain(item) for item in value)
    return "" if value is None else str(value)
