"""The API reference, and the answer at unknown addresses."""

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
    """Describes every operation of the document at /api/schema."""
    groups: dict[str, list[dict[str, Any]]] = {}
    document = api_document()
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = _describe(document, path, method, item[method])
                groups.setdefault(item[method]["tags"][0], []).append(operation)
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


def _describe(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "summary": operation["summary"],
        "words": operation.get("description", ""),
        "parameters": [p for p in operation.get("parameters", ()) if p["in"] != "path"],
        **_body(document, operation.get("requestBody", {})),
        "answers": [
            {
                "status": status,
                "words": _resolved(document, response).get("description", ""),
                **_body(document, _resolved(document, response)),
            }
            for status, response in sorted(operation["responses"].items())
        ],
    }


def _body(document: dict[str, Any], holder: dict[str, Any]) -> dict[str, Any]:
    """The fields of a JSON body, with their types in words, and its example."""
    content = holder.get("content", {}).get("application/json", {})
    schema = _resolved(document, content.get("schema", {}))
    fields = [
        {
            "name": name,
            "type": _type(document, field),
            "is_required": name in schema.get("required", ()),
            "words": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]
    example = content.get("example")
    text = "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)
    return {"fields": fields, "example": text}


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
    """The part itself, or the one that its `$ref` names."""
    while "$ref" in part:
        target: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target
    return part
