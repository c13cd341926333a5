"""What is raised while a model is asked, as the engine's classes of failure, without secrets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import httpx2

from designs.outgoing.addresses import AddressRefused
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.reply import MAX_TEXT, TextTooLong
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

# httpx2 is the SDKs' client.
_NO_CONNECTION = (ServerLost, ServerSilent, httpx2.TransportError, OSError)

UNREADABLE = (
    "the server cannot answer at the moment: its answer is not of the expected protocol; check its "
    "address."
)


class BrokeOff(Exception):
    """The connection ended before the answer did."""


class ListenerFailed(Exception):
    """Whoever is told of the text failed: that is no fault of the model's server."""


def failure_of(error: Exception, name: str, mask: Callable[[str], str]) -> Exception:
    """The error to be raised for one that came while model `name` was asked.

    Whatever an SDK or our own reader stumbles over in an answer is the server's fault, so that
    retries and other models come into play. `mask` takes secrets out of what the server says.
    """
    if isinstance(error, ModelError):
        return error
    if isinstance(error, ListenerFailed) and isinstance(error.__cause__, Exception):
        return error.__cause__
    for kind, made in _MADE:
        # SDKs take errors of ours for broken connections, and raise their own instead.
        if (found := _cause(error, kind)) is not None:
            return made(found, name, mask)
    logger.warning("The answer of %s could not be read.", name, exc_info=error)
    return ModelError(ErrorKind.TRANSIENT, f"{name}: {UNREADABLE}")


def is_broken_answer(error: Exception, *, has_begun: bool) -> bool:
    """Whether a stream failed in a way that a whole answer need not, whoever raised it."""
    if _cause(error, ListenerFailed, AddressRefused, MemoryError, ServerRefused) is not None:
        return False
    if _cause(error, AnswerTooLong, TextTooLong) is not None:
        return False
    return has_begun or _cause(error, *_NO_CONNECTION) is None


def refusal_in(error: Exception) -> ServerRefused | None:
    """The server's refusal, if that is what it came of."""
    found = _cause(error, ServerRefused)
    return found if isinstance(found, ServerRefused) else None


def _cause(error: BaseException | None, *kinds: type[Exception]) -> Exception | None:
    """The error itself, or the one that it came of, which is of one of these kinds."""
    for _ in range(20):
        if error is None or isinstance(error, kinds):
            break
        error = error.__cause__ or error.__context__
    return error if isinstance(error, kinds) else None


Mask = Callable[[str], str]


def _memory(error: Exception, name: str, mask: Mask) -> Exception:
    return MemoryError(*error.args)


def _address(error: Exception, name: str, mask: Mask) -> Exception:
    return ModelError(ErrorKind.REQUEST, f"{name}: {error}")


def _refused(error: Exception, name: str, mask: Mask) -> Exception:
    refused = cast(ServerRefused, error)
    return model_error(refused.refusal, name, mask)


def _too_many_bytes(error: Exception, name: str, mask: Mask) -> Exception:
    most = cast(AnswerTooLong, error).most_bytes
    sentence = f"{name}: the answer has more than {most:,} bytes; be shorter."
    return ModelError(ErrorKind.CONTENT, sentence)


def _too_long(error: Exception, name: str, mask: Mask) -> Exception:
    sentence = f"{name}: the answer has more than {MAX_TEXT:,} characters; be shorter."
    return ModelError(ErrorKind.CONTENT, sentence)


def _broke_off(error: Exception, name: str, mask: Mask) -> Exception:
    return ModelError(ErrorKind.TRANSIENT, f"{name}: the answer broke off before its end.")


def _unreadable(error: Exception, name: str, mask: Mask) -> Exception:
    return ModelError(ErrorKind.TRANSIENT, f"{name}: {UNREADABLE}")


def _silent(error: Exception, name: str, mask: Mask) -> Exception:
    return ModelError(ErrorKind.TIMEOUT, f"{name}: the server did not answer in time.")


def _disconnected(error: Exception, name: str, mask: Mask) -> Exception:
    said = shortened(redacted(str(error), mask))
    said = f": {said}" if said else "."
    return ModelError(ErrorKind.TRANSIENT, f"{name}: the server cannot answer at the moment{said}")


_MADE: tuple[tuple[type[Exception], Callable[[Exception, str, Mask], Exception]], ...] = (
    (MemoryError, _memory),
    (AddressRefused, _address),
    (ServerRefused, _refused),
    (AnswerTooLong, _too_many_bytes),
    (TextTooLong, _too_long),
    (BrokeOff, _broke_off),
    (AnswerUnreadable, _unreadable),
    (ServerSilent, _silent),
    (ServerLost, _disconnected),
    (httpx2.ReadTimeout, _silent),
    (httpx2.HTTPError, _disconnected),
    (OSError, _disconnected),
)
