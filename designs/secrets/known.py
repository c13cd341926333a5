"""The secrets that this process has seen, and how they are found in texts.

*Strong* ones cannot be guessed: masking one reveals nothing to a reader who does not have it. All
others (short ones, and passwords that people chose) are masked in logs only: an answer that masked
them would be a way to guess them.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections import OrderedDict
from urllib.parse import quote

from designs.secrets.key_shapes import Span

# A cautious estimate: at a million guesses a second 72 bits take a hundred million years.
STRONG_BITS = 72.0
# Shorter secrets, and short plain words, would be masked in many innocent log lines.
MIN_LENGTH = 8
MIN_WORD_LENGTH = 16
# A strong one has no space and is no longer, so that the unfinished end of a growing text can be
# held back without comparing it with secrets.
MAX_LENGTH = 1_024
MAX_KNOWN = 20_000
MAX_CHOSEN = 1_000

_PIECE = re.compile(r"[!-~]+")
_LONG_PIECE = re.compile(r"[!-~]{14,}")
_SEGMENT = re.compile(r"[A-Za-z0-9]+")
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_WORD = re.compile(r"[A-Z]?[a-z]*|[A-Z]+|[0-9]+")
_HEXADECIMAL = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")
# Each secret is indexed by its first GAP windows of this length, and of a text only every GAP-th
# window is looked up: so the number of secrets does not matter.
_WINDOW = 7
_GAP = 8


class KnownSecrets:
    """The secrets of a process. Reads take no lock; adding one compiles nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._strong: OrderedDict[str, None] = OrderedDict()
        self._by_window: dict[str, tuple[str, ...]] = {}
        self.chosen: tuple[str, ...] = ()

    def learn(self, text: str) -> None:
        """Mask strong pieces of the text everywhere, the whole text in logs."""
        if text in self._strong or text in self.chosen:
            return
        pieces = [piece for piece in _PIECE.findall(text) if is_strong(piece)]
        with self._lock:
            for piece in pieces:
                self._add_strong(piece)
        if pieces != [text]:
            self.learn_chosen(text)

    def learn_chosen(self, text: str) -> None:
        """Mask the text in logs only, however strong it looks."""
        if text in self.chosen or len(text) < (MIN_WORD_LENGTH if text.isalpha() else MIN_LENGTH):
            return
        with self._lock:
            chosen = (*self.chosen, text)[-MAX_CHOSEN:]
            # Longest first: one may be the beginning of another.
            self.chosen = tuple(sorted(chosen, key=len, reverse=True))

    def spans(self, text: str, start: int = 0) -> list[Span]:
        by_window = self._by_window
        if not by_window:
            return []
        spans = []
        for piece in _LONG_PIECE.finditer(text, start):
            for at in range(piece.start(), piece.end() - _WINDOW + 1, _GAP):
                for secret in by_window.get(text[at : at + _WINDOW], ()):
                    begin = text.find(secret, max(start, at - _GAP + 1), at + len(secret))
                    if begin >= 0:
                        spans.append(Span(begin, begin + len(secret), ""))
        return spans

    def _add_strong(self, secret: str) -> None:
        # Also as it is written in JSON and in a URL.
        for spelling in (secret, json.dumps(secret)[1:-1], quote(secret, safe="")):
            if spelling in self._strong or len(spelling) > MAX_LENGTH:
                continue
            self._strong[spelling] = None
            for window in _windows(spelling):
                self._by_window[window] = (*self._by_window.get(window, ()), spelling)
        while len(self._strong) > MAX_KNOWN:
            oldest, _ = self._strong.popitem(last=False)
            for window in _windows(oldest):
                others = tuple(other for other in self._by_window[window] if other != oldest)
                if others:
                    self._by_window[window] = others
                else:
                    del self._by_window[window]


def is_strong(text: str) -> bool:
    """True for texts made at random by a machine, False for those that a person may have chosen.

    Words count little, however many there are, and so do repetitions.
    """
    if not _PIECE.fullmatch(text) or len(text) > MAX_LENGTH:
        return False
    seen: set[str] = set()
    segments = [(segment, _bits(segment, seen)) for segment in _SEGMENT.findall(text)]
    random = sum(bits for segment, bits in segments if not _WORD.fullmatch(segment))
    return random >= STRONG_BITS / 2 and sum(bits for _, bits in segments) >= STRONG_BITS


def _bits(segment: str, seen: set[str]) -> float:
    """An estimate of the entropy of consecutive letters and digits."""
    if _WORD.fullmatch(segment):
        return _new_bits(segment, seen, 7.0)
    if _HEXADECIMAL.fullmatch(segment):
        # Repetitions have few distinct pairs.
        return 4.0 * len(set(itertools.pairwise(segment)))
    total = 0.0
    for token in _TOKEN.findall(segment):
        most = 4.0 * min(len(token), 3) + 0.5 * max(0, len(token) - 3)
        total += _new_bits(token, seen if len(token) > 2 else set(), most)
    return total


def _new_bits(token: str, seen: set[str], bits: float) -> float:
    folded = token.lower()
    # Such as `aaaa`, `1234`, `fedc`.
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(folded)}
    is_series = len(folded) > 2 and len(steps) == 1 and steps <= {-1, 0, 1}
    if folded in seen or is_series:
        return 1.0
    seen.add(folded)
    return bits


def _windows(secret: str) -> set[str]:
    return {secret[at : at + _WINDOW] for at in range(_GAP)}
