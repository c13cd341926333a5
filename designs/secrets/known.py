"""The secrets that this process knows by heart, and where they stand in a text.

Two kinds. *Strong* ones nobody can guess; to show that a text is one of them tells nothing to
anybody who does not have it already. All others (what people chose, and what is short) are looked
for in logs alone: any answer that told them apart would be a way to guess them.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections import OrderedDict
from urllib.parse import quote

from designs.secrets.key_shapes import Span

# Bits, by a cautious estimate: a million guesses a second would take a hundred million years.
STRONG_BITS = 72.0
# Of no use in logs: shorter ones, and those that are a mere word, stand in many lines.
MIN_LENGTH = 8
MIN_WORD_LENGTH = 16
# A strong one has no space in it and is no longer, so that the end of a text that grows may be
# held back by its own look.
MAX_LENGTH = 1_024
MAX_KNOWN = 20_000
MAX_CHOSEN = 1_000

_PIECE = re.compile(r"[!-~]+")
_LONG_PIECE = re.compile(r"[!-~]{14,}")
_SEGMENT = re.compile(r"[A-Za-z0-9]+")
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_WORD = re.compile(r"[A-Z]?[a-z]*|[A-Z]+|[0-9]+")
_HEXADECIMAL = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")
# Each secret is found by one of these many of its characters, at the first places they begin:
# of a text only every GAP-th place is looked up, and how many secrets there are does not matter.
_WINDOW = 7
_GAP = 8


class KnownSecrets:
    """What a process has learnt. Reading takes no lock; nothing is compiled when one more comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._strong: OrderedDict[str, None] = OrderedDict()
        self._by_window: dict[str, tuple[str, ...]] = {}
        self.chosen: tuple[str, ...] = ()

    def learn(self, text: str) -> None:
        """Strong pieces of the text are known everywhere, the whole in logs."""
        if text in self._strong or text in self.chosen:
            return
        pieces = [piece for piece in _PIECE.findall(text) if is_strong(piece)]
        with self._lock:
            for piece in pieces:
                self._add(piece)
        if pieces != [text]:
            self.learn_chosen(text)

    def learn_chosen(self, text: str) -> None:
        """Known in logs alone, however good it looks."""
        if text in self.chosen or len(text) < (MIN_WORD_LENGTH if text.isalpha() else MIN_LENGTH):
            return
        with self._lock:
            kept = (*self.chosen, text)[-MAX_CHOSEN:]
            # The longest first: one may begin as another does.
            self.chosen = tuple(sorted(kept, key=len, reverse=True))

    def spans(self, text: str, start: int = 0) -> list[Span]:
        """Where strong ones stand, from `start` on."""
        by_window = self._by_window
        if not by_window:
            return []
        found = []
        for piece in _LONG_PIECE.finditer(text, start):
            for at in range(piece.start(), piece.end() - _WINDOW + 1, _GAP):
                for secret in by_window.get(text[at : at + _WINDOW], ()):
                    begin = text.find(secret, max(start, at - _GAP + 1), at + len(secret))
                    if begin >= 0:
                        found.append(Span(begin, begin + len(secret), ""))
        return found

    def _add(self, secret: str) -> None:
        for spelt in _spellings(secret):
            if spelt in self._strong or len(spelt) > MAX_LENGTH:
                continue
            self._strong[spelt] = None
            for window in _windows(spelt):
                self._by_window[window] = (*self._by_window.get(window, ()), spelt)
        while len(self._strong) > MAX_KNOWN:
            self._forget(next(iter(self._strong)))

    def _forget(self, secret: str) -> None:
        del self._strong[secret]
        for window in _windows(secret):
            left = tuple(other for other in self._by_window[window] if other != secret)
            if left:
                self._by_window[window] = left
            else:
                del self._by_window[window]


def is_strong(text: str) -> bool:
    """True for what a machine made at random; False for what a person may have thought of.

    Words between signs count little, however many there are, and so does what comes again.
    """
    if not _PIECE.fullmatch(text) or len(text) > MAX_LENGTH:
        return False
    seen: set[str] = set()
    segments = [(segment, _bits(segment, seen)) for segment in _SEGMENT.findall(text)]
    random = sum(bits for segment, bits in segments if not _WORD.fullmatch(segment))
    return random >= STRONG_BITS / 2 and sum(bits for _, bits in segments) >= STRONG_BITS


def _bits(segment: str, seen: set[str]) -> float:
    """What it takes to guess letters and digits that stand together."""
    if _WORD.fullmatch(segment):
        return _new_bits(segment, seen, 7.0)
    if _HEXADECIMAL.fullmatch(segment):
        # What comes again and again has few pairs that differ.
        return 4.0 * len(set(itertools.pairwise(segment)))
    total = 0.0
    for token in _TOKEN.findall(segment):
        most = 4.0 * min(len(token), 3) + 0.5 * max(0, len(token) - 3)
        total += _new_bits(token, seen if len(token) > 2 else set(), most)
    return total


def _new_bits(token: str, seen: set[str], bits: float) -> float:
    folded = token.lower()
    if folded in seen or _is_row(folded):
        return 1.0
    seen.add(folded)
    return bits


def _is_row(token: str) -> bool:
    """True for `aaaa`, `1234`, `fedc`."""
    steps = {ord(b) - ord(a) for a, b in zip(token, token[1:], strict=False)}
    return len(token) > 2 and len(steps) == 1 and abs(steps.pop()) <= 1


def _spellings(secret: str) -> dict[str, None]:
    """Also as it stands in JSON and in an address."""
    return dict.fromkeys((secret, json.dumps(secret)[1:-1], quote(secret, safe="")))


def _windows(secret: str) -> set[str]:
    return {secret[at : at + _WINDOW] for at in range(_GAP)}
