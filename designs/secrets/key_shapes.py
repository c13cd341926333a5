"""What looks like a key, whoever's it is: found by its shape alone, in texts and in JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """Where a secret stands in a text; `head` is what stays of it, because it names its kind."""

    start: int
    end: int
    head: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """`sign` is in every such key, `lead` characters after its beginning.

    The first group of the pattern is the head.
    """

    sign: str
    pattern: re.Pattern[str]
    in_bytes: re.Pattern[bytes]
    lead: int


def _shape(sign: str, pattern: str, *, lead: int = 0) -> _Shape:
    return _Shape(sign, re.compile(pattern, re.ASCII), re.compile(pattern.encode()), lead)


# Not the rest of a longer word. What JSON inside a text writes for a line break is no word.
_ESCAPED = r"(?<=\\[nrtbf])|(?<=\\u00[0-9a-f][0-9a-f])"
_START = rf"(?:(?<![A-Za-z0-9])|{_ESCAPED})"
_START_OF_RUN = rf"(?:(?<![\w-])|{_ESCAPED})"
# What user and password in an address are written with.
_BEFORE_COLON = r"[!$-.0-9;=A-Z\[\]^_`a-z|~]"
_BEHIND_COLON = r"[!$-.0-;=A-Z\[\]^_`a-z|~]"

# No pattern looks at a character more than a few times, however a text is made.
_SHAPES = (
    _shape("orc_", rf"{_START}(orc_[0-9a-z]{{1,16}}_)[\w-]{{20,}}"),
    _shape("whsec_", rf"{_START}(whsec_)[\w+/=-]{{20,}}"),
    # Words with hyphens, which have no digit, may begin so, too.
    _shape("sk-", rf"{_START}(sk-)(?=[\w-]{{0,60}}[0-9])[\w-]{{16,}}"),
    _shape("AIza", rf"{_START}(AIza)[\w-]{{30,}}"),
    # A JSON web token: two parts that each are an object, and a signature.
    _shape("eyJ", rf"{_START_OF_RUN}(eyJ)[\w-]{{8,400}}+\.eyJ[\w-]{{4,}}(?:\.[\w-]*)?"),
    _shape(
        "earer ",
        rf"{_START}((?:B|b)earer )(?=[\w.~+/=-]{{0,60}}[0-9])[\w.~+/=-]{{16,}}",
        lead=1,
    ),
    _shape(
        "-----BEGIN ",
        r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----)"
        r"(?:[^-]|-(?!----)){16,16384}(?:-----END [A-Z0-9 ]{0,50}-----)?",
    ),
    _shape("://", rf"(://{_BEFORE_COLON}{{0,200}}:){_BEHIND_COLON}{{1,500}}+(?=@)"),
)
# No shape is matched by less.
MIN_LENGTH = 6
_SIGNS = tuple((shape.sign.encode(), shape.lead, shape.in_bytes) for shape in _SHAPES)
_BLOCK_BEGINS = "-----BEGIN "
_BLOCK_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,50}-----")
_MAX_BLOCK_LENGTH = 17_000
_BEARER = "bearer "


def spans(text: str, start: int = 0) -> list[Span]:
    """All that looks like a key from `start` on, in no order; some may overlap."""
    found = []
    for shape in _SHAPES:
        at = text.find(shape.sign, start)
        while at >= 0:
            match = shape.pattern.match(text, max(start, at - shape.lead))
            if match is not None:
                found.append(Span(match.start(), match.end(), match[1]))
            at = text.find(shape.sign, max(at + 1, match.end() if match else 0))
    return found


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
    """Where a key of several words begins that may go on after `end`; `end` if none does."""
    block = text.rfind(_BLOCK_BEGINS, start, end)
    if block >= 0 and end - block < _MAX_BLOCK_LENGTH and not _BLOCK_ENDS.search(text, block, end):
        return block
    before = max(start, end - len(_BEARER))
    return before if text[before:end].lower() == _BEARER else end
