"""One table: which state of the domain is which HTTP status; every error answer is a problem (RFC
9457).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    ValidationError,
)
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from deployments import errors as deployments
from designs import errors as designs
from designs.api.parsers import JsonWanted
from designs.api.renderers import to_json
from designs.secrets.masking import masked_value
from executor import errors as executor

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

TITLES = {
    400: "The request cannot be read",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "No such representation",
    409: "Conflict",
    411: "Length required",
    413: "Too large",
    415: "Content type not supported",
    422: "Not valid",
    429: "Too many requests",
    500: "Fault of the server",
    502: "The run failed",
    503: "Not available at the moment",
    504: "The run timed out",
}

GONE = "Something that this call needs was removed a moment ago."
CHANGED = "Something that this call needs was changed a moment ago. Look at it, and try again."

# Domain error → status, type, what besides the sentence is said.
_TABLE: dict[type[Exception], tuple[int, str, Callable[[Any], dict[str, Any]]]] = {
    designs.DesignInvalid: (422, "design-invalid", lambda e: {"errors": _by_path(e.problems)}),
    designs.ImportRefused: (
        422,
        "import-refused",
        lambda e: {"errors": _by_path(e.problems, "body")},
    ),
    designs.RowGone: (404, "not-found", lambda e: {}),
    designs.DesignInUse: (409, "design-in-use", lambda e: {}),
    designs.SuggestionsOutdated: (
        409,
        "suggestions-outdated",
        lambda e: {"errors": {"suggestions": list(e.sentences)}},
    ),
    designs.VersionUnknown: (422, "version-unknown", lambda e: {"errors": {"version": [str(e)]}}),
    designs.RightMissing: (403, "permission-denied", lambda e: {}),
    designs.NotAllowed: (422, "not-allowed", lambda e: {}),
    deployments.DeploymentInactive: (409, "deployment-inactive", lambda e: {}),
    deployments.EndpointPathTaken: (
        409,
        "endpoint-path-taken",
        lambda e: {"errors": {"endpoint_path": [str(e)]}},
    ),
    deployments.EndpointPathInvalid: (
        422,
        "invalid",
        lambda e: {"errors": {"endpoint_path": [str(e)]}},
    ),
    deployments.PriceUnknown: (
        422,
        "price-unknown",
        lambda e: {"errors": {"max_cost_usd": [str(e)]}},
    ),
    deployments.IdempotencyConflict: (409, "idempotency-conflict", lambda e: {}),
    deployments.ScheduleInvalid: (
        422,
        "schedule-invalid",
        lambda e: {"errors": {f"schedule.{k}": v for k, v in e.errors.items()}},
    ),
    deployments.BackfillRefused: (
        422,
        "backfill-refused",
        lambda e: {"errors": {e.field: [str(e)]}},
    ),
    deployments.KeyBeyond: (403, "key-beyond", lambda e: {}),
    deployments.KeyRevoked: (409, "key-revoked", lambda e: {}),
    deployments.DeliveryPending: (409, "delivery-pending", lambda e: {}),
    deployments.CallbackRefused: (
        422,
        "callback-refused",
        lambda e: {"errors": {"callback_url": [str(e)]}},
    ),
    # `violated-policies` is the word of the draft that names the RateLimit headers.
    deployments.RateLimitReached: (
        429,
        "rate-limit-reached",
        lambda e: {"violated-policies": e.policies},
    ),
    deployments.Overloaded: (503, "overloaded", lambda e: {}),
    executor.InputTooLarge: (413, "input-too-large", lambda e: {"errors": e.errors}),
    executor.InputInvalid: (422, "input-invalid", lambda e: {"errors": e.errors}),
    executor.ModelUnavailable: (
        422,
        "model-unavailable",
        lambda e: {"errors": {"model": [str(e)]}},
    ),
    executor.ExecutionEnded: (409, "execution-ended", lambda e: {}),
    executor.NotResumable: (409, "not-resumable", lambda e: {}),
    executor.TooManyAtOnce: (429, "too-many-at-once", lambda e: {}),
    executor.TooManyStreams: (429, "too-many-streams", lambda e: {}),
    executor.RecorderUnavailable: (503, "not-available", lambda e: {}),
    # Whatever else keeps a run from being started; those with a status of their own stand above.
    executor.NotAccepted: (409, "not-accepted", lambda e: {}),
}


def problem(status: int, detail: str, *, kind: str = "about:blank", **more: Any) -> dict[str, Any]:
    """The members of RFC 9457; `type` is `/problems/<kind>` relative to the installation."""
    return {
        "type": kind if kind == "about:blank" else f"/problems/{kind}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        **more,
    }


def problem_response(status: int, detail: str, **more: Any) -> HttpResponse:
    """A problem outside DRF: unknown addresses under /api/, faults of ours."""
    return HttpResponse(
        to_json(problem(status, detail, **more)), status=status, content_type=CONTENT_TYPE
    )


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: every error has an answer; what nobody foresaw is a logged 500."""
    set_rollback()
    for kind, (status, name, more) in _TABLE.items():
        if isinstance(error, kind):
            body = problem(status, str(error), kind=name, **more(error))
            passes = status == 503 or isinstance(
                error, executor.TooManyAtOnce | executor.TooManyStreams
            )
            return _answer(body, retry=passes, headers=getattr(error, "headers", None))
    return _of_drf(error) if isinstance(error, exceptions.APIException) else _of_others(error)


