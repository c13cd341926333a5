"""The API's reference for readers, and its answer to addresses that lead nowhere."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from orchestra.api.document import METHODS, api_document


@require_safe
@login_required
def api_docs(request: HttpRequest) -> HttpResponse:
    """Every operation of the document at /api/schema, in words."""
    groups: dict[str, list[dict[str, Any]]] = {}
    document = api_document()
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                shown = _operation(document, path, method, item[method])
                groups.setdefault(item[method]["tags"][0], []).append(shown)
    return render(request, "api_docs.html", {"groups": groups})


class DocumentView(ApiView):
    """The OpenAPI document of the whole API."""

    permissions = {"GET": "deployments.view_deployment"}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(api_document())


class UnknownView(ApiView):
    """A problem, so that scripts never meet an HTML page."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is no such API call. The reference is at /api/docs.")


def _operation(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "summary": operation["summary"],
        "words": operation.get("description", ""),
        "parameters": [p for p in operation.get("parameters", ()) if p["in"] != "path"],
        "fields": _fields(document, body.get("schema", {})),
        "example": _json(body.get("example")),
        "answers": [
            {"status": status, **_answer(document, response)}
            for status, response in sorted(operation["responses"].items())
        ],
    }


def _answer(document: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    response = _resolved(document, response)
    content = response.get("content", {}).get("application/json", {})
    return {
        "words": response.get("description", ""),
        "fields": _fields(document, content.get("schema", {})),
        "example": _json(content.get("example")),
    }


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of an object: name, type in words, whether it must be there, what it means."""
    schema = _resolved(document, schema)
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "type": _type(document, field),
            "is_required": name in required,
            "words": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    schema = _resolved(document, schema)
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    parts = schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf")
    if parts:
        return " | ".join(dict.fromkeys(_type(document, part) for part in parts))
    if schema.get("type") == "array":
        return f"list of {_type(document, schema.get('items', {}))}"
    kinds = schema.get("type", "anything")
    text = " | ".join(kinds) if isinstance(kinds, list) else kinds
    return f"{text} ({schema['format']})" if "format" in schema else str(text)


def _resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The part that a reference of the document names, or itself."""
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return _resolved(document, found)


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
