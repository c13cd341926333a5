"""Finds keys and tokens in texts and JSON by their shape alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """The place of a secret in a text; `head` is its beginning that stays, to name its kind."""

    start: int
    end: int
    head: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """`sign` is in every key of this shape, `lead` characters after its beginning.

    The first group of the pattern is the head.
    """

    sign: str
    pattern: re.Pattern[str]
    in_bytes: re.Pattern[bytes]
    lead: int


def _shape(sign: str, pattern: str, *, lead: int = 0) -> _Shape:
    return _Shape(sign, re.compile(pattern, re.ASCII), re.compile(pattern.encode()), lead)


# A key does not start inside a word. An escaped line break, of JSON in a text, is not a word.
_ESCAPED = r"(?<=\\[nrtbf])|(?<=\\u00[0-9a-f][0-9a-f])"
_START = rf"(?:(?<![A-Za-z0-9])|{_ESCAPED})"
_START_OF_RUN = rf"(?:(?<![\w-])|{_ESCAPED})"
# The characters of user and password in a URL.
_BEFORE_COLON = r"[!$-.0-9;=A-Z\[\]^_`a-z|~]"
_BEHIND_COLON = r"[!$-.0-;=A-Z\[\]^_`a-z|~]"

# No pattern reads a character more than a few times, whatever the text.
_SHAPES = (
    _shape("orc_", rf"{_START}(orc_[0-9a-z]{{1,16}}_)[\w-]{{20,}}"),
    _shape("whsec_", rf"{_START}(whsec_)[\w+/=-]{{20,}}"),
    # The digit tells a key from words with hyphens.
    _shape("sk-", rf"{_START}(sk-)(?=[\w-]{{0,60}}[0-9])[\w-]{{16,}}"),
    _shape("AIza", rf"{_START}(AIza)[\w-]{{30,}}"),
    # A JSON web token: two parts that are objects, and a signature.
    _shape("eyJ", rf"{_START_OF_RUN}(eyJ)[\w-]{{8,400}}+\.eyJ[\w-]{{4,}}(?:\.[\w-]*)?"),
    _shape(
        "earer ", rf"{_START}((?:B|b)earer )(?=[\w.~+/=-]{{0,60}}[0-9])[\w.~+/=-]{{16,}}", lead=1
    ),
    _shape(
        "-----BEGIN ",
        r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----)"
        r"(?:[^-]|-(?!----)){16,16384}(?:-----END [A-Z0-9 ]{0,50}-----)?",
    ),
    _shape("://", rf"(://{_BEFORE_COLON}{{0,200}}:){_BEHIND_COLON}{{1,500}}+(?=@)"),
)
# No shape matches a shorter text.
MIN_LENGTH = 6
_SIGNS = tuple((shape.sign.encode(), shape.lead, shape.in_bytes) for shape in _SHAPES)
_BLOCK_BEGINS = "-----BEGIN "
_BLOCK_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,50}-----")
_MAX_BLOCK_LENGTH = 17_000
_BEARER = "bearer "


def spans(text: str, start: int = 0) -> list[Span]:
    """All texts that look like keys from `start` on, unordered; they may overlap."""
    matches = []
    for shape in _SHAPES:
        at = text.find(shape.sign, start)
        while at >= 0:
            match = shape.pattern.match(text, max(start, at - shape.lead))
            if match is not None:
                matches.append(Span(match.start(), match.end(), match[1]))
            at = text.find(shape.sign, max(at + 1, match.end() if match else 0))
    return matches


def may_be_in(data: bytes) -> bool:
    """False if serialised JSON certainly holds nothing that looks like a key."""
    for sign, lead, pattern in _SIGNS:
        at = data.find(sign)
        while at >= 0:
            if pattern.match(data, max(0, at - lead)):
                return True
            at = data.find(sign, at + 1)
    return False


def begun_at(text: str, start: int, end: int) -> int:
    """The start of a key of several words that may continue after `end`; `end` if there is none."""
    block = text.rfind(_BLOCK_BEGINS, start, end)
    if block >= 0 and end - block < _MAX_BLOCK_LENGTH and not _BLOCK_ENDS.search(text, block, end):
        return block
    before = max(start, end - len(_BEARER))
    return before if text[before:end].lower() == _BEARER else end
