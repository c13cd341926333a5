"""What servers that are nearly as they should be do without, and how they say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from executor.engine.llm.server_errors import Refusal


class Lack(StrEnum):
    """Something that a server does not take, and that can be done without."""

    JSON_SCHEMA = "json_schema"
    SYSTEM_ROLE = "system_role"
    STREAMING = "streaming"
    STREAM_OPTIONS = "stream_options"
    # One of two words for the most tokens of an answer: the one that its protocol has.
    MAX_TOKENS = "max_tokens"


@dataclass(frozen=True, slots=True)
class RequestShape:
    """How one question is asked; `shows_schema`: as a field of its own, beside the prompt.

    `must_not_stream` is set where even an SDK that prefers to stream must not.
    """

    shows_schema: bool
    has_system_role: bool
    streams: bool
    has_limit: bool = False
    asks_usage: bool = True
    must_not_stream: bool = False
    limit_word: str = "max_tokens"
    # Whether that is not the protocol's own word any more.
    has_other_limit_word: bool = False


_LIMIT_WORD = re.compile(r"max_(?:completion_)?tokens")
_UNKNOWN = re.compile(
    r"unsupported|not (?:supported|permitted|allowed)|unrecognized|unknown|unexpected|extra|instead"
)
_SAID = {
    Lack.MAX_TOKENS: _LIMIT_WORD,
    Lack.JSON_SCHEMA: re.compile(
        r"response_?format|json.?schema|structured.?output|output_config|response_?schema|grammar"
        r"|guided|json.?mode"
    ),
    Lack.STREAM_OPTIONS: re.compile(r"stream_options|include_usage"),
    Lack.SYSTEM_ROLE: re.compile(
        r"system.{0,20}(?:role|message|prompt|instruction)|role.{0,40}system"
        r"|roles must alternate|only user,? (?:and )?assistant|developer instruction"
    ),
    # Gateways speak of servers upstream.
    Lack.STREAMING: re.compile(r"(?<!up)(?<!down)stream"),
}
# A server that takes no field of a request says so with one of these. Templates of models, which
# know no system role, fail inside some servers (500).
_STATUSES = frozenset({400, 404, 405, 406, 415, 422, 500, 501, None})
# With these and without a word the newest of the fields is tried without.
_WORDLESS = frozenset({400, 422, 501})


# The words of a server that mean one of these for certain, and the connection's setting for it.
_ADVICE = {
    Lack.JSON_SCHEMA: (
        re.compile(r"response_?format|json.?schema|structured.?output|response_?schema"),
        "takes a JSON schema",
    ),
    Lack.SYSTEM_ROLE: (_SAID[Lack.SYSTEM_ROLE], "takes a system message"),
    Lack.STREAMING: (re.compile(r"\bstream(?:ing|ed|s)?\b"), "sends text as it comes"),
}
_CREDENTIALS = frozenset({401, 402, 403})


def advice(refusal: Refusal, lacks: set[Lack]) -> str:
    """What to set where the server refuses what a connection can leave out; empty if it is about
    something else, or left out already.
    """
    words = refusal.words[:2_000].lower()
    for lack, (pattern, setting) in _ADVICE.items():
        if lack not in lacks and refusal.status not in _CREDENTIALS and pattern.search(words):
            return (
                f"If the server does without, switch off “{setting}” at its model connection in "
                "the admin (Model connections), where Test finds it out."
            )
    return ""


def lack_told(refusal: Refusal, shape: RequestShape) -> Lack | None:
    """What the server refuses of a request of this shape, as far as it says so."""
    if refusal.status not in _STATUSES:
        return None
    words = " ".join([refusal.words[:2_000].lower(), *refusal.codes])
    used = {
        Lack.MAX_TOKENS: shape.has_limit and _is_unknown_limit(words, shape),
        Lack.JSON_SCHEMA: shape.shows_schema,
        Lack.STREAM_OPTIONS: shape.streams and shape.asks_usage,
        Lack.SYSTEM_ROLE: shape.has_system_role,
        Lack.STREAMING: shape.streams,
    }
    for lack, pattern in _SAID.items():
        if used[lack] and pattern.search(words):
            return lack
    if shape.shows_schema and not refusal.words and refusal.status in _WORDLESS:
        return Lack.JSON_SCHEMA
    return None


def _is_unknown_limit(words: str, shape: RequestShape) -> bool:
    """Whether the word for the limit is refused, not how high it is."""
    if shape.has_other_limit_word:
        return False
    if shape.limit_word == "max_tokens" and "max_completion_tokens" in words:
        return True
    return shape.limit_word in words and _UNKNOWN.search(words) is not None
