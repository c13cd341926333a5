"""One table from domain errors to HTTP statuses; every error answer is a problem (RFC 9457)."""

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
from rest_framework.fields import DateTimeField
from rest_framework.response import Response
from rest_framework.views import set_rollback

from deployments import errors as deployments
from designs import errors as designs
from designs.api.parsers import JsonWanted
from designs.json_text import to_json
from designs.secrets.masking import masked_value
from executor import errors as executor

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

TITLES = {
    400: "The request cannot be read",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "No such representation",
    409: "Conflict",
    411: "Length required",
    412: "Changed in the meantime",
    413: "Too large",
    415: "Content type not supported",
    422: "Not valid",
    429: "Too many requests",
    500: "Fault of the server",
    502: "The run failed",
    503: "Not available at the moment",
    504: "The run timed out",
}

METHOD = "This address does not take this method; the header Allow names those that it takes."
STALE = "This form is too old, or came from another site. Go back, reload the page, send it again."
GONE = "Something that this call needs was removed a moment ago."
CHANGED = "Something that this call needs was changed a moment ago. Look at it, and try again."


def _at(field: str) -> Callable[[Any], dict[str, Any]]:
    """The error's sentence belongs to this field."""
    return lambda error: {"errors": {field: [str(error)]}}


def _nothing(error: Any) -> dict[str, Any]:
    return {}


def _named(errors: dict[str, list[str]]) -> dict[str, list[str]]:
    """Errors of no field are the body's."""
    return {name or "body": sentences for name, sentences in errors.items()}


def _draft_members(error: Any) -> dict[str, Any]:
    """The draft as it is now, so that a client can merge without another call."""
    return {
        "revision": error.revision,
        "document": error.document,
        "changed_by": error.changed_by,
        "changed_at": DateTimeField().to_representation(error.changed_at),
    }