def _of_others(error: Exception) -> Response:
    if isinstance(error, Http404):
        return _of_drf(exceptions.NotFound("There is nothing here, or nothing that you may see."))
    if isinstance(error, PermissionDenied):
        return _of_drf(exceptions.PermissionDenied())
    if isinstance(error, RequestDataTooBig):
        return _answer(problem(413, "The body is too large.", kind="body-too-large"))
    if isinstance(error, ValidationError):
        return _answer(problem(422, "Some fields are not valid.", errors=_of_django(error)))
    if isinstance(error, ObjectDoesNotExist):
        logger.warning("A row was gone in the middle of a call.", exc_info=error)
        return _of_drf(exceptions.NotFound(GONE))
    if isinstance(error, IntegrityError):
        logger.warning("Rows changed in the middle of a call.", exc_info=error)
        return _answer(problem(409, CHANGED, kind="changed-meanwhile"))
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("The database could not be used: %s", error)
        body = problem(503, "The database cannot be reached at the moment. Try again.")
        return _answer(body, retry=True)
    logger.error("An API call failed.", exc_info=error)
    return _answer(problem(500, "Something went wrong inside Orchestra; its log says more."))


def _of_drf(error: exceptions.APIException) -> Response:
    if type(error) is exceptions.UnsupportedMediaType:
        error = JsonWanted()
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(error.wait)))  # type: ignore[attr-defined]
    if isinstance(error, exceptions.ValidationError):
        body = problem(
            422, "Some fields are not valid.", kind="invalid", errors=_flat(error.detail)
        )
    else:
        code = error.get_codes()
        kind = str(code).replace("_", "-") if isinstance(code, str) else "about:blank"
        body = problem(error.status_code, _sentence(error), kind=kind)
    return _answer(body, headers=headers)


# In place of DRF's sentences, which repeat what was sent: a method, a type, an origin.
_METHOD = "This address does not take this method; the header Allow names those that it takes."
STALE = "This form is too old, or came from another site. Go back, reload the page, send it again."


def _sentence(error: exceptions.APIException) -> str:
    """Nothing that was sent is repeated to somebody who has not signed in."""
    if isinstance(error, exceptions.MethodNotAllowed):
        return _METHOD
    sentence = str(error.detail)
    return STALE if sentence.startswith("CSRF Failed") else sentence


def _answer(
    body: dict[str, Any], *, retry: bool = False, headers: dict[str, str] | None = None
) -> Response:
    headers = {**(headers or {}), **({"Retry-After": "5"} if retry else {})}
    return Response(
        masked_value(body), status=body["status"], content_type=CONTENT_TYPE, headers=headers
    )


def _flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested details as field path → sentences, paths with dots."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            found.update(_flat(value, f"{path}.{key}" if path else str(key)))
        return found
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return {
            k: v for n, item in enumerate(detail) for k, v in _flat(item, f"{path}.{n}").items()
        }
    sentences = detail if isinstance(detail, list) else [detail]
    return {path or "body": [str(sentence) for sentence in sentences]}


def _of_django(error: ValidationError) -> dict[str, list[str]]:
    if hasattr(error, "error_dict"):
        return {name: [str(text) for text in texts] for name, texts in error.message_dict.items()}
    return {"body": [str(text) for text in error.messages]}


def _by_path(problems: Any, whole: str = "document") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in problems:
        found.setdefault(f"{whole}{item.path}", []).append(item.message)
    return found
