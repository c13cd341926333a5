"""What the model SDKs raise, as the engine's classes of failure, without secrets."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic_ai import exceptions as sdk

from executor.engine.json_text import storable
from executor.engine.llm.base import ErrorKind, ModelError

MOST_CHARACTERS = 300

_KEYS = re.compile(r"(?i)\b(?:sk|pk|rk|key|bearer|token|aiza)[-_ =:]*[\w.*~+/-]{6,}")
_KINDS: tuple[tuple[type[Exception], ErrorKind], ...] = (
    (sdk.ModelRateLimitError, ErrorKind.RATE_LIMIT),
    (sdk.ModelQuotaExceededError, ErrorKind.QUOTA),
    (sdk.ModelAuthenticationError, ErrorKind.CREDENTIAL),
    (sdk.ModelUnavailableError, ErrorKind.TRANSIENT),
    (sdk.ModelServerError, ErrorKind.TRANSIENT),
    (sdk.ModelRequestTimeout, ErrorKind.TIMEOUT),
    (sdk.ModelRequestRejectedError, ErrorKind.REQUEST),
)
_BY_STATUS = {
    402: ErrorKind.QUOTA,
    408: ErrorKind.TRANSIENT,
    409: ErrorKind.TRANSIENT,
    425: ErrorKind.TRANSIENT,
}
# Codes of providers for an account that may spend nothing more; waiting does not help.
_SPENT = {"insufficient_quota", "enforced_spend_limit_reached", "billing_hard_limit_reached"}
_SAYS = {
    ErrorKind.RATE_LIMIT: "the server asks to send less",
    ErrorKind.QUOTA: "the account has no credit left; top it up or name another model",
    ErrorKind.CREDENTIAL: "the server refuses the key; check it",
    ErrorKind.TRANSIENT: "the server cannot answer at the moment",
    ErrorKind.TIMEOUT: "the server did not answer in time",
    ErrorKind.REQUEST: "the server refuses the request",
}


def model_error(error: Exception, name: str, mask: Callable[[str], str]) -> ModelError:
    """The engine's error for one of the SDK's; what is not about the call is raised again.

    `mask` takes secrets out of what the server says.
    """
    kind = _kind(error)
    if kind is None:
        raise error
    status = getattr(error, "status_code", None)
    said = "" if kind in (ErrorKind.CREDENTIAL, ErrorKind.QUOTA) else _said(error, mask)
    number = f" ({status})" if status else ""
    sentence = f"{name}: {_SAYS[kind]}{number}{': ' + said if said else '.'}"
    return ModelError(kind, sentence, retry_after=getattr(error, "retry_after", None))


def redacted(text: str, mask: Callable[[str], str]) -> str:
    """Without secrets, and without anything else that looks like a key."""
    return _KEYS.sub("…", mask(text))


def _kind(error: Exception) -> ErrorKind | None:
    status = getattr(error, "status_code", None) or 0
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if _SPENT & _codes(getattr(error, "body", None)):
        return ErrorKind.QUOTA
    for known, kind in _KINDS:
        if isinstance(error, known):
            return kind
    if 400 <= status < 500:
        return ErrorKind.REQUEST
    return _kind_without_answer(error)


def _kind_without_answer(error: Exception) -> ErrorKind | None:
    if isinstance(error, sdk.ModelTimeoutError) and error.phase == "read":
        return ErrorKind.TIMEOUT
    if isinstance(error, sdk.ModelAPIError | sdk.UnexpectedModelBehavior):
        # A broken connection, or a gateway's answer that is not the protocol's.
        return ErrorKind.TRANSIENT
    if isinstance(error, sdk.UserError):
        return ErrorKind.REQUEST
    return None


def _said(error: Exception, mask: Callable[[str], str]) -> str:
    """The server's own words, shortened; nothing if it sent a page, or none of the protocol's."""
    if isinstance(error, sdk.UnexpectedModelBehavior):
        return "its answer is not of the expected protocol; check its address."
    words = _message(getattr(error, "body", None))
    if not words and not getattr(error, "status_code", None):
        words = str(getattr(error, "message", "") or error)
    text = " ".join(storable(redacted(words, mask)).split())
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _message(body: object) -> str:
    inner = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(inner, dict):
        inner = inner.get("message")
    return inner if isinstance(inner, str) else ""


def _codes(body: object) -> set[object]:
    inner = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return set()
    return {code for key in ("type", "code") if isinstance(code := inner.get(key), str)}
