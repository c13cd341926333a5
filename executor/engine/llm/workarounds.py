"""Features that nearly compatible servers lack, and how their refusals say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from executor.engine.llm.server_errors import Refusal


class Lack(StrEnum):
    """A feature of a request that a server may not support, and that we can do without."""

    JSON_SCHEMA = "json_schema"
    SYSTEM_ROLE = "system_role"
    STREAMING = "streaming"
    STREAM_OPTIONS = "stream_options"
    # The protocol's field for the maximum of tokens: `max_tokens` or `max_completion_tokens`.
    MAX_TOKENS = "max_tokens"
    # Forcing a call. Calls themselves cannot be done without.
    TOOL_CHOICE = "tool_choice"
    TOOLS = "tools"


@dataclass(frozen=True, slots=True)
class RequestShape:
    """The features that one request uses. `shows_schema`: the schema is a field of the request.

    `must_not_stream` forbids streaming also to an SDK that prefers it.
    """

    shows_schema: bool
    has_system_role: bool
    streams: bool
    has_limit: bool = False
    asks_usage: bool = True
    must_not_stream: bool = False
    limit_word: str = "max_tokens"
    # Whether `limit_word` was already changed from the protocol's own.
    has_other_limit_word: bool = False
    forces_call: bool = False


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
    Lack.TOOL_CHOICE: re.compile(r"tool.?choice"),
    Lack.SYSTEM_ROLE: re.compile(
        r"system.{0,20}(?:role|message|prompt|instruction)|role.{0,40}system"
        r"|roles must alternate|only user,? (?:and )?assistant|developer instruction"
    ),
    # Gateways write about servers upstream.
    Lack.STREAMING: re.compile(r"(?<!up)(?<!down)stream"),
}
# The statuses of such refusals. Model templates without a system role fail inside some servers
# (500).
_STATUSES = frozenset({400, 404, 405, 406, 415, 422, 500, 501, None})
# For these without any words, the request is repeated without its schema.
_WORDLESS = frozenset({400, 422, 501})


# The words that mean one of these for certain, and the connection's setting for it.
_ADVICE = {
    Lack.JSON_SCHEMA: (
        re.compile(r"response_?format|json.?schema|structured.?output|response_?schema"),
        "takes a JSON schema",
    ),
    Lack.SYSTEM_ROLE: (_SAID[Lack.SYSTEM_ROLE], "takes a system message"),
    Lack.STREAMING: (re.compile(r"\bstream(?:ing|ed|s)?\b"), "sends text as it comes"),
}
_CREDENTIALS = frozenset({401, 402, 403})
_ABOUT_TOOLS = re.compile(r"\btools?\b|tool.?(?:call|choice|use)|function.?call")
NO_TOOL_CALLS = "A model that cannot call tools cannot play an agent with tools: name another one."


def advice(refusal: Refusal, lacks: set[Lack]) -> str:
    """How to switch off the feature that the refusal is about; empty if it is about none in use."""
    words = refusal.words[:2_000].lower()
    for lack, (pattern, setting) in _ADVICE.items():
        if lack not in lacks and refusal.status not in _CREDENTIALS and pattern.search(words):
            return (
                f"If the server does without, switch off “{setting}” at its model connection in "
                "the admin (Model connections), where Test finds it out."
            )
    return ""


def advice_on_tools(refusal: Refusal) -> str:
    """What to do if the refusal of a request with tools is about these; empty if it is not."""
    words = refusal.words[:2_000].lower()
    is_about = refusal.status not in _CREDENTIALS and _ABOUT_TOOLS.search(words)
    return NO_TOOL_CALLS if is_about else ""


def lack_in(refusal: Refusal, shape: RequestShape) -> Lack | None:
    """The feature that the server refuses of a request of this shape; None if it does not say."""
    if refusal.status not in _STATUSES:
        return None
    words = " ".join([refusal.words[:2_000].lower(), *refusal.codes])
    # The field is refused, not its value.
    is_limit_word = (shape.limit_word == "max_tokens" and "max_completion_tokens" in words) or (
        shape.limit_word in words and _UNKNOWN.search(words) is not None
    )
    used = {
        Lack.MAX_TOKENS: shape.has_limit and not shape.has_other_limit_word and is_limit_word,
        Lack.JSON_SCHEMA: shape.shows_schema,
        Lack.STREAM_OPTIONS: shape.streams and shape.asks_usage,
        Lack.TOOL_CHOICE: shape.forces_call,
        Lack.SYSTEM_ROLE: shape.has_system_role,
        Lack.STREAMING: shape.streams,
    }
    for lack, pattern in _SAID.items():
        if used[lack] and pattern.search(words):
            return lack
    if shape.shows_schema and not refusal.words and refusal.status in _WORDLESS:
        return Lack.JSON_SCHEMA
    return None
