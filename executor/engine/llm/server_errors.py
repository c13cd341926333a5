"""Reads the errors of model servers: their kind, their words, how long to wait."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from executor.engine.json_text import storable
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.words import counted

MAX_CHARACTERS = 300
MAX_DETAILS = 3
# A longer wait is mentioned in the error.
LONG_SECONDS = 30.0

_KEYS = re.compile(r"(?i)\b(?:sk|pk|rk|key|bearer|token|aiza)[-_ =:]*[\w.*~+/-]{6,}")
_BY_STATUS = {
    401: ErrorKind.CREDENTIAL,
    402: ErrorKind.QUOTA,
    403: ErrorKind.CREDENTIAL,
    408: ErrorKind.TRANSIENT,
    409: ErrorKind.TRANSIENT,
    424: ErrorKind.TRANSIENT,
    425: ErrorKind.TRANSIENT,
    429: ErrorKind.RATE_LIMIT,
    498: ErrorKind.TRANSIENT,
    499: ErrorKind.TRANSIENT,
}
# Codes for an account without credit; waiting does not help.
_SPENT = {"insufficient_quota", "enforced_spend_limit_reached", "billing_hard_limit_reached"}
_SPENT_WORDS = re.compile(r"credit balance|insufficient (?:credit|balance|funds)", re.IGNORECASE)
# Codes of servers that validate the model's output themselves.
_MISFIT = {"json_validate_failed", "tool_use_failed"}
# A prompt refused for its content, which some servers report with the status for a bad key.
_FLAGGED = re.compile(r"moderation|flagged|content.?(?:policy|filter|management)", re.IGNORECASE)
# Codes and types of errors without a status, inside a whole answer or a stream.
_BY_CODE = (
    (re.compile(r"rate_?limit|too_many|resource_exhausted"), ErrorKind.RATE_LIMIT),
    (re.compile(r"quota|billing|credit"), ErrorKind.QUOTA),
    (re.compile(r"authentication|api_key|permission|unauthorized|forbidden"), ErrorKind.CREDENTIAL),
    (re.compile(r"invalid|not_found|badrequest|bad_request|unsupported"), ErrorKind.REQUEST),
)
_SAYS = {
    ErrorKind.RATE_LIMIT: "the server asks for fewer requests",
    ErrorKind.QUOTA: "the account has no credit left; top it up or name another model",
    ErrorKind.CREDENTIAL: "the server refuses the key; check it",
    ErrorKind.TRANSIENT: "the server cannot answer at the moment",
    ErrorKind.TIMEOUT: "the server did not answer in time",
    ErrorKind.REQUEST: "the server refuses the request",
    ErrorKind.CONTENT: "the server found that the answer does not fit",
}
# The fields in which servers put the sentence, the most informative first.
_SENTENCES = (
    "message", "error_description", "detail", "details", "errors", "error_msg", "error_message",
    "msg", "status_msg", "base_resp", "title",
)  # fmt: skip
# Statuses that may mean a wrong address.
_MOVED = frozenset({301, 302, 303, 307, 308})
_ELSEWHERE = _MOVED | {404, 405}
_ELSEWHERE_SAYS = (
    "the server sends the call to another address, where the key does not go along; enter that "
    "address in the connection, often it is https:// instead of http://"
)
_NO_VERSION = "most servers want /v1 at the end of the connection's address"
# The words of these may quote the key or the account.
_SILENT = (ErrorKind.CREDENTIAL, ErrorKind.QUOTA)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as a server reports it. `status` is None inside an answer with a status of success.

    `words` are the server's own, not masked; `address` is where the call went, empty if unknown.
    """

    status: int | None
    codes: frozenset[str]
    words: str
    retry_after: float | None = None
    address: str = ""

    @property
    def kind(self) -> ErrorKind:
        is_final = self.status is None or 400 <= self.status < 500
        if _SPENT & self.codes or (is_final and _SPENT_WORDS.search(self.words)):
            return ErrorKind.QUOTA
        if is_final and _MISFIT & self.codes:
            return ErrorKind.CONTENT
        if self.status == 403 and _FLAGGED.search(self.words):
            return ErrorKind.REQUEST
        if self.status is not None:
            default = ErrorKind.REQUEST if 300 <= self.status < 500 else ErrorKind.TRANSIENT
            return _BY_STATUS.get(self.status, default)
        for pattern, kind in _BY_CODE:
            if any(pattern.search(code) for code in self.codes):
                return kind
        if re.search(r"rate.?limit|too many requests", self.words, re.IGNORECASE):
            return ErrorKind.RATE_LIMIT
        return ErrorKind.TRANSIENT


class ServerRefused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"The server refused the call ({refusal.status}).")
        self.refusal = refusal


