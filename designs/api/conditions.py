"""Conditional calls (RFC 9110, 13): which revisions of a draft a change may be based on."""

from __future__ import annotations

import re
from typing import Any

from rest_framework.exceptions import ParseError

# Possessive, or many blanks would be tried in every division.
_TAG = re.compile(r'[ \t]*+(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*+)"[ \t]*+)?(,|$)')
_REVISION = re.compile(r"r([1-9][0-9]{0,9})")
UNREADABLE = (
    "The header If-Match cannot be read. Send the ETag of the answer that you have changed, with "
    'its quotation marks, as in If-Match: "r17".'
)


def entity_tag(revision: int) -> str:
    return f'"r{revision}"'


def revisions_of(request: Any) -> frozenset[int] | None:
    """The revisions that the header If-Match names; None without it, and for `*`.

    Weak tags match nothing, nor do tags that are none of ours. Raises ParseError.
    """
    header: str | None = request.META.get("HTTP_IF_MATCH")
    if header is None or header.strip(" \t") == "*":
        return None
    tags, at = [], 0
    while at <= len(header):
        found = _TAG.match(header, at)
        if found is None:
            raise ParseError(UNREADABLE)
        if found[2] is not None:
            tags.append("" if found[1] else found[2])
        at = found.end() + (not found[3])
    if not tags:
        raise ParseError(UNREADABLE)
    revisions = (_REVISION.fullmatch(tag) for tag in tags)
    return frozenset(int(found[1]) for found in revisions if found)
