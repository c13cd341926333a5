"""What is a secret in a text, and what stands in its place. Nothing else decides.

Who said a text decides what is looked for in it:

- `masked`, for what people and callers send, and for all that may come of it: what looks like a
  key. It is never compared with the secrets of the installation, so no answer tells whether a text
  is one of them.
- `masked_said`, for what servers and models say: also the installation's secrets that nobody can
  guess.
- `masked_line`, for logs: all secrets, those that people chose, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson

from designs.secrets import key_shapes
from designs.secrets.key_shapes import Span
from designs.secrets.known import MAX_LENGTH, KnownSecrets

MASK = "(secret)"
# In logs alone: passwords in addresses, and what is sent to show who one is.
_CREDENTIALS = re.compile(
    r"(://[^/\s:@]{0,200}:)[^/\s@]{1,500}(?=@)|(\b(?:bearer|basic) )[\w.~+/=-]{8,}",
    re.IGNORECASE | re.ASCII,
)

_known = KnownSecrets()


def learn(*secrets: str) -> None:
    """Mask these from now on, in this process. What has the shape of a key is masked anyway."""
    for text in map(str.strip, secrets):
        if text and not _has_shape(text):
            _known.learn(text)


def learn_chosen(*passwords: str) -> None:
    """Mask these in logs, and nowhere else: people chose them, so they could be guessed."""
    for text in map(str.strip, passwords):
        _known.learn_chosen(text)


def is_clean(data: bytes) -> bool:
    """True if serialised JSON certainly holds nothing that looks like a key. Runs are written
    through here: it takes about a microsecond, and for most texts no longer if they are long.
    """
    return len(data) < key_shapes.MIN_LENGTH or not key_shapes.may_be_in(data)


def masked(text: str) -> str:
    """The text without what looks like a key."""
    return _with_masks(text, key_shapes.spans(text))


def masked_said(text: str) -> str:
    """What a server or a model said, without what looks like a key, and without secrets of this
    installation that nobody can guess.
    """
    found = _known.spans(text)
    if found and (count := _counts.get()) is not None:
        count.known += len(_merged(found))
    return _with_masks(text, [*key_shapes.spans(text), *found])


@dataclass(slots=True)
class Count:
    """How many secrets of this installation were masked in what servers and models said."""

    known: int = 0


_counts: ContextVar[Count | None] = ContextVar("masked secrets", default=None)


@contextmanager
def counted() -> Iterator[Count]:
    """Count what is masked from here on, in this task and those that it begins."""
    token = _counts.set(count := Count())
    try:
        yield count
    finally:
        _counts.reset(token)


def masked_value(value: Any) -> Any:
    """A JSON value whose texts and keys are `masked`; the same object if nothing is to be."""
    try:
        if is_clean(orjson.dumps(value)):
            return value
    except TypeError:
        # Not all that JSON takes; so it is looked through as it is.
        pass
    return _masked_parts(value)


def masked_line(text: str) -> str:
    """A text for a log: without any secret, and without what shows who somebody is."""
    text = masked_said(text)
    for secret in _known.chosen:
        if secret in text:
            text = text.replace(secret, MASK)
    if "://" in text or " " in text:
        return _CREDENTIALS.sub(lambda found: (found[1] or found[2]) + MASK, text)
    return text


_MUCH_HELD = 16_384


class GrowingText:
    """A model's text that grows. What may be the beginning of a secret is not shown before it
    ended.

    How much is held back is told by the look of the text alone: its last characters without a
    space, whether a secret begins so or not.
    """

    __slots__ = ("_done", "_looked_at", "_raw", "shown")

    def __init__(self) -> None:
        self._raw = ""
        self._done = 0
        self._looked_at = 0
        self.shown = ""

    def add(self, text: str) -> None:
        self._raw += text

    def show(self, *, whole: bool = False) -> str:
        """What may be shown so far: each time the same as before, and more. `whole` at the end."""
        text, start = self._raw, self._done
        # A key that goes on and on is not looked through anew with each piece.
        held = self._looked_at - start
        if not whole and held > _MUCH_HELD and len(text) - self._looked_at < held // 8:
            return self.shown
        end = len(text) if whole else _settled(text, start)
        if end <= start:
            return self.shown
        self._looked_at = len(text)
        found = _merged([*key_shapes.spans(text, start), *_known.spans(text, start)])
        # One that is not over may still grow.
        end = next((span.start for span in found if span.start < end < span.end), end)
        before = [span for span in found if span.end <= end]
        self.shown += _with_masks(text[:end], before, start)
        self._done = end
        return self.shown


# Whatever is in no key, known or not, has ended one.
_IN_KEYS = "".join(map(chr, range(0x21, 0x7F)))


def _settled(text: str, start: int) -> int:
    """Where what cannot grow into a key any more ends; nothing but the text's look decides."""
    begun = start + len(text[start:].rstrip(_IN_KEYS))
    return max(key_shapes.begun_at(text, start, begun), len(text) - MAX_LENGTH)


def _has_shape(text: str) -> bool:
    return any(span.start == 0 and span.end == len(text) for span in key_shapes.spans(text))


def _masked_parts(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {_masked_parts(key): _masked_parts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_parts(item) for item in value]
    return value


def _with_masks(text: str, found: list[Span], start: int = 0) -> str:
    if not found:
        return text[start:]
    pieces = []
    for span in _merged(found):
        # What a key begins with names it, or its kind, and is no secret.
        pieces += [text[start : span.start], span.head, MASK]
        start = span.end
    return "".join([*pieces, text[start:]])


def _merged(found: Iterable[Span]) -> list[Span]:
    """In order, and as one where they overlap."""
    merged: list[Span] = []
    for span in sorted(found):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = last._replace(end=max(last.end, span.end))
        else:
            merged.append(span)
    return merged
