"""Translates errors of a model call into the engine's, without secrets."""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx2

from designs.outgoing.addresses import AddressRefused
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.reply import TextTooLong
from executor.engine.llm.server_errors import (
    AnswerTooLong,
    AnswerUnreadable,
    ServerLost,
    ServerRefused,
    ServerSilent,
    model_error,
    redacted,
    shortened,
)

logger = logging.getLogger(__name__)

# httpx2 is the HTTP client of the SDKs.
_NO_CONNECTION = (ServerLost, ServerSilent, httpx2.TransportError, OSError)

UNREADABLE = (
    "the server cannot answer at the moment: its answer is not of the expected protocol; check its "
    "address."
)
SILENT = "the server did not answer in time."
LOST = "the server cannot answer at the moment{words}"


class BrokeOff(Exception):
    """The connection ended before the answer did."""


class ListenerFailed(Exception):
    """The listener to the streamed text failed, not the model's server."""


def failure_of(error: Exception, name: str, mask: Callable[[str], str]) -> Exception:
    """The error to raise for an error of a call to the model `name`.

    Any unexpected error while an answer is read counts as the server's fault, so that retries and
    fallbacks apply. `mask` removes secrets from the server's words.
    """
    if isinstance(error, ModelError):
        return error
    if isinstance(error, ListenerFailed) and isinstance(error.__cause__, Exception):
        return error.__cause__
    # SDKs take errors of ours for broken connections and raise their own, so causes count too.
    if (cause := _cause(error, MemoryError)) is not None:
        return MemoryError(*cause.args)
    if (refused := refusal_in(error)) is not None:
        return model_error(refused.refusal, name, mask)
    for error_class, kind, sentence in _FAILURES:
        if (cause := _cause(error, error_class)) is not None:
            words = shortened(redacted(str(cause), mask)) if "{words}" in sentence else ""
            sentence = sentence.format(cause=cause, words=f": {words}" if words else ".")
            return ModelError(kind, f"{name}: {sentence}")
    logger.warning("The answer of %s could not be read.", name, exc_info=error)
    return ModelError(ErrorKind.TRANSIENT, f"{name}: {UNREADABLE}")


def is_broken_answer(error: Exception, *, has_begun: bool) -> bool:
    """Whether a stream failed in a way that a whole answer may not."""
    if _cause(error, ListenerFailed, AddressRefused, MemoryError, ServerRefused) is not None:
        return False
    if _cause(error, AnswerTooLong, TextTooLong) is not None:
        return False
    return has_begun or _cause(error, *_NO_CONNECTION) is None


def refusal_in(error: Exception) -> ServerRefused | None:
    """The server's refusal, if it is the error or one of its causes."""
    cause = _cause(error, ServerRefused)
    return cause if isinstance(cause, ServerRefused) else None


def _cause(error: BaseException | None, *kinds: type[Exception]) -> Exception | None:
    """The error itself or the nearest of its causes that is of one of these kinds."""
    for _ in range(20):
        if error is None or isinstance(error, kinds):
            break
        error = error.__cause__ or error.__context__
    return error if isinstance(error, kinds) else None


# The first that is the error or one of its causes counts.
_FAILURES: tuple[tuple[type[Exception], ErrorKind, str], ...] = (
    (AddressRefused, ErrorKind.REQUEST, "{cause}"),
    (AnswerTooLong, ErrorKind.CONTENT, "{cause}"),
    (TextTooLong, ErrorKind.CONTENT, "{cause}"),
    (BrokeOff, ErrorKind.TRANSIENT, "the answer broke off before its end."),
    (AnswerUnreadable, ErrorKind.TRANSIENT, UNREADABLE),
    (ServerSilent, ErrorKind.TIMEOUT, SILENT),
    (ServerLost, ErrorKind.TRANSIENT, LOST),
    (httpx2.ReadTimeout, ErrorKind.TIMEOUT, SILENT),
    (httpx2.HTTPError, ErrorKind.TRANSIENT, LOST),
    (OSError, ErrorKind.TRANSIENT, LOST),
)
