"""Words, sentences and their overlap: all the stand-in knows of language."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

LABEL = "[stand-in]"

_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_ENDINGS = ("ing", "ed", "s")
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
    """The words that carry meaning, in lower case and without common endings, in order."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if _counts(word)]


def sentences(text: str) -> list[str]:
    return [found for part in _SENTENCE.findall(text) if (found := part.strip(" \t-*•"))]


def shortened(text: str, most_words: int) -> str:
    words = text.split()
    return " ".join(words) if len(words) <= most_words else " ".join(words[:most_words]) + "…"


def extract(text: str, about: str, most_words: int) -> str:
    """The sentences that say most about something, in their own order, within so many words."""
    if len(text.split()) <= most_words:
        return " ".join(text.split())
    found = list(dict.fromkeys(sentences(text)))
    if not found:
        return shortened(text, most_words)
    weights = Counter(stems(text))
    wanted = set(stems(about))
    ranked = sorted(
        range(len(found)), key=lambda place: (-_worth(found[place], weights, wanted), place)
    )
    chosen: list[int] = []
    left = most_words
    for place in ranked:
        size = len(found[place].split())
        if size <= left:
            chosen.append(place)
            left -= size
    if not chosen:
        return shortened(found[ranked[0]], most_words)
    return " ".join(found[place] for place in sorted(chosen))


def overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """How much of the first's different words is in the second, from 0 to 1."""
    wanted = set(one)
    return len(wanted & set(other)) / len(wanted) if wanted else 0.0


def mentions(text: str, name: str) -> bool:
    """Whether the text has a name (lower case), as it is or with spaces for underscores."""
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


def _worth(sentence: str, weights: Counter[str], wanted: set[str]) -> float:
    words = set(stems(sentence))
    if not words:
        return 0.0
    worth = sum(weights[word] + 3 * (word in wanted) for word in words)
    return worth / math.sqrt(len(words))


def _counts(word: str) -> bool:
    return word not in _COMMON and (len(word) > 2 or word.isdigit())


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