class AnswerUnreadable(Exception):
    """The answer is not of the protocol; `reason` is the rest of a sentence."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or "The answer is not of the protocol.")


class AnswerTooLong(Exception):
    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"the answer has more than {max_bytes:,} bytes; be shorter.")


class ServerLost(Exception):
    """There is no connection to the server, or it broke; the message says how."""


class ServerSilent(Exception):
    """The server sent nothing within the timeout."""


def refusal_of(status: int, headers: Mapping[str, str], body: bytes, address: str) -> Refusal:
    """The error in an answer with this status. `headers` are case-insensitive."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # HTML pages are not quoted.
        value = "" if text.startswith("<") else text
    milliseconds, after = _number(headers.get("retry-after-ms", "")), headers.get("retry-after", "")
    wait = _number(after) if milliseconds is None else milliseconds / 1_000
    if wait is None:
        try:
            wait = max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
        except (ValueError, TypeError, OverflowError):
            wait = _google_wait(value)
    return Refusal(status, frozenset(_codes(value)), _words(value), wait, address)


def error_in(value: Any) -> Refusal | None:
    """The error in the body of an answer with a status of success."""
    if not isinstance(value, dict):
        return None
    is_error = value.get("object") == "error" or value.get("type") == "error"
    inner = value.get("error")
    if not is_error and not inner:
        return None
    return _refusal_in(value)


def words_in(value: dict[str, Any]) -> Refusal | None:
    """The words of a body that has no answer; None if it has no words either."""
    words = _words({name: field for name, field in value.items() if name != "choices"})
    return replace(_refusal_in(value), words=words) if words else None


def _refusal_in(value: dict[str, Any]) -> Refusal:
    codes = frozenset(_codes(value))
    numbers = [int(code) for code in codes if code.isdecimal() and 400 <= int(code[:4]) < 600]
    return Refusal(
        numbers[0] if numbers else None, codes, _words(value), retry_after=_google_wait(value)
    )


def model_error(refusal: Refusal, name: str, mask: Callable[[str], str]) -> ModelError:
    """The engine's error for a refusal. `mask` removes secrets from the server's words."""
    kind = refusal.kind
    words = "" if kind in _SILENT else shortened(redacted(refusal.words, mask))
    number = f" ({refusal.status})" if refusal.status else ""
    is_moved = refusal.status in _MOVED
    reason = _ELSEWHERE_SAYS if is_moved else _SAYS[kind]
    sentence = f"{name}: {reason}{number}{': ' + words if words and not is_moved else '.'}"
    if (refusal.retry_after or 0) > LONG_SECONDS:
        wait = counted(round(refusal.retry_after or 0), "second")
        sentence = f"{sentence.rstrip('.')}. It asks to wait {wait}."
    address = mask(refusal.address) if refusal.status in _ELSEWHERE else ""
    if refusal.status == 404 and address:
        # Without the host, which readers of the error need not know.
        path = urlsplit(address).path
        has_version = "/v1/" in path or "/v1beta/" in path
        hint = "" if has_version else f": {_NO_VERSION}"
        sentence = f"{sentence.rstrip('.')}. The call went to {path}{hint}."
    return ModelError(
        kind,
        sentence,
        retry_after=refusal.retry_after,
        address=address,
        status=refusal.status,
    )


def redacted(text: str, mask: Callable[[str], str]) -> str:
    """The text without secrets and anything else that looks like a key."""
    return _KEYS.sub("…", mask(text))


def shortened(text: str) -> str:
    """One storable line of at most MAX_CHARACTERS."""
    text = " ".join(storable(text[: 10 * MAX_CHARACTERS]).split())
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


# --- Reading errors -------------------------------------------------------------------------------


def _words(value: Any) -> str:
    """The sentence in an error of any format; empty if there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_detail, value[:MAX_DETAILS])))
    if not isinstance(value, dict):
        return ""
    # If `error` is only a name, a sentence in another field says more.
    is_name = isinstance(value.get("error"), str)
    for key in (*_SENTENCES, "error") if is_name else ("error", *_SENTENCES):
        if words := _words(value.get(key)):
            metadata = value.get("metadata")
            raw = metadata.get("raw") if isinstance(metadata, dict) else None
            if isinstance(raw, str):
                # A gateway passes on the words of the server behind it.
                try:
                    return f"{words}: {_words(json.loads(raw)) or raw}"
                except (ValueError, RecursionError):
                    return f"{words}: {raw}"
            return words
    # Problems of single fields: `{"top_p": ["Too large."]}`.
    fields = value.get("errors")
    items = list(fields.items())[:MAX_DETAILS] if isinstance(fields, dict) else []
    return "; ".join(f"at {name}: {words}" for name, field in items if (words := _words(field)))


def _detail(value: Any) -> str:
    if not isinstance(value, dict):
        return _words(value)
    words = value.get("msg") if isinstance(value.get("msg"), str) else _words(value)
    place = value.get("loc")
    if isinstance(place, list) and place:
        return f"at {'/'.join(str(step) for step in place)}: {words}"
    return words or ""


def _codes(value: Any) -> Iterator[str]:
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return
    for key in ("type", "code", "status", "param"):
        code = value.get(key)
        if isinstance(code, str | int) and not isinstance(code, bool):
            yield str(code)[:100].lower()
    if isinstance(value.get("error"), dict):
        yield from _codes(value["error"])


def _google_wait(value: Any) -> float | None:
    """Google puts the wait in the body: `{"retryDelay": "3.5s"}` in a list of details."""
    if isinstance(value, list) and value:
        value = value[0]
    inner = value.get("error") if isinstance(value, dict) else None
    details = inner.get("details") if isinstance(inner, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str):
            return _number(delay.removesuffix("s"))
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