# Domain error → status, type, further members of the problem.
_TABLE: dict[type[Exception], tuple[int, str, Callable[[Any], dict[str, Any]]]] = {
    designs.DesignInvalid: (422, "design-invalid", lambda e: {"errors": _by_path(e.problems)}),
    designs.ImportRefused: (
        422,
        "import-refused",
        lambda e: {"errors": _by_path(e.problems, "body")},
    ),
    designs.RowGone: (404, "not-found", _nothing),
    designs.DraftChanged: (412, "draft-changed", _draft_members),
    designs.DesignInUse: (409, "design-in-use", _nothing),
    designs.SuggestionsOutdated: (
        409,
        "suggestions-outdated",
        lambda e: {"errors": {"suggestions": list(e.sentences)}},
    ),
    designs.VersionUnknown: (422, "version-unknown", _at("version")),
    designs.RevisionUnknown: (422, "revision-unknown", _at("revision")),
    designs.RightMissing: (403, "permission-denied", _nothing),
    designs.NotAllowed: (422, "not-allowed", _nothing),
    deployments.DeploymentInactive: (409, "deployment-inactive", _nothing),
    deployments.EndpointPathTaken: (409, "endpoint-path-taken", _at("endpoint_path")),
    deployments.EndpointPathInvalid: (422, "invalid", _at("endpoint_path")),
    deployments.PriceUnknown: (422, "price-unknown", _at("max_cost_usd")),
    deployments.VersionMisfit: (
        422,
        "version-misfit",
        lambda e: {"errors": {"version": list(e.sentences)}},
    ),
    deployments.IdempotencyConflict: (409, "idempotency-conflict", _nothing),
    deployments.ScheduleInvalid: (
        422,
        "schedule-invalid",
        lambda e: {"errors": {f"schedule.{k}": v for k, v in e.errors.items()}},
    ),
    deployments.CalendarInUse: (409, "calendar-in-use", _nothing),
    deployments.BackfillRefused: (422, "backfill-refused", lambda e: _at(e.field)(e)),
    deployments.KeyBeyond: (403, "key-beyond", _nothing),
    deployments.KeyRevoked: (409, "key-revoked", _nothing),
    deployments.DeliveryPending: (409, "delivery-pending", _nothing),
    deployments.CallbackRefused: (422, "callback-refused", _at("callback_url")),
    # `violated-policies` is a term of the draft that defines the RateLimit headers.
    deployments.RateLimitReached: (
        429,
        "rate-limit-reached",
        lambda e: {"violated-policies": e.policies},
    ),
    deployments.Overloaded: (503, "overloaded", _nothing),
    executor.InputTooLarge: (413, "input-too-large", lambda e: {"errors": e.errors}),
    executor.InputInvalid: (422, "input-invalid", lambda e: {"errors": e.errors}),
    executor.PartInvalid: (422, "part-invalid", lambda e: {"errors": e.errors}),
    executor.RunUnknown: (422, "run-unknown", lambda e: _at(e.field)(e)),
    executor.ModelUnavailable: (422, "model-unavailable", _at("model")),
    executor.ToolsInvalid: (422, "tools-invalid", lambda e: {"errors": _named(e.errors)}),
    executor.ToolsNotRead: (422, "tools-not-read", _nothing),
    executor.ExecutionEnded: (409, "execution-ended", _nothing),
    executor.NotResumable: (409, "not-resumable", _nothing),
    executor.NotInGroup: (403, "not-in-group", _nothing),
    executor.OwnRun: (403, "own-run", _nothing),
    executor.AlreadyVoted: (409, "already-voted", _nothing),
    executor.RequestClosed: (409, "request-closed", _nothing),
    executor.VoteInvalid: (422, "vote-invalid", lambda e: {"errors": e.errors}),
    executor.TooManyAtOnce: (429, "too-many-at-once", _nothing),
    executor.TooManyStreams: (429, "too-many-streams", _nothing),
    executor.RecorderUnavailable: (503, "not-available", _nothing),
    executor.NestingTooDeep: (422, "nesting-too-deep", _nothing),
    executor.NestedMissing: (409, "nested-missing", _nothing),
    # Every other refusal of a run; those with a status of their own come before.
    executor.NotAccepted: (409, "not-accepted", _nothing),
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
    """A problem outside of DRF's views."""
    return HttpResponse(
        to_json(problem(status, detail, **more)), status=status, content_type=CONTENT_TYPE
    )


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook. An unexpected error is logged and answered with 500."""
    set_rollback()
    for kind, (status, name, more) in _TABLE.items():
        if isinstance(error, kind):
            body = problem(status, str(error), kind=name, **more(error))
            is_transient = status == 503 or isinstance(
                error, executor.TooManyAtOnce | executor.TooManyStreams
            )
            return _answer(body, retry=is_transient, headers=getattr(error, "headers", None))
    return _of_drf(error) if isinstance(error, exceptions.APIException) else _of_others(error)


def _of_others(error: Exception) -> Response:
    if isinstance(error, Http404):
        return _of_drf(exceptions.NotFound("This does not exist, or you have no access."))
    if isinstance(error, PermissionDenied):
        return _of_drf(exceptions.PermissionDenied())
    if isinstance(error, RequestDataTooBig):
        return _answer(problem(413, "The body is too large.", kind="body-too-large"))
    if isinstance(error, ValidationError):
        by_field = hasattr(error, "error_dict")
        errors = error.message_dict if by_field else {"body": error.messages}
        return _answer(problem(422, "Some fields are not valid.", errors=errors))
    if isinstance(error, ObjectDoesNotExist):
        logger.warning("A row was deleted during a call.", exc_info=error)
        return _of_drf(exceptions.NotFound(GONE))
    if isinstance(error, IntegrityError):
        logger.warning("Rows were changed during a call.", exc_info=error)
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
        code, sentence = error.get_codes(), str(error.detail)
        kind = str(code).replace("_", "-") if isinstance(code, str) else "about:blank"
        # DRF's own sentences repeat parts of the request, also to callers who are not signed in.
        if isinstance(error, exceptions.MethodNotAllowed):
            sentence = METHOD
        elif sentence.startswith("CSRF Failed"):
            sentence = STALE
        body = problem(error.status_code, sentence, kind=kind)
    return _answer(body, headers=headers)


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
        return {
            k: v
            for key, value in detail.items()
            for k, v in _flat(value, f"{path}.{key}" if path else str(key)).items()
        }
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return {
            k: v for n, item in enumerate(detail) for k, v in _flat(item, f"{path}.{n}").items()
        }
    sentences = detail if isinstance(detail, list) else [detail]
    return {path or "body": [str(sentence) for sentence in sentences]}


def _by_path(problems: Any, whole: str = "document") -> dict[str, list[str]]:
    sentences: dict[str, list[str]] = {}
    for item in problems:
        sentences.setdefault(f"{whole}{item.path}", []).append(item.message)
    return sentences
