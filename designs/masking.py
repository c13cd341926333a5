"""What is a secret in a text, and what stands in its place. Nothing else decides."""

from __future__ import annotations

import re
import string
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

MASK = "(secret)"
# Shorter ones, and those that are a mere word, stand in many texts that have no secret in them.
SHORTEST = 8
SHORTEST_WORD = 16
# Those learned last are known; an installation has a few.
MOST_KNOWN = 1_000

# What begins a key of Orchestra, a secret of callbacks, or a provider's key, and such keys whole.
_HEADS = ("orc_", "whsec_", "sk-", "AIza")
_SHAPES = (
    r"(orc_[0-9a-z]{1,16}_)[\w-]{20,}",
    r"(whsec_)[\w+/=-]{20,}",
    # Words with hyphens, which have no digit, may begin so, too.
    r"(sk-)(?=[\w-]{0,60}[0-9])[\w-]{20,}",
    r"(AIza)[\w-]{30,}",
)
# Characters by how seldom they are in texts and JSON.
_SELDOM = b"~^`|#$&*+=;<>@%!?ZQXJKVYWUGqHFPMLBDRNOETICASzjx/_-98765432"
_RARE = tuple(bytes([code]) for code in _SELDOM)
_LETTERS = f"{string.ascii_letters}{string.digits}_+/=-"
_SHORTEST_SHAPE = 23
_ANY_SHAPE = rf"(?<![A-Za-z0-9])(?:{'|'.join(_SHAPES)})"
_SHAPE = re.compile(_ANY_SHAPE, re.ASCII)
# For serialised text: a character of the head that is looked for faster, the head, the shape.
_SHAPE_BYTES = tuple(
    (sign, head.encode(), re.compile(shape.encode()))
    for sign, head, shape in zip((b"_", b"_", b"-", b"z"), _HEADS, _SHAPES, strict=True)
)
# In logs alone: passwords in addresses, and what is sent to show who one is.
_CREDENTIALS = re.compile(
    r"(://[^/\s:@]{0,200}:)[^/\s@]{1,500}(?=@)|(\b(?:bearer|basic) )[\w.~+/=-]{8,}",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Known:
    """The secrets that this process knows by heart, ready to be looked for; `shortest` in bytes."""

    texts: tuple[str, ...] = ()
    # As they stand in JSON, under a character that each of them has and few texts have.
    as_json: tuple[tuple[bytes, tuple[bytes, ...]], ...] = ()
    shortest: int = _SHORTEST_SHAPE
    pattern: re.Pattern[str] = _SHAPE


_known = _Known()
_lock = threading.Lock()


def learn(*secrets: str) -> None:
    """Mask these from now on, in this process. What has the shape of a key is masked anyway."""
    global _known  # noqa: PLW0603 - replaced whole, so that readers need no lock
    new = [text for text in map(str.strip, secrets) if _is_worth_it(text)]
    if set(new) <= set(_known.texts):
        return
    with _lock:
        texts = tuple(dict.fromkeys((*_known.texts, *new)))[-MOST_KNOWN:]
        # The longest first: one may begin as another does.
        longest = sorted(texts, key=len, reverse=True)
        pattern = "|".join([*map(re.escape, longest), _ANY_SHAPE])
        as_json = tuple(orjson.dumps(text)[1:-1] for text in texts)
        shortest = min([_SHORTEST_SHAPE, *map(len, as_json)])
        _known = _Known(texts, _by_sign(as_json), shortest, re.compile(pattern, re.ASCII))


def is_clean(data: bytes) -> bool:
    """True if serialised JSON certainly holds no secret. Runs are written through here: it takes
    about a microsecond, and for most texts no longer if they are long or secrets are many.
    """
    known = _known
    if len(data) < known.shortest:
        return True
    for sign, secrets in known.as_json:
        # One character is looked for many times faster than several.
        if sign in data:
            for secret in secrets:
                if secret in data:
                    return False
    if b"_" in data or b"-" in data or b"z" in data:
        return not _holds_shape(data)
    return True


def _holds_shape(data: bytes) -> bool:
    for sign, head, shape in _SHAPE_BYTES:
        at = data.find(head) if sign in data else -1
        while at >= 0:
            if shape.match(data, at):
                return True
            at = data.find(head, at + 1)
    return False


def _by_sign(secrets: Iterable[bytes]) -> tuple[tuple[bytes, tuple[bytes, ...]], ...]:
    found: dict[bytes, tuple[bytes, ...]] = {}
    for secret in secrets:
        sign = next((sign for sign in _RARE if sign in secret), secret[:1])
        found[sign] = (*found.get(sign, ()), secret)
    return tuple(found.items())


def masked(text: str) -> str:
    """The text without its secrets."""
    known = _known
    for sign in (*known.texts, *_HEADS):
        if sign in text:
            return known.pattern.sub(_mask, text)
    return text


def masked_value(value: Any) -> Any:
    """A JSON value without secrets in its texts and keys; the same object if there are none."""
    try:
        if is_clean(orjson.dumps(value)):
            return value
    except TypeError:
        # Not all that JSON takes; so it is looked through as it is.
        pass
    return _masked_parts(value)


def masked_line(text: str) -> str:
    """A text for a log: also without what shows who somebody is."""
    text = masked(text)
    if "://" in text or " " in text:
        return _CREDENTIALS.sub(_mask, text)
    return text


class GrowingText:
    """A text that grows. What may be the beginning of a secret is not shown before it ended."""

    __slots__ = ("_done", "_raw", "shown")

    def __init__(self) -> None:
        self._raw = ""
        self._done = 0
        self.shown = ""

    def add(self, text: str) -> None:
        self._raw += text

    def show(self, *, whole: bool = False) -> str:
        """What may be shown so far: each time the same as before, and more. `whole` at the end."""
        known = _known
        end = len(self._raw) if whole else _certain(known, self._raw, self._done)
        if end > self._done:
            self.shown += _masked_between(known.pattern, self._raw, self._done, end)
            self._done = end
        return self.shown


def _is_worth_it(text: str) -> bool:
    if len(text) < (SHORTEST_WORD if text.isalpha() else SHORTEST):
        return False
    return _SHAPE.fullmatch(text) is None


def _mask(found: re.Match[str]) -> str:
    # What a key begins with names it, or its kind, and is no secret.
    head = found[found.lastindex] if found.lastindex else ""
    return head + MASK


def _masked_parts(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {_masked_parts(key): _masked_parts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_parts(item) for item in value]
    return value


# --- Growing texts --------------------------------------------------------------------------------


_HEAD = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_HEADS)})")
_LONGEST_HEAD = max(map(len, _HEADS))
_BEGUN_HEADS = {head[:length] for head in _HEADS for length in range(1, len(head))}
_BEGUN_HEAD = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_BEGUN_HEADS)})\Z")


