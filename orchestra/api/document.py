"""The OpenAPI document, generated from the code, with errors and examples of each call."""

from __future__ import annotations

import functools
from http import HTTPStatus
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from designs.api.lists import Pages
from executor.api.lists import ExecutionPages
from executor.api.serializers import ExecutionOut
from orchestra.api.examples import EXAMPLES, PROBLEM_EXAMPLE

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM_TYPE = "application/problem+json"
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`, or which state this is."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what to do."},
        "errors": {
            "type": "object",
            "description": "Where fields are wrong: field path → sentences.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "additionalProperties": True,
}

EVENTS = "text/event-stream"
EVENT = {
    "type": "object",
    "description": "One of `execution`, `block`, `step`, `delta`, `done`; `data` is JSON.",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "required": ["event", "data"],
}

SIGNED_IN = (401, 403, 406, 429, 503)
WITH_BODY = (400, 411, 413, 415, 422)
# A failed run answers with an error status.
RUNS = frozenset({"deployed_call", "deployed_get", "deployments_execute"})
WORDS = {
    400: "The request cannot be read.",
    401: "No key and no session, or a key that is unknown, expired or revoked.",
    403: "The caller's rights, or the key's scopes or bounds, do not cover this.",
    404: "There is nothing here, or nothing that the caller may see.",
    406: "Answers are JSON.",
    409: "The state of things does not allow it.",
    411: "A body needs a Content-Length.",
    413: "The body is too large, or nested too deep.",
    415: "Bodies are JSON.",
    422: "Fields or input are not valid: each is named.",
    429: "A limit of requests is reached; `Retry-After` says when to try again.",
    500: "A fault of the server.",
    502: "The run failed.",
    503: "Not available at the moment; `Retry-After` says when to try again.",
    504: "The run timed out.",
}
LIMIT_HEADERS = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."},
    "RateLimit": {"schema": {"type": "string"}},
    "RateLimit-Policy": {"schema": {"type": "string"}},
}


class DocumentSchema(AutoSchema):
    """Describes all lists as pages, but those of a view that says it has none."""

    def _get_paginator(self) -> Any:
        if hasattr(self.view, "pagination_class"):
            chosen: Any = self.view.pagination_class
            return None if chosen is None else chosen()
        serializer: Any = self.get_response_serializers()
        if isinstance(serializer, dict):
            serializer = next(iter(serializer.values()), None)
        child = getattr(serializer, "child", None)
        return ExecutionPages() if type(child) is ExecutionOut else Pages()


@functools.cache
def api_document() -> dict[str, Any]:
    """The same document for every caller."""
    document: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return document


def finish(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The generator's hook: adds clean paths, errors, examples and the server's address."""
    _mend(result)
    result["servers"] = [{"url": settings.ENVIRONMENT.public_url}]
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    problems: dict[str, dict[str, Any]] = {
        f"Problem{status}": {
            "description": words,
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, words in WORDS.items()
    }
    problems["Problem422"]["content"][PROBLEM_TYPE]["example"] = PROBLEM_EXAMPLE
    problems["Problem429"]["headers"] = LIMIT_HEADERS
    problems["Problem503"]["headers"] = {"Retry-After": LIMIT_HEADERS["Retry-After"]}
    result["components"]["responses"] = problems
    result["paths"] = {
        path.rstrip("/").replace("deployed{path}", "deployed/{path}"): item
        for path, item in result["paths"].items()
    }
    for path, item in result["paths"].items():
        for method in METHODS:
            if method in item:
                _complete(path, method, item[method])
    return result


def _mend(part: Any) -> None:
    """A field of any JSON accepts null already: a second branch for null would match twice."""
    if isinstance(part, list):
        for item in part:
            _mend(item)
    if not isinstance(part, dict):
        return
    if {} in part.get("oneOf", ()):
        del part["oneOf"]
    for item in part.values():
        _mend(item)


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    operation.setdefault("summary", operation.get("description", "").split("\n")[0].rstrip("."))
    for status, response in operation["responses"].items():
        response["description"] = response["description"] or HTTPStatus(int(status)).phrase
    for status in _errors(path, method, operation):
        reference = {"$ref": f"#/components/responses/Problem{status}"}
        operation["responses"].setdefault(str(status), reference)
    if name in RUNS:
        operation["responses"]["200"]["content"][EVENTS] = {"schema": EVENT}
    sent, answered = EXAMPLES.get(name, (None, None))
    if sent is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = sent
    if answered is not None:
        success = min(operation["responses"])
        operation["responses"][success]["content"]["application/json"]["example"] = answered


def _errors(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    """The error statuses that a call may answer with."""
    if not any(operation.get("security", ())):
        return [406]
    statuses = set(SIGNED_IN)
    parameters = operation.get("parameters", ())
    if "{" in path or any(parameter["name"] == "cursor" for parameter in parameters):
        statuses.add(404)
    if method in ("post", "put", "patch"):
        statuses.update(WITH_BODY)
    if method != "get":
        statuses.add(409)
    if any(parameter["in"] == "query" for parameter in parameters):
        statuses.add(422)
    if operation["operationId"] in RUNS:
        statuses.update((400, 405, 409, 422, 500, 502, 504) if method == "get" else (500, 502, 504))
    return sorted(statuses & WORDS.keys())
