"""Masks secrets in texts. The source of a text decides which ones:

- `masked`, for input of people and API callers and all that is derived from it: texts that look
  like keys. They are never compared with the installation's secrets, so no answer tells whether a
  text is one of them.
- `masked_output`, for texts of servers and models: also the installation's strong secrets.
- `masked_line`, for logs: all secrets, including passwords that people chose.
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
from designs.secrets.known import MAX_LENGTH, KnownSecrets, is_strong

MASK = "(secret)"
# Masked in logs only: passwords in URLs, and credentials of the header Authorization.
_CREDENTIALS = re.compile(
    r"(://[^/\s:@]{0,200}:)[^/\s@]{1,500}(?=@)|(\b(?:bearer|basic) )[\w.~+/=-]{8,}",
    re.IGNORECASE | re.ASCII,
)

_known = KnownSecrets()


def learn(*secrets: str) -> None:
    """Mask these from now on, in this process."""
    for text in map(str.strip, secrets):
        whole = (0, len(text))
        # A text that has the shape of a key is masked anyway.
        if text and all((span.start, span.end) != whole for span in key_shapes.spans(text)):
            _known.learn(text)


def learn_chosen(*passwords: str) -> None:
    """Mask these in logs only: people chose them, so they could be guessed."""
    for text in map(str.strip, passwords):
        _known.learn_chosen(text)


def learn_form(form: str, secret: str) -> None:
    """Mask the secret in another form, as in Base64, wherever the secret itself is masked."""
    (learn if is_strong(secret.strip()) else learn_chosen)(form)


def is_clean(data: bytes) -> bool:
    """True if serialised JSON certainly holds nothing that looks like a key.

    All rows of runs pass here: it takes about a microsecond, for most long texts too.
    """
    return len(data) < key_shapes.MIN_LENGTH or not key_shapes.may_be_in(data)


def masked(text: str) -> str:
    """The text without anything that looks like a key."""
    return _with_masks(text, key_shapes.spans(text))


def masked_output(text: str) -> str:
    """A server's or model's text without anything that looks like a key, and without strong secrets
    of this installation.
    """
    known = _known.spans(text)
    if known and (count := _counts.get()) is not None:
        count.known += len(_merged(known))
    return _with_masks(text, [*key_shapes.spans(text), *known])


@dataclass(slots=True)
class Count:
    """How many secrets of this installation were masked in texts of servers and models."""

    known: int = 0


_counts: ContextVar[Count | None] = ContextVar("masked secrets", default=None)


@contextmanager
def counted() -> Iterator[Count]:
    """Count masked secrets inside the block, in this task and those that it starts."""
    token = _counts.set(count := Count())
    try:
        yield count
    finally:
        _counts.reset(token)


def masked_value(value: Any) -> Any:
    """A JSON value with its texts and keys `masked`; the same object if nothing changed."""
    try:
        if is_clean(orjson.dumps(value)):
            return value
    except TypeError:
        # Not serialisable, so its parts are checked one by one.
        pass
    return _masked_parts(value)


def masked_line(text: str) -> str:
    """A line of a log, without secrets and credentials."""
    text = masked_output(text)
    for secret in _known.chosen:
        if secret in text:
            text = text.replace(secret, MASK)
    if "://" in text or " " in text:
        return _CREDENTIALS.sub(lambda match: (match[1] or match[2]) + MASK, text)
    return text


_MANY_HELD = 16_384
# Characters that may be part of a key. Any other one ends it.
_IN_KEYS = "".join(map(chr, range(0x21, 0x7F)))


class GrowingText:
    """A model's text while it grows. A possible beginning of a secret is held back until it ends.

    How much is held back depends on the text alone (its last characters without a space), not on
    the secrets.
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
        """The text that can be shown so far: the previous one and more. `whole` at the end."""
        text, start, end = self._raw, self._done, len(self._raw)
        # A very long key is not searched again for every piece.
        held = self._looked_at - start
        if not whole and held > _MANY_HELD and end - self._looked_at < held // 8:
            return self.shown
        if not whole:
            # Only text before this cannot be part of a key any more.
            last = start + len(text[start:].rstrip(_IN_KEYS))
            end = max(key_shapes.begun_at(text, start, last), len(text) - MAX_LENGTH)
        if end <= start:
            return self.shown
        self._looked_at = len(text)
        spans = _merged([*key_shapes.spans(text, start), *_known.spans(text, start)])
        # A span across the end may still grow.
        end = next((span.start for span in spans if span.start < end < span.end), end)
        before = [span for span in spans if span.end <= end]
        self.shown += _with_masks(text[:end], before, start)
        self._done = end
        return self.shown


def _masked_parts(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {_masked_parts(key): _masked_parts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_parts(item) for item in value]
    return value


def _with_masks(text: str, spans: list[Span], start: int = 0) -> str:
    if not spans:
        return text[start:]
    pieces = []
    for span in _merged(spans):
        pieces += [text[start : span.start], span.head, MASK]
        start = span.end
    return "".join([*pieces, text[start:]])


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Sorted, and joined where they overlap."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = last._replace(end=max(last.end, span.end))
        else:
            merged.append(span)
    return merged