def _certain(known: _Known, text: str, start: int) -> int:
    """Where what is certain ends: nothing that may come makes a secret of what stands before."""
    end = _begun_shape(text, start)
    rest = text[start:]
    for secret in known.texts:
        end = min(end, len(text) - _begun(secret, rest))
    for found in known.pattern.finditer(text, start):
        if found.start() < end < found.end():
            end = found.start()
    return end


def _begun_shape(text: str, start: int) -> int:
    """Where the last letters may begin a key; the end of the text if they do not."""
    # Only what no other character has ended yet may grow.
    run = max(start, len(text.rstrip(_LETTERS)))
    begun = _HEAD.search(text, run) or _BEGUN_HEAD.search(text, max(run, len(text) - _LONGEST_HEAD))
    return begun.start() if begun else len(text)


def _begun(secret: str, text: str) -> int:
    """How many of the last characters of the text may be the first ones of the secret."""
    tail = text[1 - len(secret) :]
    for start in range(len(tail)):
        if secret.startswith(tail[start:]):
            return len(tail) - start
    return 0


def _masked_between(pattern: re.Pattern[str], text: str, start: int, end: int) -> str:
    # Not of a slice: what stands before it decides where a shape may begin.
    pieces = []
    for found in pattern.finditer(text, start, end):
        pieces += [text[start : found.start()], _mask(found)]
        start = found.end()
    return "".join([*pieces, text[start:end]])
