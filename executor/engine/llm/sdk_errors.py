"""What the model SDKs raise, as the engine's classes of failure, without secrets."""

from __future__ import annotations

import re

from pydantic_ai import exceptions as sdk

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
_BY_STATUS = {402: ErrorKind.QUOTA, 408: ErrorKind.TRANSIENT, 409: ErrorKind.TRANSIENT}
_SAYS = {
    ErrorKind.RATE_LIMIT: "the server asks to send less",
    ErrorKind.QUOTA: "the account has no credit left; top it up or name another model",
    ErrorKind.CREDENTIAL: "the server refuses the key; check it",
    ErrorKind.TRANSIENT: "the server cannot answer at the moment",
    ErrorKind.TIMEOUT: "the server did not answer in time",
    ErrorKind.REQUEST: "the server refuses the request",
}


def model_error(error: Exception, name: str, api_key: str) -> ModelError:
    """The engine's error for one of the SDK's; what is not about the call is raised again."""
    kind = _kind(error)
    if kind is None:
        raise error
    status = getattr(error, "status_code", None)
    said = "" if kind in (ErrorKind.CREDENTIAL, ErrorKind.QUOTA) else _said(error, api_key)
    number = f" ({status})" if status else ""
    sentence = f"{name}: {_SAYS[kind]}{number}{': ' + said if said else '.'}"
    return ModelError(kind, sentence, retry_after=getattr(error, "retry_after", None))


def redacted(text: str, api_key: str) -> str:
    """Without the key, and without anything else that looks like one."""
    if api_key:
        text = text.replace(api_key, "…")
    return _KEYS.sub("…", text)


def _kind(error: Exception) -> ErrorKind | None:
    status = getattr(error, "status_code", None)
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    for known, kind in _KINDS:
        if isinstance(error, known):
            return kind
    if isinstance(error, sdk.ModelTimeoutError) and error.phase == "read":
        return ErrorKind.TIMEOUT
    if isinstance(error, sdk.ModelAPIError | sdk.UnexpectedModelBehavior):
        # A broken connection, or a gateway's answer that is not the protocol's.
        return ErrorKind.TRANSIENT
    if isinstance(error, sdk.UserError):
        return ErrorKind.REQUEST
    return None


def _said(error: Exception, api_key: str) -> str:
    """The server's own words, shortened."""
    body = getattr(error, "body", None)
    words = _message(body) or str(getattr(error, "message", "") or error)
    text = " ".join(redacted(words, api_key).split())
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _message(body: object) -> str:
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            inner = inner.get("message")
        return inner if isinstance(inner, str) else ""
    return ""
